"""Writes static/passwords.json: python -m accounts.passwords.building > static/passwords.json

The common passwords are those that Django ships (BSD-3-Clause), counted by Royce Williams
in the stolen passwords that Pwned Passwords gathered. The rest is written here.
"""

from __future__ import annotations

import gzip
import json
import sys
from importlib.util import find_spec
from pathlib import Path

MIN_LENGTH, MAX_LENGTH = 12, 128
LEVELS = [28, 42, 56, 72]  # bits: weak, fair, good, strong; below fair is refused
REFUSED_BELOW = 2
SHORTEST_COMMON = 4  # a shorter one costs nothing less than its letters
KEYS = [
    "`1234567890-=", "~!@#$%^&*()_+", "qwertyuiop[]\\", "asdfghjkl;'", "zxcvbnm,./",
    "qwertzuiopü", "yxcvbnm,.-", "azertyuiop", "qsdfghjklm", "wxcvbn,;:!",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/", "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0",
    "qazwsxedcrfvtgbyhnujmikolp", "741852963", "789456123", "147258369",
    "abcdefghijklmnopqrstuvwxyz", "01234567890", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю",
]  # fmt: skip
OWN = """mediscan medi scan medical medicine radiology radiologist radiographer radiographie
    xray x-ray mri ct dicom pacs hospital clinic krankenhaus klinik hopital ospedale doctor nurse
    patient ensemble ward station"""
DATES = """spring summer autumn fall winter january february march april may june july august
    september october november december jan feb mar apr jun jul aug sep oct nov dec monday tuesday
    wednesday thursday friday saturday sunday fruehling frühling sommer herbst januar februar maerz
    märz mai juni juli oktober dezember printemps été automne hiver"""
LEET = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g",
        "@": "a", "$": "s", "!": "i", "|": "l", "+": "t", "€": "e"}  # fmt: skip


def table() -> dict:
    """Return the one table that the server and the browser read."""
    return {
        "source": "common: django.contrib.auth, BSD-3-Clause; the rest: this project",
        "min": MIN_LENGTH,
        "max": MAX_LENGTH,
        "levels": LEVELS,
        "refusedBelow": REFUSED_BELOW,
        "leet": LEET,
        "keys": KEYS,
        "own": OWN.split(),
        "dates": DATES.split(),
        "common": "\n".join(word for word in common() if len(word) >= SHORTEST_COMMON),
    }


def common() -> list[str]:
    """Return Django's list, the most used first."""
    package = Path(find_spec("django.contrib.auth").origin).parent
    with gzip.open(package / "common-passwords.txt.gz", "rt", encoding="utf-8") as lines:
        return [word for line in lines if (word := line.strip())]


if __name__ == "__main__":
    json.dump(table(), sys.stdout, ensure_ascii=False, indent=0)
    sys.stdout.write("\n")
