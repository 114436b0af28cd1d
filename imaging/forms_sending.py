"""What a browser says of the files that it sends in pieces, checked."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from imaging.forms import ManyFilesField, UploadForm
from imaging.services.parcels import Coming
from imaging.services.pieces import PART_BYTES, Piece

HEX = re.compile(r"[0-9a-f]{64}")
MOST_PIECES = 200  # of one request
LONGEST_NAME = 1000
LARGEST = 2**53 - 1  # bytes that a browser can say
UNREADABLE = _("The list of files could not be read. Load the page anew and choose them again.")


class OpenForm(UploadForm):
    """The choices of the upload page, and the list of files instead of the files."""

    list = forms.CharField(strip=False)

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["files"]

    def clean_list(self) -> list[Coming]:
        rows = _rows(self.cleaned_data["list"], settings.DATA_UPLOAD_MAX_NUMBER_FILES)
        return [
            Coming(
                _checked(row, "name", lambda name: isinstance(name, str))[:LONGEST_NAME],
                _number(row, "size"),
                _hash(row, "fingerprint"),
            )
            for row in rows
        ]

    def clean(self) -> dict:
        cleaned = super().clean()
        return cleaned | {"files": cleaned.pop("list", [])}


class PiecesForm(forms.Form):
    """Pieces of files, and for each its item, its place and its hash, in the same order."""

    list = forms.CharField(strip=False)
    pieces = ManyFilesField(allow_empty_file=True)

    def clean(self) -> dict:
        cleaned = super().clean()
        if self.errors:
            return cleaned
        rows, files = _rows(cleaned["list"], MOST_PIECES), cleaned["pieces"]
        if len(rows) != len(files) or any(file.size > PART_BYTES for file in files):
            raise ValidationError(UNREADABLE)
        sent = [
            Piece(_uuid(row), _number(row, "offset"), _hash(row, "sha256"), file, file.size)
            for row, file in zip(rows, files, strict=True)
        ]
        return cleaned | {"sent": sent}


def _rows(text: str, most: int) -> list[dict[str, Any]]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError):
        rows = None
    is_list = isinstance(rows, list) and 0 < len(rows) <= most
    if not is_list or not all(isinstance(row, dict) for row in rows):
        raise ValidationError(UNREADABLE)
    return rows


def _checked(row: dict[str, Any], name: str, is_right) -> Any:
    value = row.get(name)
    if not is_right(value):
        raise ValidationError(UNREADABLE)
    return value


def _number(row: dict[str, Any], name: str) -> int:
    return _checked(row, name, lambda value: type(value) is int and 0 <= value <= LARGEST)


def _hash(row: dict[str, Any], name: str) -> str:
    return _checked(row, name, lambda value: isinstance(value, str) and HEX.fullmatch(value))


def _uuid(row: dict[str, Any]) -> uuid.UUID:
    try:
        return uuid.UUID(_checked(row, "item", lambda value: isinstance(value, str)))
    except ValueError as error:
        raise ValidationError(UNREADABLE) from error
