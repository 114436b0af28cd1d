"""What a search asks for: parameters by a list, everything else is refused (PS3.18 8.3.4)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from http import HTTPStatus

from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext as _

from accounts.api.problems import Problem
from imaging.dicomweb.attributes import KEYWORDS, tag_of
from imaging.dicomweb.rooms import parameter_unknown

LIMIT, MOST, FURTHEST = 100, 1000, 1_000_000
BY_STUDY = {"StudyInstanceUID", "StudyDate", "ModalitiesInStudy"}
BY_SERIES = {"SeriesInstanceUID", "Modality"}
BY_INSTANCE = {"SOPInstanceUID", "SOPClassUID", "InstanceNumber"}
BY_PERSON = {"PatientID", "AccessionNumber"}  # DICOMWEB_SEARCH_IDENTITY alone opens them
_UIDS = {"StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"}
_UID = re.compile(r"[0-9.]{1,64}")
_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})")
_WORD = re.compile(r"[A-Z0-9 _]{1,16}")


@dataclass(frozen=True, slots=True)
class Asked:
    """A search that was understood.

    uids      by keyword, the UIDs of which one must fit.
    days      (first, last) of StudyDate; None: no end.
    exact     PatientID or AccessionNumber, whole.
    """

    limit: int = LIMIT
    offset: int = 0
    include: frozenset[str] = frozenset()
    is_all: bool = False
    uids: dict[str, list[str]] = field(default_factory=dict)
    days: tuple[date | None, date | None] | None = None
    modalities: tuple[str, ...] = ()
    modality: tuple[str, ...] = ()
    number: int | None = None
    exact: dict[str, str] = field(default_factory=dict)


def read_query(params: QueryDict, known: Iterable[str]) -> Asked:
    """Return what is asked of a search that knows `known`. Raises: Problem, 400."""
    told: dict[str, object] = {"uids": {}, "exact": {}}
    allowed = set(known)
    for name, values in params.lists():
        keyword = _keyword(name)
        if name == "includefield":
            _include(values, told)
        elif name in ("limit", "offset"):
            told[name] = _count(name, values[-1])
        elif name == "fuzzymatching":
            if values[-1] != "false":
                raise _wrong(name, _("There is no search by likeness: leave it out."))
        elif keyword in allowed and (keyword not in BY_PERSON or _identity_searched(keyword)):
            _match(keyword, values[-1], told)
        else:
            raise parameter_unknown(name)
    return Asked(**told)


def _keyword(name: str) -> str:
    """Return the keyword of a parameter that is a keyword or a tag."""
    by_tag = {tag: keyword for keyword, tag in KEYWORDS.items()}
    return by_tag.get(name.upper(), name)


def _identity_searched(keyword: str) -> bool:
    if settings.DICOMWEB_SEARCH_IDENTITY:
        return True
    raise _wrong(
        keyword,
        _("It would stand in the address, so this server does not search by it."
          " DICOMWEB_SEARCH_IDENTITY=true allows it."),
    )  # fmt: skip


def _include(values: list[str], told: dict) -> None:
    names = [one for value in values for one in value.split(",") if one]
    if "all" in names:
        told["is_all"] = True
    tags = {name: tag_of(name) for name in names if name != "all"}
    for name, tag in tags.items():
        if not tag:
            raise _wrong("includefield", _("“%s” is no attribute of these answers.") % name[:64])
    told["include"] = frozenset(tags.values()) | told.get("include", frozenset())


def _count(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 7):
        raise _wrong(name, _("It must be a whole number."))
    number = int(text)
    return min(number, MOST) if name == "limit" else min(number, FURTHEST)


def _match(keyword: str, text: str, told: dict) -> None:
    if keyword in _UIDS:
        uids = [one for one in re.split(r"[,\\]", text) if one]
        if not uids or len(uids) > MOST or not all(map(_UID.fullmatch, uids)):
            raise _wrong(keyword, _("It must be a UID, or several with commas between them."))
        told["uids"][keyword] = uids
    elif keyword == "StudyDate":
        told["days"] = _days(text)
    elif keyword in ("Modality", "ModalitiesInStudy"):
        words = tuple(one.strip().upper() for one in re.split(r"[,\\]", text) if one.strip())
        if not words or not all(map(_WORD.fullmatch, words)):
            raise _wrong(keyword, _("It must be a code such as CT, DX or MR, without wildcards."))
        told["modality" if keyword == "Modality" else "modalities"] = words
    elif keyword == "InstanceNumber":
        told["number"] = _count(keyword, text)
    else:
        if not text or len(text) > 64 or set("*?") & set(text):
            raise _wrong(keyword, _("It is searched for as a whole, without wildcards."))
        told["exact"][keyword] = text


def _days(text: str) -> tuple[date | None, date | None]:
    first, dash, last = text.partition("-")
    days = (_day(first), _day(last if dash else first))
    if days == (None, None):
        raise _wrong("StudyDate", _("It must be a day, YYYYMMDD, or a range with “-”."))
    return days


def _day(text: str) -> date | None:
    if not text:
        return None
    found = _DAY.fullmatch(text)
    try:
        return date(*map(int, found.groups())) if found else _no_day()
    except ValueError:
        return _no_day()


def _no_day():
    raise _wrong("StudyDate", _("It must be a day, YYYYMMDD, or a range with “-”."))


def _wrong(name: str, sentence: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "parameter_invalid", f"{name}: {sentence}")
