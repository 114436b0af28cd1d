"""What every address of a MONAI Label client is built of: the token in it, who may, what is not."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpResponse
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.label_tokens import LabelTokenAuthentication
from accounts.api.permissions import Declared, SignedIn
from accounts.api.problems import Problem
from accounts.api.rooms import AnyAnswer
from accounts.selectors import user_may
from imaging.places import Place
from imaging.scope import no_glass

SEE = "result.view"  # without it no answer of a model is anybody's to see


class LabelRoom(APIView):
    """One address; `required_action` is a row of the role table, `demands` others by method."""

    required_action = "study.view"
    demands: dict[str, str] = {}
    may = staticmethod(user_may)
    authentication_classes = (LabelTokenAuthentication,)
    permission_classes: tuple = (Declared,)
    content_negotiation_class = AnyAnswer
    throttle_scope = "label"
    schema = None  # MONAI Label describes it, not our OpenAPI

    @property
    def demand(self) -> str:
        return self.demands.get(self.request.method, self.required_action)

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        if request.auth is not None:
            no_glass(request.user)

    def place(self) -> Place:
        """The one place that the token stands in."""
        return Place(self.request.auth.organisation, self.request.auth.department)


class NotOffered(LabelRoom):
    """Training, scoring and whatever else such a server may know: 404 in words."""

    permission_classes = (SignedIn,)

    def _none(self, request: Request, **kwargs: str):
        raise Problem(
            HTTPStatus.NOT_FOUND,
            "not_offered",
            _("This is not offered here: pictures and labels are read, and models asked."),
        )

    get = post = put = patch = delete = _none


def file_answer(content: bytes, name: str, media: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=media)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def read_only() -> Problem:
    """The refusal to take a label or a picture for good by this road."""
    return Problem(
        HTTPStatus.FORBIDDEN,
        "read_only",
        _("Nothing is stored by this address. Decide on the result's page, or send a mask there."),
    )


def nothing_here() -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "not_found", _("There is nothing here that you may see."))


def wrong(code: str, sentence: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, code, sentence)
