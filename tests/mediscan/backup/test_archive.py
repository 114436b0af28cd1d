"""The list behind the files vouches for each of them."""

from __future__ import annotations

import io
import json
import tarfile

import pytest

from accounts.vault.cipher import DamagedBlob
from mediscan.backup.archive import LIST, Archive, archive_read, is_inside


@pytest.fixture
def made(tmp_path) -> io.BytesIO:
    tape = io.BytesIO()
    archive = Archive(tape)
    for name, content in (("database", b"rows"), ("blobs/ab/1", b"x" * 3_000_000)):
        (tmp_path / "file").write_bytes(content)
        assert archive.add(name, tmp_path / "file")
    assert not archive.add("gone", tmp_path / "nothing")
    archive.finish({"made": "now"})
    tape.seek(0)
    return tape


def read(tape) -> tuple[dict, dict]:
    kept: dict[str, bytes] = {}
    facts = archive_read(tape, lambda name, pieces: kept.update({name: b"".join(pieces)}))
    return facts, kept


def again(tape, change) -> io.BytesIO:
    """The same tape with each (name, content) as `change` wants it; None leaves it out."""
    other = io.BytesIO()
    with tarfile.open(fileobj=tape) as old, tarfile.open(fileobj=other, mode="w") as new:
        for entry in old:
            changed = change(entry.name, old.extractfile(entry).read())
            if changed is not None:
                entry.name, content = changed
                entry.size = len(content)
                new.addfile(entry, io.BytesIO(content))
    other.seek(0)
    return other


def test_what_was_added_comes_back(made):
    facts, kept = read(made)
    assert kept == {"database": b"rows", "blobs/ab/1": b"x" * 3_000_000}
    assert facts["made"] == "now"
    assert [one["name"] for one in facts["members"]] == ["database", "blobs/ab/1"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda name, content: (name, b"rowz" if name == "database" else content),
            "1 files differ",
        ),
        (lambda name, content: None if name == "database" else (name, content), "1 files differ"),
        (lambda name, content: None if name == LIST else (name, content), "list of files"),
        (lambda name, content: ("../" + name, content), "no place in a backup"),
        (lambda name, content: ("/" + name, content), "no place in a backup"),
    ],
    ids=["changed", "missing", "no list", "upward", "absolute"],
)
def test_what_is_not_as_listed_is_refused(made, change, said):
    with pytest.raises(DamagedBlob, match=said):
        read(again(made, change))


def test_what_is_more_than_listed_is_refused(made):
    facts = json.dumps({"members": []}).encode()
    with pytest.raises(DamagedBlob, match="2 files differ"):
        read(again(made, lambda name, content: (name, facts if name == LIST else content)))


@pytest.mark.parametrize("name", ["", "/etc/passwd", "a/../b", ".."])
def test_a_name_that_leads_out_is_none_of_ours(name):
    assert not is_inside(name)
