"""A verdict on a result: saved as a version of its own, signed, followed, never overwritten."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.access import refusal
from accounts.models import Blob, User
from accounts.services.outbox import event_note
from accounts.vault.staging import StagedBlob
from accounts.vault.storage import blob_keep, blob_write
from imaging import queue
from imaging.measures.threshold import nested_dice, threshold_level
from imaging.models import Decision, Meaning, RejectReason, Result, Review
from imaging.selectors import results_within
from imaging.services.refusals import NotPossible
from imaging.services.seals import result_changes
from imaging.services.signing import signature_of
from imaging.services.standings import standings_settle

MEASURE = "imaging.tasks.measure_review"
LEAST_AMENDMENT = 10
SIGNATURE = ("signed_by", "signed_at", "meaning", "digest", "kid", "mac")
CONTENT = ("author_id", "decision", "reason", "comment", "amendment", "level", "removed")


class Overtaken(Exception):
    """Somebody saved or signed another version meanwhile; `latest` is what counts now."""

    def __init__(self, latest: Review) -> None:
        super().__init__(latest)
        self.latest = latest


def review_save(
    *,
    by: User,
    result: Result,
    seen: int,
    decision: str,
    reason: str = "",
    comment: str = "",
    threshold: float | None = None,
    amendment: str = "",
    mask: Iterable[bytes] | None = None,
    sent: tuple[str, bytes] | None = None,
    removed: Collection[int] = (),
) -> Review:
    """Keep a verdict as the version after `seen`, the number of the one its author looked at.

    An edit is another `threshold` of the result's table, a painted `mask` in pieces, one byte 0
    or 1 per pixel of the image, a mask's file `sent` under a name, or the result without the
    lesions `removed`, by position; the engine will measure all but the first. The same verdict
    sent twice is one version.
    Raises: PermissionDenied; NotPossible, in words;
    Overtaken when the version that counts is no longer `seen`.
    """
    _may(by, "review.save", result)
    review = Review(
        organisation_id=result.organisation_id,
        patient_id=result.patient_id,
        result=result,
        number=seen + 1,
        author=by,
        decision=decision,
        reason=reason if decision == Decision.REJECTED else "",
        comment=comment.strip()[:4000],
        amendment=amendment.strip()[:2000],
    )
    _check(review)
    if decision == Decision.EDITED and removed:
        _take_out(review, threshold, removed)
    elif decision == Decision.EDITED and mask is None and sent is None:
        _cut(review, threshold)
    if mask is None:
        return _saved(review, None, sent)
    with _staged(review, mask) as painted:
        return _saved(review, painted, sent)


def _saved(review: Review, painted: StagedBlob | None, sent: tuple[str, bytes] | None) -> Review:
    latest = latest_review(review.result)
    if latest is not None and latest.number != review.number - 1:
        return _same_or_overtaken(review, latest, painted, sent)
    if latest is not None and latest.is_signed and len(review.amendment) < LEAST_AMENDMENT:
        raise NotPossible(
            _(
                "Version %(n)d is signed. Say in at least %(least)d characters why it is amended:"
                " both stay readable."
            )
            % {"n": latest.number, "least": LEAST_AMENDMENT}
        )
    if latest is None or not latest.is_signed:
        review.amendment = ""
    return _store(review, painted, sent)


def review_sign(*, by: User, review: Review, meaning: str) -> Review:
    """Close a version under a name and a meaning. The caller has asked for password and code.

    Signed already by the same person in the same sense, it is returned as it is.
    Raises: PermissionDenied; NotPossible; Overtaken when a later version counts.
    """
    _may(by, "review.sign", review.result)
    if meaning not in Meaning.values:
        raise NotPossible(_("Choose what your signature means."))
    with transaction.atomic():
        locked = Review.objects.select_for_update().get(pk=review.pk)
        latest = latest_review(review.result)
        if latest.pk != locked.pk:
            raise Overtaken(latest)
        if locked.is_signed:
            if (locked.signed_by_id, locked.meaning) == (by.pk, meaning):
                return locked
            raise Overtaken(locked)
        if locked.has_mask and locked.row is None:
            raise NotPossible(
                _("Its mask is not measured: %(why)s")
                % {"why": locked.problem or _("wait a moment and sign then.")}
            )
        if result_changes(review.result):
            raise NotPossible(
                _(
                    "This result was changed since it was stored: nobody can sign for it."
                    " Run the image again."
                )
            )
        locked.signed_by, locked.signed_at, locked.meaning = by, now(), meaning
        locked.digest, locked.kid, locked.mac = signature_of(locked)
        signed = {name: getattr(locked, name) for name in SIGNATURE}
        if not Review.objects.filter(pk=locked.pk, signed_at=None).update(**signed):
            raise Overtaken(latest_review(review.result))
        action = "review.amend" if locked.amendment else "review.sign"
        audit.record(by, action, locked, reason=meaning, after={"sha256": locked.digest})
        _tell("report.signed", locked)
        standings_settle([review.result.image.study_id])
    return locked


def latest_review(result: Result) -> Review | None:
    """Return the version that counts: the one with the highest number."""
    return _versions(result).order_by("-number").first()


def review_numbered(result: Result, number: int) -> Review | None:
    """Return one version of the verdict, whichever counts now."""
    return _versions(result).filter(number=number).first()


def review_superseding(review: Review) -> Review | None:
    """Return the newest signed version after this one: what it says now instead."""
    later = _versions(review.result).filter(number__gt=review.number, signed_at__isnull=False)
    return later.order_by("-number").first()


def _versions(result: Result) -> QuerySet[Review]:
    return Review.objects.filter(result=result).select_related("author", "signed_by", "mask")


def _may(by: User, action: str, result: Result) -> None:
    if not results_within(by, action).filter(pk=result.pk).exists():
        raise PermissionDenied(refusal(action))


def _check(review: Review) -> None:
    if review.decision not in Decision.values:
        raise NotPossible(_("Choose one: accept, edit or reject."))
    if review.decision != Decision.REJECTED:
        return
    if review.reason not in RejectReason.values:
        raise NotPossible(_("Choose why the result is rejected."))
    if review.reason == RejectReason.OTHER and not review.comment:
        raise NotPossible(_("Write the other reason into the comment."))


def _cut(review: Review, threshold: float | None) -> None:
    """Set the reader's threshold: one of the result's table, so that its measures are known."""
    level = threshold_level(threshold) if threshold else None
    row = next((one for one in review.result.table if one["level"] == level), None)
    if row is None:
        raise NotPossible(_("Choose one of the thresholds of the slider."))
    if level == review.result.level:
        raise NotPossible(
            _("The threshold is the saved one: nothing is edited. Move it, or accept the result.")
        )
    review.threshold, review.level, review.row = row["t"], level, row
    review.dice = nested_dice(row["raw_px"], review.result.operating["raw_px"])


def _take_out(review: Review, threshold: float | None, removed: Collection[int]) -> None:
    """Set the lesions that the reader removed: they are those of the saved threshold."""
    if threshold and threshold_level(threshold) != review.result.level:
        raise NotPossible(
            _(
                "Regions are removed at the saved threshold, %(saved)s: set it back, or keep all"
                " regions and the new threshold."
            )
            % {"saved": f"{review.result.threshold:.2f}"}
        )
    wanted = sorted(set(removed))
    known = review.result.lesions.filter(position__in=wanted).count()
    if known != len(wanted):
        raise NotPossible(_("One of the removed regions is not in this result."))
    review.removed = wanted


@contextmanager
def _staged(review: Review, mask: Iterable[bytes]) -> Iterator[StagedBlob]:
    """Write the mask before any transaction: a volume's takes a second. What is not kept goes."""
    staged = StagedBlob(
        organisation=review.result.organisation, kind="mask", patient_id=review.patient_id
    )
    try:
        for piece in mask:
            staged.write(piece)
        yield staged
    finally:
        staged.discard()


def _store(review: Review, painted: StagedBlob | None, sent: tuple[str, bytes] | None) -> Review:
    try:
        with transaction.atomic():  # the constraint decides between two at the same instant
            if painted is not None:
                review.mask = blob_keep(painted)
            if sent is not None:
                review.sent_name, review.sent = sent[0], _kept(review, sent[1])
            if review.has_mask:
                review.rung_at = now()
                queue.enqueue(MEASURE, str(review.pk))
            review.save(force_insert=True)
            audit.record(review.author, "review.save", review, reason=_why(review))
            _tell("result.reviewed", review)
            standings_settle([review.result.image.study_id])
    except IntegrityError:
        return _same_or_overtaken(review, latest_review(review.result), painted, sent)
    return review


def _tell(event: str, review: Review) -> None:
    """Let other systems know, by ids alone."""
    ids = {"review": review.pk, "result": review.result_id, "image": review.result.image_id}
    event_note(event, ids, organisation_id=review.organisation_id)


def _kept(review: Review, data: bytes) -> Blob:
    return blob_write(
        organisation=review.result.organisation,
        chunks=[data],
        kind="mask file",
        patient_id=review.patient_id,
    )


def _why(review: Review) -> str:
    if review.removed:
        return f"{review.decision}, without {review.left_out}"[:200]
    if review.mask_id:
        return f"{review.decision}, painted"
    if review.sent_id:
        return f"{review.decision}, mask sent"
    if review.level is None:
        return review.reason or review.decision
    return f"{review.decision}, threshold {review.result.threshold:g} to {review.threshold:g}"


def _same_or_overtaken(
    review: Review, latest: Review, painted: StagedBlob | None, sent: tuple[str, bytes] | None
) -> Review:
    """A second click finds its own version; anything else was overtaken."""
    file = hashlib.sha256(sent[1]).hexdigest() if sent is not None else None
    same = all(getattr(review, name) == getattr(latest, name) for name in CONTENT)
    own = latest.mask and not latest.removed and not latest.sent_id
    same = same and (painted and painted.sha256) == (latest.mask.sha256 if own else None)
    same = same and file == (latest.sent.sha256 if latest.sent_id else None)
    if same and latest.number == review.number:
        return latest
    raise Overtaken(latest)
