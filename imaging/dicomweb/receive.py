"""A body of several DICOM files, taken in as it comes: each into an encrypted file of its own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http.multipartparser import (
    ChunkIter,
    InputStreamExhausted,
    InterBoundaryIter,
    LazyStream,
    MultiPartParserError,
)
from django.utils.translation import gettext as _

from accounts.api.problems import Problem
from accounts.vault.spool import SealedSpool
from imaging.formats.budgets import HEAD_BYTES
from imaging.formats.dicom.media import is_dicom_file, media_uids

MULTIPART, DICOM = "multipart/related", "application/dicom"
PIECE_BYTES, HEADER_BYTES = 64 * 1024, 1024
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{1,70}")


class Body(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Received:
    """One part: its file, its hash, and what its own header says that it is."""

    file: UploadedFile
    sha256: str
    sop_class_uid: str
    sop_instance_uid: str
    is_dicom: bool


def boundary_of(header: str) -> bytes:
    """Return the boundary of a Content-Type that this house takes. Raises: Problem, 400 and 415."""
    media, _semicolon, rest = header.partition(";")
    told = {
        name.strip().lower(): value.strip().strip('"')
        for name, _equals, value in (part.partition("=") for part in rest.split(";"))
    }
    kind = told.get("type", DICOM).lower()
    if media.strip().lower() != MULTIPART or kind != DICOM:
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            _('Send DICOM files as multipart/related; type="application/dicom".'),
        )
    boundary = told.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise broken(_("The body names no boundary between its parts."))
    return boundary.encode("ascii")


def parts_receive(body: Body, boundary: bytes) -> list[Received]:
    """Write each part to the disk, encrypted, a piece at a time; nothing is stored yet.

    Raises: Problem, 400 for a body that is cut short or holds no file, 413 for too many or too
    large ones, 415 for a part of another kind. What was written goes with the objects.
    """
    found: list[Received] = []
    try:
        parts = InterBoundaryIter(LazyStream(ChunkIter(body, PIECE_BYTES)), b"--" + boundary)
        _skip_preamble(parts)
        for stream in parts:
            kind = _kind_of(stream)
            if kind is None:
                break
            if kind != DICOM:
                raise Problem(
                    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                    "unsupported_media_type",
                    _("A part is no application/dicom. Nothing was stored."),
                )
            if len(found) == settings.DATA_UPLOAD_MAX_NUMBER_FILES:
                raise too_large(
                    _("At most %d files are taken at a time. Nothing was stored.") % len(found)
                )
            found.append(_received(stream, len(found)))
        else:
            raise broken(
                _("The body is cut short: its last boundary is missing. Nothing was stored.")
            )
    except (MultiPartParserError, InputStreamExhausted):
        raise broken(_("The parts of the body cannot be told apart. Nothing was stored.")) from None
    if not found:
        raise broken(_("The body holds no DICOM file."))
    return found


def broken(sentence: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "body_invalid", sentence)


def too_large(sentence: str) -> Problem:
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", sentence)


def _skip_preamble(parts: Iterator[LazyStream]) -> None:
    """Read over what stands before the first boundary."""
    for _piece in next(parts, ()):
        pass


def _kind_of(stream: LazyStream) -> str | None:
    """Read the headers of a part and return its media type; None where the last boundary ended.

    Raises: Problem, 400: no part is passed over in silence.
    """
    start = stream.read(HEADER_BYTES)
    if start.startswith(b"--"):
        return None
    head, blank, rest = start.partition(b"\r\n\r\n")
    if not blank or not start.startswith(b"\r\n"):
        raise broken(
            _("The headers of a part are missing or longer than %d bytes. Nothing was stored.")
            % HEADER_BYTES
        )
    stream.unget(rest)
    for line in head.split(b"\r\n"):
        name, _colon, told = line.decode("latin-1").partition(":")
        if name.strip().lower() == "content-type":
            return told.partition(";")[0].strip().lower()
    return ""


def _received(stream: Iterator[bytes], number: int) -> Received:
    spool, digest, size, head = SealedSpool(), hashlib.sha256(), 0, b""
    for piece in stream:
        size += len(piece)
        if size > settings.UPLOAD_MAX_FILE_BYTES:
            limit = settings.UPLOAD_MAX_FILE_BYTES // 2**20
            raise too_large(_("A file is larger than %d MiB. Nothing was stored.") % limit)
        spool.write(piece)
        digest.update(piece)
        head = head if len(head) >= HEAD_BYTES else head + piece
    spool.seek(0)
    file = UploadedFile(file=spool, name=f"instance-{number + 1}.dcm", size=size)
    return Received(file, digest.hexdigest(), *media_uids(head), is_dicom_file(head))
