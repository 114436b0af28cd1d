"""What comes in as a ZIP or with a form becomes a model folder, or is refused by name."""

from __future__ import annotations

import io
import json
import stat
import zipfile

import pytest

from imaging.inference.conversion.arriving import arrive
from imaging.inference.errors import MetadataError, ModelFileError
from tests.inference.factories import identity_onnx, metadata_json

META = json.dumps(metadata_json("mine")).encode()


def zipped(path, entries, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


def arrived(tmp_path, entries, **options):
    return arrive(zipped(tmp_path / "sent", entries, **options), "m.zip", None, tmp_path / "work")


@pytest.mark.parametrize("top", ["", "mine/", "another name/"])
def test_a_folder_is_unpacked_under_its_own_name(tmp_path, top):
    entries = [
        (f"{top}metadata.json", META), (f"{top}model.onnx", identity_onnx()),
        (f"{top}README.md", b"# Mine"), ("__MACOSX/x", b""), (".DS_Store", b""),
    ]  # fmt: skip
    folder = arrived(tmp_path, entries, compression=zipfile.ZIP_DEFLATED)
    assert folder.name == "mine"
    assert {one.name for one in folder.iterdir()} == {"metadata.json", "model.onnx", "README.md"}


def test_a_weight_file_and_a_form_make_a_folder(tmp_path):
    (tmp_path / "sent").write_bytes(b"weights")
    form = metadata_json("mine")
    folder = arrive(tmp_path / "sent", "My net (2).ONNX", form, tmp_path / "work")
    assert (folder / "model.onnx").read_bytes() == b"weights"
    assert json.loads((folder / "metadata.json").read_text()) == form


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../metadata.json", "has no place in a model folder"),
        ("/etc/cron.d/x", "has no place"),
        ("C:\\model.onnx", "has no place"),
        ("model.onnx/../../x", "has no place"),
        ("model.a\\..\\x", "has no place"),
        ("scripts/run.py", "has no place"),
        ("Model.onnx", "has no place"),
        ("model.ONNX", "twice"),
        ("saved_model.pb", "SavedModel is not run here"),
    ],
)
def test_an_entry_that_has_no_place_is_named(tmp_path, name, said):
    entries = [("metadata.json", META), ("model.onnx", b"x"), (name, b"x")]
    with pytest.raises(ModelFileError, match=said):
        arrived(tmp_path, entries)
    outside = {one.name for one in tmp_path.rglob("*") if one.is_file()}
    assert outside <= {"sent", "metadata.json", "model.onnx"}


def test_a_link_is_refused(tmp_path):
    link = zipfile.ZipInfo("model.onnx")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(ModelFileError, match="holds a link"):
        arrived(tmp_path, [("metadata.json", META), (link, "/etc/passwd")])


def test_lying_sizes_and_bombs_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("imaging.inference.conversion.arriving.MAX_MODEL_BYTES", 1 << 20)
    monkeypatch.setattr("imaging.inference.conversion.arriving.MAX_JSON_BYTES", 0)
    entries = [("metadata.json", META), ("model.onnx", b"\0" * (3 << 20))]
    with pytest.raises(ModelFileError, match="unpacks to more than is allowed"):
        arrived(tmp_path, entries, compression=zipfile.ZIP_DEFLATED)


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([("model.onnx", b"x")], "holds no metadata.json"),
        ([("metadata.json", b"{"), ("model.onnx", b"x")], "not valid JSON"),
        ([("metadata.json", b'{"name": "../x"}'), ("model.onnx", b"x")], "is not a name of a-z"),
        ([("metadata.json", b"{}"), ("model.onnx", b"x")], "is not a name of a-z"),
        ([(f"model.{n}", b"x") for n in range(80)], "80 files; 64 are allowed"),
    ],
)
def test_what_is_missing_or_too_much_is_said(tmp_path, entries, said):
    with pytest.raises((ModelFileError, MetadataError), match=said):
        arrived(tmp_path, entries)


@pytest.mark.parametrize("data", [b"", b"hello", b"PK\x03\x04broken"])
def test_what_is_no_zip_is_said(tmp_path, data):
    (tmp_path / "sent").write_bytes(data)
    with pytest.raises(ModelFileError, match="The ZIP cannot be read"):
        arrive(tmp_path / "sent", "m.zip", None, tmp_path / "work")


def test_a_zip_is_not_read_past_its_listing(tmp_path):
    buffer = io.BytesIO(zipped(tmp_path / "a", [("metadata.json", META)]).read_bytes())
    data = buffer.getvalue()
    (tmp_path / "sent").write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelFileError, match="cannot be read"):
        arrive(tmp_path / "sent", "m.zip", None, tmp_path / "work")
