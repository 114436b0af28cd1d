"""Studies are given to a reader, many at once; each says what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from accounts.selectors import grants_of
from imaging.models import Study
from imaging.selectors import studies_within
from imaging.services.refusals import NotPossible

MOST_STUDIES = 1000


@transaction.atomic
def studies_assign(*, by: User, studies: Iterable[UUID], reader: User | None) -> Counter[str]:
    """Give the studies to `reader`, or to nobody; return how many by what became of them.

    "" is done; any other key says in words why a study was skipped. What `by` may not give away
    is not there for them. Twice, it changes nothing. Raises: NotPossible.
    """
    wanted = set(studies)
    if not wanted:
        raise NotPossible(_("Choose at least one study."))
    if len(wanted) > MOST_STUDIES:
        raise NotPossible(
            _("At most %(n)d studies are assigned at once; you chose %(count)d.")
            % {"n": MOST_STUDIES, "count": len(wanted)}
        )
    theirs = studies_within(by, "study.assign").filter(pk__in=wanted)
    held = Study.objects.select_for_update().filter(pk__in=theirs.values("pk")).order_by("pk")
    outcome: Counter[str] = Counter()
    for study in held:
        why = _why_not(study, reader)
        outcome[why] += 1
        if not why:
            before, after = study.reader_id, reader.pk if reader else None
            Study.objects.filter(pk=study.pk).update(reader=reader)
            audit.record(by, "study.assign", study, before={"reader": before},
                         after={"reader": after})  # fmt: skip
    return outcome


def _why_not(study: Study, reader: User | None) -> str:
    if study.reader_id == (reader.pk if reader else None):
        return _("already so")
    if reader is not None and not _may_read(reader, study):
        return _("not theirs to read")
    return ""


def _may_read(reader: User, study: Study) -> bool:
    return any(
        grant.organisation_id == study.organisation_id
        and grant.department_id in (None, study.department_id)
        for grant in grants_of(reader, "review.save")
    )
