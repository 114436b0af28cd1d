"""GET /info/: what this server can do for this client, in MONAI Label's words."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from rest_framework.request import Request

from imaging.monai_label.datastore import stats_of
from imaging.monai_label.next_case import STRATEGY
from imaging.monai_label.offers import Offer, offers_to
from imaging.monai_label.rooms import LabelRoom


class Info(LabelRoom):
    def get(self, request: Request, **kwargs: str) -> HttpResponse:
        offers = offers_to(request.user, self.place())
        return JsonResponse(_told(offers) | {"datastore": stats_of(request.user)})


def _told(offers: dict[str, Offer]) -> dict[str, Any]:
    marking = [one for one in offers.values() if one.type == "segmentation"]
    return {
        "name": "MediScan",
        "description": settings.RESEARCH_NOTICE,
        "version": settings.VERSION,
        "labels": list(dict.fromkeys(label for one in marking for label in one.labels)),
        "models": {name: one.told() for name, one in offers.items()},
        "trainers": {},
        "strategies": {
            STRATEGY: {"description": _("The most urgent case that waits"), "config": {}}
        },
        "scoring": {},
        "train_stats": {},
    }
