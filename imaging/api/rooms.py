"""The rooms of the hall: whoever broke the glass sees by API what the pages show."""

from __future__ import annotations

from rest_framework.response import Response
from rest_framework.serializers import Serializer

from accounts import audit
from accounts.api import rooms
from imaging.scope import may_see


class Room(rooms.Room):
    may = staticmethod(may_see)


class Listing(rooms.Listing):
    """A list of records is written down, as the worklist is; `is_of_records`: its rows are some."""

    may = staticmethod(may_see)
    is_of_records = True

    def paged(self, rows, kind: type[Serializer]) -> Response:
        if self.is_of_records:
            audit.record(self.request.user, "record.list_api", reason=self.basename)
        return super().paged(rows, kind)
