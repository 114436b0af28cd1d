"""Files and models in one call: POST /api/xray/analyze and its like, and what came of it."""

from __future__ import annotations

from http import HTTPStatus

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import refusal
from accounts.api.schema import GONE, KEYED, READ, SENT
from accounts.api.waiting import WaitQuery, wait_until
from accounts.selectors import user_may
from imaging.api.asking import (
    AnalyzeRequest,
    choice_meant,
    members_of_form,
    place_meant,
    token_of,
)
from imaging.api.bodies_orders import OrderBody
from imaging.api.rooms import Room
from imaging.api.runs import AGAIN_S, run_is_over, same_key_check
from imaging.models import Modality, Order
from imaging.selectors import orders_visible_to
from imaging.services.orders import order_of_token, order_place
from imaging.services.refusals import NotPossible
from imaging.services.uploads import upload_receive


def is_over(pk) -> bool:
    """Say whether the order came to its end: no run, or a run that is over."""
    order = Order.objects.only("run", "closed_at").get(pk=pk)
    return order.closed_at is not None and (order.run_id is None or run_is_over(order.run_id))


class OrderRoom(Room):
    required_action = "run.submit"
    scopes = {"create": "run"}

    def told(self, pk) -> Response:
        """Answer how far it is: 202 until it is over."""
        done = wait_until(lambda: is_over(pk), self.asked()["wait"])
        order = orders_visible_to(self.request.user).get(pk=pk)
        there = reverse("api:order-detail", args=[pk])
        headers = {"Location": there} | ({} if done else {"Retry-After": str(AGAIN_S)})
        body = OrderBody(order, context={"user": self.request.user, "url": there}).data
        return Response(body, HTTPStatus.OK if done else HTTPStatus.ACCEPTED, headers=headers)


class Orders(OrderRoom):
    queries = {"retrieve": WaitQuery}

    @extend_schema(
        parameters=[WaitQuery], responses={200: OrderBody, 202: OrderBody, **READ, **GONE}
    )
    def retrieve(self, request: Request, pk) -> Response:
        """Read what came of files and models that were sent in one call: 202 until it is over."""
        get_object_or_404(orders_visible_to(request.user), pk=pk)
        return self.told(pk)


class Analyze(OrderRoom):
    """One address per kind of image; `modality` is given where it is routed."""

    modality = ""
    parser_classes = (MultiPartParser,)
    queries = {"create": WaitQuery}

    @extend_schema(
        parameters=[WaitQuery, KEYED],
        request={"multipart/form-data": AnalyzeRequest},
        responses={200: OrderBody, 202: OrderBody, **SENT},
    )
    def create(self, request: Request) -> Response:
        """Send files and have them analysed by these models, in one call."""
        if not user_may(request.user, "upload.create"):  # a key may lack this scope alone
            raise PermissionDenied(refusal("upload.create"))
        form = self.sent(AnalyzeRequest)
        key, token = token_of(request, _fingerprint(self.modality, form))
        same_key_check(Order.objects.filter(user=request.user), key, token)
        earlier = order_of_token(request.user, token)
        if earlier is not None:
            return self.told(earlier.pk)
        choice = choice_meant(request.user, _named(form))
        _kind_check(choice["members"], self.modality)
        place = place_meant(request.user, form.get("department"))
        upload = upload_receive(
            user=request.user, organisation=place.organisation, department=place.department,
            files=form["file"], modality=self.modality,
        )  # fmt: skip
        order = order_place(
            user=request.user, upload=upload, modality=self.modality, token=token, **choice
        )
        return self.told(order.pk)


def _named(form: dict) -> dict:
    """Return what was asked, with members as a run's body has them."""
    named = {name: form[name] for name in ("ensemble", "threshold", "fusion") if name in form}
    members = members_of_form(form)
    return named | ({"members": members} if members else {})


def _fingerprint(modality: str, form: dict) -> dict:
    """Return what makes two calls the same: all words, and the names and sizes of the files."""
    words = {name: value for name, value in form.items() if name != "file"}
    return words | {"files": [(one.name, one.size) for one in form["file"]], "modality": modality}


def _kind_check(members, modality: str) -> None:
    names = dict(Modality.choices)
    for member in members:
        own = member.model_version.modalities
        if modality not in own:
            raise NotPossible(
                _("%(model)s was made for %(own)s; the images are %(other)s.")
                % {
                    "model": member.model_version.name,
                    "own": ", ".join(str(names.get(one, one)) for one in own),
                    "other": names[modality],
                }
            )
