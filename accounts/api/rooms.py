"""What every noun of the API is built of: who may, what may be asked, pages, an ETag."""

from __future__ import annotations

import hashlib
from http import HTTPStatus

from django.utils.cache import get_conditional_response
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.api.pages import CursorPage, ListQuery, query_of
from accounts.api.permissions import Declared
from accounts.selectors import user_may


class Room(GenericViewSet):
    """One noun under its address.

    required_action  the action of the role table; `demands` names others by method of the class.
    may              how the action is asked for; a room may know more than the roles do.
    queries          which names each method takes behind the question mark: none unless said.
    scopes           flood limits by method, where reading and writing are not enough.
    """

    required_action = ""
    demands: dict[str, str] = {}
    may = staticmethod(user_may)
    queries: dict[str, type[serializers.Serializer]] = {}
    scopes: dict[str, str] = {}
    permission_classes = (Declared,)
    pagination_class = CursorPage
    lookup_value_converter = "uuid"

    @property
    def demand(self) -> str:
        return self.demands.get(self.action or "", self.required_action)

    @property
    def throttle_scope(self) -> str | None:
        return self.scopes.get(self.action or "")

    def asked(self) -> dict:
        """Return what stands behind the question mark, once it is checked."""
        if not hasattr(self, "_asked"):
            kind = self.queries.get(self.action, serializers.Serializer)
            self._asked = query_of(self.request.query_params, kind)
        return self._asked

    def sent(self, kind: type[serializers.Serializer]) -> dict:
        """Return the body, once it is checked."""
        body = kind(data=self.request.data)
        body.is_valid(raise_exception=True)
        return body.validated_data

    def initial(self, request: Request, *args, **kwargs) -> None:
        super().initial(request, *args, **kwargs)
        self.asked()

    def paged(self, rows, kind: type[serializers.Serializer]) -> Response:
        """Answer one page of `rows`."""
        shown = self.paginate_queryset(rows)
        return self.get_paginated_response(kind(shown, many=True).data)

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        is_json = isinstance(response, Response) and response.status_code == HTTPStatus.OK
        if is_json and request.method in SAFE_METHODS:
            response.add_post_render_callback(lambda rendered: _tagged(request, rendered))
        return response


class Listing(Room):
    """A room whose `list` takes what every list takes, beside what it says itself."""

    queries = {"list": ListQuery}


class AnyAnswer(BaseContentNegotiation):
    """For files: the answer is what it is, whatever kind was asked for."""

    def select_parser(self, request, parsers):
        return parsers[0]

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type


def _tagged(request: Request, response: Response):
    """Give the answer its ETag; 304 to whoever has it already."""
    etag = f'"{hashlib.sha256(response.rendered_content).hexdigest()[:32]}"'
    response["ETag"] = etag
    return get_conditional_response(request._request, etag=etag, response=response)
