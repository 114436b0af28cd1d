"""POST /activelearning/{strategy}: the case that waits for its reader."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from django.core.cache import cache
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request

from accounts import audit
from accounts.api.problems import Problem
from accounts.models import LabelToken
from imaging.models import Image, Reading, Study, Work
from imaging.monai_label.datastore import PIXELS, checksum, file_name, image_told
from imaging.monai_label.rooms import LabelRoom
from imaging.selectors import (
    images_visible_to,
    results_told_wholly,
    results_visible_to,
    studies_visible_to,
)

STRATEGY = "waiting"
KEPT_S = 24 * 3600


class NextCase(LabelRoom):
    required_action = PIXELS
    throttle_scope = "write"
    parser_classes = (JSONParser, FormParser, MultiPartParser)

    def post(self, request: Request, strategy: str, **kwargs: str) -> HttpResponse:
        """Answer the next case, another one each time; an empty object when none waits."""
        if strategy != STRATEGY:
            said = _("There is one strategy here: %s.") % STRATEGY
            raise Problem(HTTPStatus.NOT_FOUND, "not_found", said)
        study = _next(request.auth, studies_waiting(request.user))
        if study is None:
            return JsonResponse({})
        image = _image_of(request.user, study)
        audit.record_once(request.user, "image.view", image)
        told = {
            "id": str(image.pk),
            "name": file_name(image),
            "path": "",
            "checksum": f"SHA256:{checksum(image)}",
        }
        return JsonResponse(image_told(image) | told)


def studies_waiting(user) -> QuerySet[Study]:
    """Return what is unread or not analysed yet, nobody else's to read, the most urgent first.

    The oldest first for whoever may not know every result: an order would tell of them.
    """
    pictured = images_visible_to(user, PIXELS).filter(study=OuterRef("pk")).order_by()
    waiting = Q(reading=Reading.UNREAD) | Q(work=Work.NEW)
    theirs = Q(reader=None) | Q(reader=user)
    found = studies_visible_to(user).filter(waiting, theirs, Exists(pictured))
    order = ("urgency",) if results_told_wholly(user) else ()
    return found.order_by(*order, "created_at", "id")


def _next(token: LabelToken, waiting: QuerySet[Study]) -> Study | None:
    """Return the first that this client was not given yet; after the last, the first again."""
    key = f"label-given:{token.pk}"
    given: list[UUID] = cache.get(key, [])
    study = waiting.exclude(pk__in=given).first()
    if study is None and given:
        given, study = [], waiting.first()
    if study is not None:
        cache.set(key, [*given, study.pk], KEPT_S)
    return study


def _image_of(user, study: Study) -> Image:
    """Return the picture that the deciding result is of, if that may be known, else the first."""
    images = images_visible_to(user, PIXELS).filter(study=study)
    known = results_visible_to(user).filter(pk=study.answer_id).values("image")
    wanted = images.filter(pk__in=known).first()
    return wanted or images.order_by("created_at", "id")[0]
