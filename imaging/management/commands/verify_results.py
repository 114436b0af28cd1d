"""Is every stored result what the engine said when it was stored?"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from accounts.commands import misuse
from accounts.json_answers import AnswersJson
from imaging.models import Result, Review
from imaging.services.seals import NO_SEAL, results_changed
from imaging.services.signing import signature_holds


class Command(AnswersJson):
    help = (
        "Compare each result with the seal it was stored under and each signed decision with its"
        " signature, and name all that was changed past the code. Exit code 0: all are as they"
        " were; 1: some are not."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--result", action="append", default=[], metavar="ID",
                            help="this one alone; may be given again")  # fmt: skip
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *, result: list[str], **options) -> None:
        results = _meant(result)
        total = results.count()
        changed = list(_changed(results))
        if options["json"]:
            told = {"results": total, "changed": [asdict(one) for one in changed]}
            self.stdout.write(json.dumps(told, indent=1))
        else:
            for one in changed:
                self.stdout.write(f"{one.kind} {one.id}: {one.words}")
            self.stdout.write(f"{total} results looked at, {len(changed)} changed.")
        if changed:
            sys.exit(1)


def _meant(ids: list[str]) -> QuerySet[Result]:
    """Return the results of these ids, all without any. Raises CommandError for one unknown."""
    if not ids:
        return Result.objects.all()
    for one in ids:
        try:
            if not Result.objects.filter(pk=one).exists():
                raise misuse(f"--result: there is no result {one}. Its page names its id.")
        except ValidationError:
            raise misuse(f"--result: {one} is no id; an id is a UUID.") from None
    return Result.objects.filter(pk__in=ids)


@dataclass(frozen=True, slots=True)
class Changed:
    """A result or a signed review that is not what was stored, and in what words."""

    kind: str
    id: str
    words: str
    fields: tuple[str, ...] = ()


def _changed(results: QuerySet[Result]) -> Iterator[Changed]:
    for one, fields in results_changed(results):
        if fields:
            yield Changed("result", str(one.pk), _words(fields), tuple(fields))
    signed = Review.objects.filter(result__in=results).exclude(signed_at=None)
    for review in signed.select_related("result__seal").iterator(chunk_size=100):
        if not signature_holds(review):
            words = "its signature does not fit its content"
            yield Changed("review", str(review.pk), words)


def _words(changed: list[str]) -> str:
    if changed == [NO_SEAL]:
        return "its seal is missing or forged"
    return "changed since it was stored: " + ", ".join(changed)
