"""Is every stored result what the engine said when it was stored?"""

from __future__ import annotations

import sys

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from imaging.models import Result, Review
from imaging.services.seals import NO_SEAL, results_changed
from imaging.services.signing import signature_holds


class Command(BaseCommand):
    help = (
        "Compare each result with the seal it was stored under and each signed decision with its"
        " signature, and name all that was changed past the code. Exit code 0: all are as they"
        " were; 1: some are not."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--result", action="append", default=[], metavar="ID")

    def handle(self, *, result: list[str], **options) -> None:
        try:
            results = Result.objects.filter(pk__in=result) if result else Result.objects.all()
            total = results.count()
        except ValidationError:
            raise CommandError("--result: an id is a UUID.") from None
        bad = 0
        for one, changed in results_changed(results):
            if changed:
                bad += 1
                self.stdout.write(f"result {one.pk}: {_words(changed)}")
        signed = Review.objects.filter(result__in=results).exclude(signed_at=None)
        for review in signed.select_related("result__seal").iterator(chunk_size=100):
            if not signature_holds(review):
                bad += 1
                self.stdout.write(f"review {review.pk}: its signature does not fit its content")
        self.stdout.write(f"{total} results looked at, {bad} changed.")
        if bad:
            sys.exit(1)


def _words(changed: list[str]) -> str:
    if changed == [NO_SEAL]:
        return "its seal is missing or forged"
    return "changed since it was stored: " + ", ".join(changed)
