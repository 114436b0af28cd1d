"""What is known of a file before any decoder sees it: its kind, its size, whether it is here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import BinaryIO

from django.conf import settings

from imaging.formats.budgets import HEAD_BYTES
from imaging.formats.sniffing import is_archive, screen, sniff
from imaging.models import Image, Upload
from imaging.services.filing import ASK_MODALITY
from imaging.services.items import image_known
from imaging.services.quotas import StorageRoom
from imaging.types import Refused

ARCHIVE = "zip"
PARTS = "parts"  # the kind of a file whose pieces the worker has not joined yet
SILENT = ("png", "jpeg", "tiff", "nifti", "nifti.gz", "nrrd")  # they do not say what they show
PIECE_BYTES = 1 << 20


def file_screened(
    upload: Upload, file: BinaryIO, name: str, size: int, room: StorageRoom, *, packed: bool = False
) -> tuple[str, Image | None]:
    """Return the kind of a file and, if it is known, its image; takes room for a new one.

    packed   it lies in an archive already, and another one in it is refused.

    Raises: Refused for what can be refused without decoding.
    """
    file.seek(0)
    kind = head_screened(upload, file.read(HEAD_BYTES), name, size, packed=packed)
    if kind == ARCHIVE:
        room.take(size)
        return ARCHIVE, None
    known = image_known(upload, _sha256(file))
    if known is None:
        room.take(size)
    return kind, known


def head_screened(
    upload: Upload, head: bytes, name: str, size: int, *, packed: bool = False
) -> str:
    """Return the kind of a file of `size` bytes by its first ones. Raises: Refused."""
    if not packed and is_archive(head, name):
        _check_size(size)
        return ARCHIVE
    screen(head, name, size)
    _check_size(size)
    kind = str(sniff(head))
    if kind in SILENT and not upload.modality:
        raise Refused("modality-missing", ASK_MODALITY)
    return kind


def pieces(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(PIECE_BYTES):
        yield piece


def _check_size(size: int) -> None:
    limit = settings.UPLOAD_MAX_FILE_BYTES
    if size > limit:
        raise Refused(
            "too-large",
            f"The file has {size / 2**20:,.0f} MiB; at most {limit / 2**20:,.0f} MiB are taken."
            " Send it in smaller parts.",
        )


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    for piece in pieces(file):
        digest.update(piece)
    return digest.hexdigest()
