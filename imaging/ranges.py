"""Encrypted bytes over HTTP: whole, or one range; a damaged file can never look whole."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext as _

from accounts.models import Blob
from accounts.vault.storage import blob_open

ONE_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def blob_response(
    request: HttpRequest, blob: Blob, *, content_type: str, filename: str = ""
) -> HttpResponse:
    """Answer with the plain content of `blob`: 200, 206 for one Range, 416 for what cannot be.

    The first chunk is authenticated before the status line goes out; a later
    bad one breaks the connection.
    """
    reader = blob_open(blob)
    try:
        span = requested_span(request.headers.get("Range", ""), reader.size)
    except ValueError:
        words = _("The file has no such part: ask for one range within its %(size)s bytes.")
        response = HttpResponse(
            words % {"size": reader.size}, status=416, content_type="text/plain; charset=utf-8"
        )
        response["Content-Range"] = f"bytes */{reader.size}"
        return response
    start, stop = span or (0, reader.size)
    response = StreamingHttpResponse(
        reader.chunks(start, stop), status=206 if span else 200, content_type=content_type
    )
    response["Content-Length"] = str(stop - start)
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = f'"{blob.pk}-{blob.version}"'
    response["Cache-Control"] = "no-store, private"
    if span:
        response["Content-Range"] = f"bytes {start}-{stop - 1}/{reader.size}"
    if filename:
        response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def requested_span(header: str, size: int) -> tuple[int, int] | None:
    """Return [start, stop) of the one range asked for, None when all is wanted.

    Raises ValueError for several ranges, and for one that lies outside.
    """
    if not header:
        return None
    match = ONE_RANGE.fullmatch(header.replace(" ", ""))
    if match is None or not any(match.groups()):
        raise ValueError(f"not one byte range: {header[:60]!r}")
    first, last = match.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(int(last) + 1 if last else size, size)
    if start >= stop:
        raise ValueError(f"outside of {size} bytes")
    return start, stop
