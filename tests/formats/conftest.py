"""What the tests of `imaging/formats` share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from imaging.formats.budgets import Budgets
from imaging.formats.reading import read
from imaging.types import Decoded, Refused


@pytest.fixture
def decode(tmp_path: Path) -> Callable[..., Decoded]:
    """Write bytes to a file of no telling name and read it as a person's `name`."""

    def decode(data: bytes, name: str = "picture", budgets: Budgets | None = None) -> Decoded:
        path = tmp_path / "upload"
        path.write_bytes(data)
        return read(path, name, budgets)

    return decode


@pytest.fixture
def refusal(decode: Callable[..., Decoded]) -> Callable[..., Refused]:
    """Return the refusal of bytes that must be refused, after checking its sentence."""

    def refusal(data: bytes, name: str = "picture", budgets: Budgets | None = None) -> Refused:
        with pytest.raises(Refused) as caught:
            decode(data, name, budgets)
        assert_plain(caught.value)
        return caught.value

    return refusal


def assert_plain(refused: Refused) -> None:
    """A refusal is short, ends as a sentence, and its code is stable and speakable."""
    assert refused.code
    assert refused.code.replace("-", "").replace(".", "").isalnum()
    assert refused.code == refused.code.lower()
    assert refused.sentence.endswith(".")
    assert "This file" not in refused.sentence
    assert len(refused.sentence) < 400
    assert refused.sentence.isprintable()
