"""S31: an archive that points out of itself, hides files in files or lies leaves nothing behind."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from imaging.engine.client import Engine
from imaging.engine.scratch import scratch_folder
from imaging.formats.archive import Entry, unpack
from imaging.formats.budgets import Budgets
from imaging.types import Refused
from tests.formats.factories import png_file

PNG = png_file()
SMALL = Budgets(file_bytes=1 << 20, inflated_bytes=1 << 19, entries=50)


def archive(*entries: tuple[str | zipfile.ZipInfo, bytes], method=zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as out:
        for name, data in entries:
            out.writestr(name, data)
    return buffer.getvalue()


def special(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    return info


def central(data: bytes, place: int, form: str, value: int, entry: int = 0) -> bytes:
    """Return the archive with one number of a central directory entry replaced."""
    found = -1
    for _ in range(entry + 1):
        found = data.index(b"PK\x01\x02", found + 1)
    changed = bytearray(data)
    struct.pack_into("<" + form, changed, found + place, value)
    return bytes(changed)


@pytest.fixture
def unpacked(tmp_path):
    def go(data: bytes, budgets: Budgets = SMALL) -> list[Entry]:
        home = tmp_path / "home"
        (home / "out").mkdir(parents=True, exist_ok=True)
        (home / "a.zip").write_bytes(data)
        try:
            return list(unpack(home / "a.zip", home / "out", budgets))
        finally:
            written = {path.relative_to(home) for path in home.rglob("*") if not path.is_dir()}
            ours = {Path("a.zip"), *(Path("out") / f"{n}.bin" for n in range(100))}
            assert written <= ours, "something was written under a name that is not ours"
            assert sorted(one.name for one in tmp_path.iterdir()) == ["home"]
            assert not any(path.is_symlink() for path in home.rglob("*"))

    return go


@pytest.mark.parametrize(
    "name", ["../x.png", "a/../../x.png", "/etc/passwd", "C:\\x.png", "c:x.png", "..\\x.png"]
)
def test_a_path_that_leads_out_condemns_the_archive(unpacked, name):
    with pytest.raises(Refused) as refused:
        unpacked(archive(("good.png", PNG), (name, PNG)))
    assert refused.value.code == "archive-path"


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        (stat.S_IFLNK | 0o777, "archive-link"),
        (stat.S_IFCHR | 0o666, "archive-device"),
        (stat.S_IFBLK | 0o666, "archive-device"),
        (stat.S_IFIFO | 0o666, "archive-device"),
    ],
)
def test_links_and_devices_are_refused_and_the_rest_is_read(unpacked, mode, code):
    odd, good = unpacked(archive((special("odd", mode), b"/etc/passwd"), ("good.png", PNG)))
    assert (odd.path, odd.refused.code) == (None, code)
    assert good.path.read_bytes() == PNG


@pytest.mark.parametrize("other", ["a.PNG", "A.png", "./../x"])
def test_names_that_clash_condemn_the_archive(unpacked, other):
    with pytest.raises(Refused) as refused:
        unpacked(archive(("a.png", PNG), (other, PNG)))
    assert refused.value.code in ("archive-twice", "archive-path")


def test_folders_are_flattened_under_names_of_our_own(unpacked):
    entries = unpacked(archive(("x/IM1", b"1"), ("y/IM1", b"2"), ("y/", b"")))
    assert [(one.name, one.path.name) for one in entries] == [("IM1", "0.bin"), ("IM1", "1.bin")]


def test_what_systems_leave_behind_is_left_out(unpacked):
    litter = ("__MACOSX/._a.png", "x/.DS_Store", "Thumbs.db", "._a.png")
    entries = unpacked(archive(("a.png", PNG), *((name, b"x") for name in litter)))
    assert [one.name for one in entries] == ["a.png"]


def test_a_million_entries_are_refused_by_the_last_bytes_alone(unpacked):
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 46, 0, 0)
    with pytest.raises(Refused) as refused:
        unpacked(b"PK\x03\x04" + bytes(60) + end, Budgets())
    assert refused.value.code == "archive-too-many"
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 10**6, 10**6, 46, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 64, 1)
    small = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 46, 0, 0)
    with pytest.raises(Refused) as refused:
        unpacked(b"PK\x03\x04" + bytes(60) + record + locator + small, Budgets())
    assert refused.value.code == "archive-too-many"


def test_more_entries_than_allowed_are_refused(unpacked):
    with pytest.raises(Refused) as refused:
        unpacked(archive(*((f"{n}", b"x") for n in range(51))))
    assert refused.value.code == "archive-too-many"


@pytest.mark.parametrize("size", [10, 10**6])
def test_a_lie_about_the_size_condemns_the_archive(unpacked, size):
    with pytest.raises(Refused) as refused:
        unpacked(central(archive(("a.bin", b"x" * 1000)), 24, "L", size))
    assert refused.value.code == "archive-lies"


def test_a_wrong_checksum_condemns_the_archive(unpacked):
    with pytest.raises(Refused) as refused:
        unpacked(central(archive(("a.bin", b"x" * 1000)), 16, "L", 1))
    assert refused.value.code == "archive-lies"


def test_files_that_share_their_bytes_condemn_the_archive(unpacked):
    data = archive(("a.bin", b"x" * 1000), ("b.bin", b"y" * 1000))
    with pytest.raises(Refused) as refused:
        unpacked(central(data, 42, "L", 0, entry=1))  # the second points to the first
    assert refused.value.code == "archive-overlap"


def test_a_bomb_is_refused_while_it_grows(unpacked):
    with pytest.raises(Refused) as refused:
        unpacked(archive(("bomb.bin", bytes(10 << 20))))
    assert refused.value.code == "archive-inflates-too-far"
    many = [(f"{n}.bin", bytes(400_000)) for n in range(5)]
    with pytest.raises(Refused) as refused:
        unpacked(archive(*many))
    assert refused.value.code == "archive-inflates-too-far"


def test_locked_files_and_rare_methods_are_refused_one_by_one(unpacked):
    data = central(archive(("a.bin", b"x"), ("b.bin", b"y")), 8, "H", 1)
    locked, good = unpacked(data)
    assert (locked.refused.code, good.path.read_bytes()) == ("archive-password", b"y")
    (rare,) = unpacked(archive(("a.bin", b"x" * 100), method=zipfile.ZIP_BZIP2))
    assert rare.refused.code == "archive-method"


@pytest.mark.parametrize("cut", [0, 4, 30, 100, -1, -10, -22])
def test_a_cut_archive_is_refused(unpacked, cut):
    data = archive(("a.bin", bytes(range(256)) * 8))
    with pytest.raises(Refused):
        unpacked(data[:cut])


def test_every_way_of_cutting_and_flipping_ends_in_a_refusal_or_in_files(unpacked):
    from tests.formats.mutations import mutate

    data = archive(("a.png", PNG), ("b/c.txt", b"words " * 50))
    ends = set()
    for seed in range(400):
        try:
            ends |= {
                one.refused.code if one.refused else "file" for one in unpacked(mutate(data, seed))
            }
        except Refused as refused:
            ends.add(refused.code)
    assert {"file", "archive-damaged", "archive-lies"} <= ends


@pytest.mark.engine
def test_the_child_unpacks_under_its_caps_and_lives_on():
    engine = Engine("decode")
    try:
        with scratch_folder() as folder:
            call = {"timeout_s": 60, "path": str(folder / "source"), "out_dir": str(folder)}
            (folder / "source").write_bytes(archive(("a.png", PNG)))
            assert engine.call("unpack_archive", **call)["count"] == 1
            pid = engine.pid
            bomb = archive(("bomb.bin", bytes(1 << 20)))
            lying = central(bomb, 24, "L", 0xFFFFFFF0)
            (folder / "source").write_bytes(lying)
            with pytest.raises(Refused):
                engine.call("unpack_archive", **call)
            assert engine.is_alive
            assert engine.pid == pid
    finally:
        engine.close()
