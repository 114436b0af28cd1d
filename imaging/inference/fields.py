"""Take the keys of one JSON object one at a time; what is left over is unknown and refused."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from imaging.inference.comments import without_comments
from imaging.inference.errors import MetadataError

MAX_JSON_BYTES = 1 << 20
_REQUIRED = object()


def read_object(path: Path, owner: str) -> dict[str, Any]:
    """Return the JSON object in `path`, comments stripped.

    Duplicate keys, NaN and large files are refused.
    """
    try:
        data = path.read_bytes()
    except OSError:
        raise MetadataError(f"{owner}: {path.name} is missing or cannot be read.") from None
    if len(data) > MAX_JSON_BYTES:
        raise MetadataError(
            f"{owner}: {path.name} has {len(data)} bytes; {MAX_JSON_BYTES} allowed."
        )
    try:
        text = without_comments(data.decode("utf-8-sig"))
        found = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise MetadataError(f"{owner}: {path.name} is not valid JSON ({error}).") from None
    if not isinstance(found, dict):
        raise MetadataError(f"{owner}: {path.name} holds no JSON object.")
    return found


class Fields:
    """One JSON object of `owner`; every method takes a key away and returns it checked.

    An absent key gives `default`, or raises MetadataError where there is none.
    """

    def __init__(self, owner: str, values: Any, where: str = "") -> None:
        self.owner, self.where = owner, where
        if not isinstance(values, Mapping):
            raise MetadataError(f"{owner}: {where or 'the file'}: {show(values)} is not an object.")
        self._left: dict[str, Any] = dict(values)

    def fail(self, key: str, sentence: str) -> NoReturn:
        """Raise MetadataError naming the owner and the key."""
        raise MetadataError(f"{self.owner}: {self._path(key)}: {sentence}")

    def has(self, key: str) -> bool:
        return key in self._left

    def take(self, key: str, default: Any = _REQUIRED) -> Any:
        if key in self._left:
            return self._left.pop(key)
        if default is _REQUIRED:
            raise MetadataError(f"{self.owner}: required key {self._path(key)} is missing.")
        return default

    def checked(self, key: str, good: Callable[[Any], bool], wants: str, default: Any) -> Any:
        """Take `key`; unless it is absent or `good`, fail saying what it should be."""
        if key not in self._left:
            return self.take(key, default)
        value = self.take(key)
        return value if good(value) else self.fail(key, f"{show(value)} is not {wants}.")

    def text(self, key: str, default: Any = _REQUIRED) -> Any:
        return self.checked(
            key, lambda v: isinstance(v, str) and bool(v.strip()), "a text", default
        )

    def choice(self, key: str, options: Sequence[Any], default: Any = _REQUIRED) -> Any:
        return self.checked(
            key, lambda v: v in options, f"one of {', '.join(map(str, options))}", default
        )

    def flag(self, key: str, default: Any = _REQUIRED) -> Any:
        return self.checked(key, lambda v: isinstance(v, bool), "true or false", default)

    def number(
        self,
        key: str,
        default: Any = _REQUIRED,
        *,
        low: float = -math.inf,
        high: float = math.inf,
        whole: bool = False,
    ) -> Any:
        """Take a finite number in [low, high]."""
        kind = "a whole number" if whole else "a number"
        wants = f"{kind}{_range(low, high)}"
        return self.checked(key, lambda v: is_number(v, low, high, whole), wants, default)

    def numbers(
        self,
        key: str,
        default: Any = _REQUIRED,
        *,
        counts: Sequence[int],
        low: float = -math.inf,
        high: float = math.inf,
        whole: bool = False,
    ) -> Any:
        """Take a list of finite numbers, as many as one of `counts`, as a tuple."""
        many = " or ".join(str(count) for count in counts)
        wants = f"a list of {many} {'whole ' if whole else ''}numbers{_range(low, high)}"

        def good(value: Any) -> bool:
            return (
                isinstance(value, list)
                and len(value) in counts
                and all(is_number(item, low, high, whole) for item in value)
            )

        value = self.checked(key, good, wants, default)
        return tuple(value) if isinstance(value, list) else value

    def texts(self, key: str, default: Any = _REQUIRED) -> Any:
        """Take one text or a list of different texts, as a tuple."""
        if self.has(key) and isinstance(self._left[key], str):
            self._left[key] = [self._left[key]]

        def good(value: Any) -> bool:
            return (
                isinstance(value, list)
                and bool(value)
                and all(isinstance(item, str) and item.strip() for item in value)
            )

        value = self.checked(key, good, "a text or a list of texts", default)
        return tuple(value) if isinstance(value, list) else value

    def items(self, key: str, default: Any = _REQUIRED) -> Any:
        """Take a list; the caller checks each item."""
        return self.checked(key, lambda v: isinstance(v, list), "a list", default)

    def inner(self, key: str, default: Any = _REQUIRED) -> Fields:
        """Take a nested object."""
        return Fields(self.owner, self.take(key, default), self._path(key))

    def extras(self) -> dict[str, Any]:
        """Take every key that begins with x_."""
        return {key: self._left.pop(key) for key in list(self._left) if key.startswith("x_")}

    def done(self) -> None:
        """Raise MetadataError when a key is left that nobody asked for."""
        if self._left:
            key = sorted(self._left)[0]
            raise MetadataError(
                f"{self.owner}: unknown key {self._path(key)} with value {show(self._left[key])}; "
                "keys of your own begin with x_."
            )

    def _path(self, key: str) -> str:
        return f"{self.where}.{key}" if self.where else key


def is_number(value: Any, low: float, high: float, whole: bool = False) -> bool:
    kinds = int if whole else (int, float)
    return (
        isinstance(value, kinds)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and low <= value <= high
    )


def show(value: Any) -> str:
    """Return a value as short JSON for a sentence."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _range(low: float, high: float) -> str:
    if math.isinf(low) and math.isinf(high):
        return ""
    if math.isinf(high):
        return f" of at least {low:g}"
    return f" from {low:g} to {high:g}"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"key “{key}” stands twice")
        found[key] = value
    return found


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a number")
