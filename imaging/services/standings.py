"""How studies stand: worked out anew from their jobs, results and reviews whenever one changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy

from imaging.models import Job, Result, Review, Study
from imaging.services.refusals import NotPossible
from imaging.standing import standing_of

AT_ONCE = 500
DELETED = gettext_lazy("A study that you chose was deleted meanwhile.")
COLUMNS = (
    "work", "reading", "answer", "review", "job", "ensemble", "severity", "disagree", "signed_at",
    "urgency", "place", "assessed", "not_assessed",
)  # fmt: skip


def work_settle(studies: Iterable[UUID]) -> None:
    """Settle the studies of work that begins. Raises: NotPossible where one was deleted."""
    if standings_settle(studies):
        raise NotPossible(DELETED)


@transaction.atomic(savepoint=False)
def standings_settle(studies: Iterable[UUID]) -> bool:
    """Write how each of these studies stands now; the last act of a transaction that changes it.

    The studies are locked first: of two jobs that end at once, the second sees the first.
    True: one of them is deleted.
    """
    ids = sorted(set(studies))
    deleted = sum(_settle(ids[at : at + AT_ONCE]) for at in range(0, len(ids), AT_ONCE))
    return bool(deleted)


def _settle(ids: Collection[UUID]) -> bool:
    held = Study.objects.select_for_update().filter(pk__in=ids).order_by("pk")
    held = held.only(*COLUMNS, "deleted_at")
    studies = list(held)
    jobs, results, reviews = _jobs(ids), _results(ids), _reviews(ids)
    changed = [
        study for study in studies
        if _moved(study, standing_of(jobs[study.pk], results[study.pk], reviews))
    ]  # fmt: skip
    Study.objects.bulk_update(changed, COLUMNS, batch_size=AT_ONCE)
    return any(study.deleted_at for study in studies)


def _moved(study: Study, columns: Mapping[str, Any]) -> bool:
    """Put the columns on the row; say whether that changed it."""
    found = False
    for name, value in columns.items():
        attname = Study._meta.get_field(name).attname
        found = found or getattr(study, attname) != value
        setattr(study, attname, value)
    return found


def _jobs(ids: Collection[UUID]) -> dict[UUID, list[dict]]:
    """Return by study the newest job of each image."""
    rows = Job.objects.filter(image__study__in=ids, run__cohort=None).order_by("created_at", "pk")
    newest = {
        row["image"]: row for row in rows.values(
            "pk", "image", "status", "created_at", study=F("image__study"),
            ensemble=F("run__ensemble"),
        )
    }  # fmt: skip
    return _by_study(newest.values())


def _results(ids: Collection[UUID]) -> dict[UUID, list[dict]]:
    """Return by study its results, oldest first."""
    rows = Result.objects.filter(image__study__in=ids, job__run__cohort=None).order_by(
        "created_at", "pk"
    )
    return _by_study(
        rows.values(
            "pk", "image", "severity", "disagree", "created_at", study=F("image__study"),
            ensemble=F("job__run__ensemble"),
        )
    )  # fmt: skip


def _reviews(ids: Collection[UUID]) -> dict[UUID, dict]:
    """Return by result the version that counts."""
    rows = Review.objects.filter(result__image__study__in=ids).order_by("number")
    return {
        row["result"]: row for row in rows.values("pk", "result", "signed_at", at=F("created_at"))
    }


def _by_study(rows: Iterable[dict]) -> dict[UUID, list[dict]]:
    found = defaultdict(list)
    for row in rows:
        found[row["study"]].append(row)
    return found
