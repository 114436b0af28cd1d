"""The life of a letterhead: drafted, looked at, put into use, followed by another."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.files import File
from django.db import transaction
from django.db.models import Max, QuerySet
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Blob, Organisation, User
from accounts.selectors import organisations_of
from accounts.vault.storage import blob_delete, blob_write
from imaging import queue
from imaging.services.refusals import NotPossible
from reports.models import Letterhead, LetterheadState

MANAGE = "letterhead.manage"
TASK = "reports.tasks.read_letterhead"
TRIES = 3
STALE = timedelta(seconds=60)
DIED = "The worker died three times while drawing this letterhead. Send the logo as another file."


def letterheads_managed_by(user: User) -> QuerySet[Letterhead]:
    """Return the letterheads, drafts too, of the organisations that `user` administers."""
    return Letterhead.objects.filter(organisation__in=organisations_of(user, MANAGE))


def letterhead_at(organisation_id, moment: datetime) -> Letterhead | None:
    """Return the letterhead that reports of the organisation carried then."""
    used = Letterhead.objects.filter(organisation=organisation_id, used_at__lte=moment)
    return used.select_related("logo").order_by("-used_at", "-number").first()


@transaction.atomic
def letterhead_save(
    *,
    user: User,
    organisation: Organisation,
    words: dict[str, str],
    logo: File | None,
    keeps_logo: bool,
) -> Letterhead:
    """Keep a draft and have its specimen made; no report carries it yet.

    logo        a file that nobody has looked at; without one the newest letterhead's stays
                where `keeps_logo`.

    Raises: NotPossible while the logo that would stay is still being looked at.
    """  # fmt: skip
    Organisation.objects.select_for_update().get(pk=organisation.pk)  # numbers one by one
    mine = Letterhead.objects.filter(organisation=organisation)
    looked_at = mine.filter(state=LetterheadState.READING, sent__isnull=False)
    if logo is None and keeps_logo and looked_at.exists():
        raise NotPossible(
            _("The logo of the last draft is still being looked at. Wait for it, or send it again.")
        )
    newest = mine.filter(state=LetterheadState.READY).order_by("-number").first()
    sent = None
    if logo is not None:
        sent = blob_write(organisation=organisation, chunks=logo.chunks(), kind="letterhead")
    draft = Letterhead(
        organisation=organisation,
        number=(mine.aggregate(last=Max("number"))["last"] or 0) + 1,
        created_by=user,
        sent=sent,
        sent_name=str(logo.name)[-255:] if logo is not None else "",
        logo=newest.logo if newest and keeps_logo and sent is None else None,
        rung_at=now(),
        **words,
    )
    draft.save(force_insert=True)
    audit.record(user, "letterhead.save", draft, after=_told(draft))
    queue.enqueue(TASK, str(draft.pk))
    return draft


@transaction.atomic
def letterhead_use(*, user: User, letterhead: Letterhead) -> None:
    """Let every report that is not signed yet carry it from now on. Raises NotPossible."""
    ours = Letterhead.objects.filter(
        pk=letterhead.pk, state=LetterheadState.READY, used_at=None
    ).update(used_at=now(), used_by=user)
    if not ours:
        raise NotPossible(_("This letterhead is in use already, or it is not ready."))
    audit.record(user, "letterhead.use", letterhead, after=_told(letterhead))


def letterhead_end(letterhead: Letterhead, *, problem: str = "", **blobs: Blob | None) -> bool:
    """Close the reading, in the caller's transaction; False where another worker was first."""
    state = LetterheadState.REFUSED if problem else LetterheadState.READY
    ours = Letterhead.objects.filter(pk=letterhead.pk, state=LetterheadState.READING).update(
        state=state, problem=problem[:500], sent=None, **blobs
    )
    if ours and letterhead.sent_id:
        blob_delete(letterhead.sent)
    return bool(ours)


def letterheads_recover() -> int:
    """Ring again for drafts whose doorbell was lost; give up after the third death."""
    lost = Letterhead.objects.filter(state=LetterheadState.READING, rung_at__lt=Now() - STALE)
    waiting = queue.waiting(TASK) if lost.exists() else set()
    count = 0
    for one in lost.select_related("sent"):
        if str(one.pk) in waiting:
            continue
        with transaction.atomic():
            if one.tries >= TRIES:
                letterhead_end(one, problem=DIED)
            else:
                Letterhead.objects.filter(pk=one.pk).update(rung_at=now())
                queue.enqueue(TASK, str(one.pk))
        count += 1
    return count


def _told(letterhead: Letterhead) -> dict[str, str]:
    names = ("heading", "address", "closing")
    logo = letterhead.sent or letterhead.logo
    return {name: getattr(letterhead, name) for name in names} | {
        "number": str(letterhead.number), "logo": logo.sha256 if logo else "",
    }  # fmt: skip
