"""Which file a model is, and whether it is still the one that was registered."""

import hashlib

import pytest

from imaging.inference.metadata import ModelFileError, model_file, read_metadata, verify_files
from imaging.inference.model_files import model_sha256, read_verified
from tests.inference.factories import write_metadata, write_model


def flip_a_byte(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_the_bytes_come_back_with_their_hash(tmp_path):
    folder = write_model(tmp_path, "one", b"weights")
    name, data, digest = read_verified(folder, read_metadata(folder))
    assert (name, data, digest) == (
        "model.onnx",
        b"weights",
        hashlib.sha256(b"weights").hexdigest(),
    )
    assert model_sha256(folder) == {name: digest}


def test_one_flipped_byte_is_refused_by_the_models_name(tmp_path):
    folder = write_model(tmp_path, "one", b"weights")
    metadata = read_metadata(folder)
    verify_files(folder, metadata)
    flip_a_byte(folder / "model.onnx")
    says = (
        r"Model “one” 1\.0\.0: file model\.onnx has changed since it was registered "
        r"\(sha256 differs\)\. Restore the file or register a new version\."
    )
    with pytest.raises(ModelFileError, match=says):
        verify_files(folder, metadata)
    with pytest.raises(ModelFileError, match=says):
        read_verified(folder, metadata)


def test_the_frozen_hash_counts_beside_the_declared_one(tmp_path):
    folder = write_model(tmp_path, "one", b"weights")
    metadata = read_metadata(folder)
    with pytest.raises(ModelFileError, match="sha256 differs"):
        read_verified(folder, metadata, {"model.onnx": "0" * 64})
    with pytest.raises(ModelFileError, match=r"does not list file model\.onnx"):
        read_verified(folder, metadata, {"other.onnx": "0" * 64})


def test_a_declared_file_that_is_gone_is_named(tmp_path):
    folder = write_metadata(
        tmp_path, sha256={"model.onnx": hashlib.sha256(b"a").hexdigest(), "extra.bin": "0" * 64}
    )
    (folder / "model.onnx").write_bytes(b"a")
    with pytest.raises(ModelFileError, match=r"file extra\.bin is missing"):
        verify_files(folder, read_metadata(folder))


def test_without_hashes_nothing_is_compared(tmp_path):
    folder = write_model(tmp_path, "one", b"weights", sha256=...)
    verify_files(folder, read_metadata(folder))


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([], "found: none"),
        (["model.onnx", "model.keras"], "found: model.keras, model.onnx"),
        (["model.pkl"], "Pickles are not read"),
        (["model.tflite"], "TFLite"),
        (["saved_model.pb", "model.onnx"], "SavedModel is not run here"),
    ],
)
def test_one_model_file_per_folder(tmp_path, files, says):
    folder = write_metadata(tmp_path)
    for name in files:
        (folder / name).write_bytes(b"x")
    with pytest.raises(ModelFileError, match=says):
        model_file(folder)


def test_the_framework_must_fit_the_file(tmp_path):
    folder = write_model(tmp_path, "one", b"x", "model.keras")
    with pytest.raises(ModelFileError, match=r"framework says onnx, but model\.keras is of tensor"):
        verify_files(folder, read_metadata(folder))
