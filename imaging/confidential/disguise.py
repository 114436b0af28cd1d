"""PURE: under which names, numbers and days a patient's pictures leave the house."""

from __future__ import annotations

import hashlib
import hmac
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any

MOST_DAYS = 3_650
METHOD = "PS3.15 2026c: Basic Profile, Clean Descriptors, Modified Dates"
CODES = {  # PS3.16 CID 7050
    "113100": "Basic Application Confidentiality Profile",
    "113105": "Clean Descriptors Option",
    "113107": "Retain Longitudinal Temporal Information Modified Dates Option",
}
_DATE = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})")
_MOMENT = re.compile(r"(\d{8})(\d{0,6}(?:\.\d{1,6})?)(?:[+-]\d{4})?")
_TIME = re.compile(r"\d{2}:?(?:\d{2}:?(?:\d{2}(?:\.\d{1,6})?)?)?")


@dataclass(frozen=True, slots=True)
class Disguise:
    """What stands for one patient, one study, and every UID, in one place that pictures go to.

    patient, study  names that lead nowhere without the key of the house.
    key             of the UIDs, in hexadecimal: the same UID becomes the same one.
    days            by which every date of the patient is earlier, 1 to MOST_DAYS.
    is_reviewed     a person has looked at the picture and found no text in it.
    """

    patient: str
    study: str
    key: str
    days: int
    is_reviewed: bool

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Disguise:
        return cls(**{one.name: said[one.name] for one in fields(cls)})

    def uid(self, original: str) -> str:
        """Return what stands for a UID: 2.25. and a number (PS3.5 B.2), by a keyed hash."""
        digest = hmac.new(bytes.fromhex(self.key), original.encode(), hashlib.sha256).digest()
        return f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}"

    def date(self, text: str) -> str:
        """Return a date (DA) so many days earlier, "" for what is none."""
        found = _DATE.fullmatch(text.strip())
        return self._earlier("".join(found.groups())) if found else ""

    def moment(self, text: str) -> str:
        """Return a date and time (DT) as many days earlier, without zone; "" for what is none."""
        found = _MOMENT.fullmatch(text.strip())
        day = self._earlier(found[1]) if found else ""
        return f"{day}{found[2]}" if found and day else ""

    def _earlier(self, digits: str) -> str:
        try:
            day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
            return f"{day - timedelta(days=self.days):%Y%m%d}"
        except (ValueError, OverflowError):
            return ""


def days_of(secret: str) -> int:
    """Return by how many days a patient's dates move, from their secret in hexadecimal."""
    return 1 + int(secret, 16) % MOST_DAYS


def time_of_day(text: str) -> str:
    """Return a time (TM) as it is: a day that moved says nothing by its hour; "" for none."""
    return text.strip() if _TIME.fullmatch(text.strip()) else ""
