"""Lists of the API: a cursor, a limit, an order from a list; whatever else is asked is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination

NEWEST, OLDEST = "-created_at", "created_at"
ORDERINGS = {NEWEST: (NEWEST, "-id"), OLDEST: (OLDEST, "id")}
YEARS = range(1900, 2200)


def _is_time(text: str) -> bool:
    try:
        at = parse_datetime(text)
    except ValueError:
        return False
    return at is not None and at.tzinfo is not None and at.year in YEARS


class ListQuery(serializers.Serializer):
    """What every list takes behind the question mark."""

    cursor = serializers.CharField(
        required=False, max_length=400, help_text="As `next` or `previous` of a page has it."
    )
    limit = serializers.IntegerField(
        required=False, min_value=1, max_value=200, default=50, help_text="Rows of a page."
    )
    ordering = serializers.ChoiceField(choices=list(ORDERINGS), required=False, default=NEWEST)


class CursorPage(CursorPagination):
    """A page of rows by the time they were made; no count, and no gap while rows arrive."""

    is_position = staticmethod(_is_time)
    page_size = 50
    max_page_size = 200
    page_size_query_param = "limit"

    def get_page_size(self, request) -> int:
        return request.parser_context["view"].asked()["limit"]

    def get_ordering(self, request, queryset, view) -> tuple[str, ...]:
        return ORDERINGS[view.asked()["ordering"]]

    def decode_cursor(self, request) -> Cursor | None:
        """Read what `encode_cursor` wrote; anything else is a wrong request, not a fault."""
        try:
            cursor = super().decode_cursor(request)
        except NotFound:
            raise ValidationError({"cursor": _("This is no cursor of a page.")}) from None
        if (
            cursor is not None
            and cursor.position is not None
            and not self.is_position(cursor.position)
        ):
            raise ValidationError({"cursor": _("This is no cursor of a page.")})
        return cursor


def query_of(params: Mapping[str, str], kind: type[serializers.Serializer]) -> dict:
    """Return what was asked, checked by `kind`. Raises ValidationError, also for unknown names."""
    query = kind(data=params)
    unknown = _unknown(params, query.fields)
    if unknown:
        raise ValidationError(
            {name: _("This address does not know this name.") for name in unknown}
        )
    query.is_valid(raise_exception=True)
    return query.validated_data


def _unknown(params: Iterable[str], known: Iterable[str]) -> list[str]:
    return sorted({name[:64] for name in params} - set(known))
