"""An order: files and models in one call. The files are read first, then the run is asked for."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts.models import User
from imaging.models import Ensemble, Image, ModelVersion, Order, Upload
from imaging.selectors import images_visible_to
from imaging.services.members import MemberChoice
from imaging.services.refusals import NotPossible
from imaging.services.runs import run_submit

logger = logging.getLogger(__name__)


def order_of_token(user: User, token: str) -> Order | None:
    """Return the order that `user` placed under `token` before; None without one."""
    return Order.objects.filter(user=user, token=token).first() if token else None


def order_place(
    *,
    user: User,
    upload: Upload,
    members: Sequence[MemberChoice],
    threshold: float,
    fusion: str,
    ensemble: Ensemble | None,
    modality: str,
    token: str = "",
) -> Order:
    """Keep what is to be done with `upload`, and do it at once if all of it is known already.

    Of two that come under one `token` at one instant the second gets the first's order.
    """
    choice = {
        "members": [[str(one.model_version.pk), one.weight, one.device] for one in members],
        "threshold": threshold,
        "fusion": fusion,
        "ensemble": str(ensemble.pk) if ensemble else None,
        "modality": modality,
    }
    order = Order(
        organisation_id=upload.organisation_id, user=user, upload=upload, choice=choice, token=token
    )
    try:
        with transaction.atomic():
            order.save(force_insert=True)
    except IntegrityError:
        earlier = order_of_token(user, token)
        if earlier is None:
            raise
        return earlier
    order_fulfil(upload.pk)
    order.refresh_from_db()
    return order


def order_fulfil(upload_id) -> None:
    """Ask for the run of a read upload, if it was ordered; twice does it once."""
    with transaction.atomic():
        rows = Order.objects.select_for_update().filter(upload=upload_id, closed_at=None)
        order = rows.exclude(upload__finished_at=None).first()
        if order is None:
            return
        try:
            with transaction.atomic():
                order.run = _submit(order)
        except ValidationError as refusal:
            order.problem = " ".join(refusal.messages)[:500]
        order.closed_at = now()
        order.save(update_fields=["run", "problem", "closed_at"])


def orders_recover() -> int:
    """Fulfil what a killed worker left open; return how many."""
    read = Order.objects.filter(closed_at=None).exclude(upload__finished_at=None)
    left = list(read.values_list("upload", flat=True))
    for upload_id in left:
        order_fulfil(upload_id)
    return len(left)


def _submit(order: Order):
    """Submit with the rights that the person has now, whatever they were when it was placed."""
    choice, user = order.choice, order.user
    images = _images(order)
    wrong = {image.modality for image in images} - {choice["modality"]}
    if wrong:
        raise NotPossible(
            _("The file says that it is %(found)s, not %(asked)s.")
            % {"found": ", ".join(sorted(wrong)), "asked": choice["modality"]}
        )
    versions = ModelVersion.objects.in_bulk([pk for pk, _weight, _device in choice["members"]])
    known = {str(pk): version for pk, version in versions.items()}
    return run_submit(
        user=user,
        images=images,
        members=[MemberChoice(known[pk], weight, dev) for pk, weight, dev in choice["members"]],
        threshold=choice["threshold"],
        fusion=choice["fusion"],
        ensemble=Ensemble.objects.filter(pk=choice["ensemble"]).first(),
        token=f"order-{order.pk}",
    )


def _images(order: Order) -> list[Image]:
    """Return what came of the files, as far as `order.user` may run it."""
    received = Image.objects.filter(upload_items__upload=order.upload_id).values("source")
    rows = images_visible_to(order.user, "run.submit").filter(source__in=received)
    rows = rows.select_related("organisation", "source", "study").order_by("created_at", "id")
    images = list(rows)
    if not images:
        raise NotPossible(_("None of the files became an image: the upload says why."))
    return images
