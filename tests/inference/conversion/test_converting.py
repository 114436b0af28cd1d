"""Every row of INTEROP §1.2 with a real file: what it becomes, and that it agrees."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from imaging.inference import backends
from imaging.inference.conversion.converting import Converted, convert
from imaging.inference.conversion.probing import agreement
from imaging.inference.errors import MetadataError, ModelFileError
from imaging.inference.metadata import read_metadata
from tests.inference.conversion import saved
from tests.inference.factories import TINY_UNET

X = np.random.default_rng(1).random((1, 1, 16, 16), dtype=np.float32)


def taken(tmp_path, file, write, *, trusted=False, **changes) -> Converted:
    place = saved.folder(tmp_path / "in", file, write, **changes)
    return convert(place, tmp_path / "out" / "mine", trusted=trusted)


def served(tmp_path) -> np.ndarray:
    place = tmp_path / "out" / "mine"
    return backends.load(place, read_metadata(place), "cpu").predictor.predict(X)


def expected(module) -> np.ndarray:
    with torch.no_grad():
        return module(torch.from_numpy(X)).numpy()


def state(module):
    return lambda path: torch.save(module.state_dict(), path)


def whole(module):
    return lambda path: torch.save(module, path)


def test_safetensors_stay_what_they_are(tmp_path):
    made = taken(
        tmp_path, "model.safetensors", lambda p: save_file(saved.unet().state_dict(), p),
        network=TINY_UNET,
    )  # fmt: skip
    assert (made.file, made.agreement) == ("model.safetensors", None)
    np.testing.assert_allclose(served(tmp_path), expected(saved.unet()), atol=1e-5)


@pytest.mark.parametrize("file", ["model.pt", "model.pth"])
def test_a_state_dict_becomes_safetensors(tmp_path, file):
    made = taken(tmp_path, file, state(saved.unet()), network=TINY_UNET)
    assert made.file == "model.safetensors"
    assert made.metadata["framework"] == "pytorch"
    assert list(made.metadata["sha256"]) == ["model.safetensors"]
    assert made.agreement < 1e-6
    np.testing.assert_allclose(served(tmp_path), expected(saved.unet()), atol=1e-5)


def test_a_checkpoint_of_the_old_format_is_unwrapped(tmp_path):
    inner = {f"module.{key}": value for key, value in saved.unet().state_dict().items()}
    content = {"epoch": 3, "state_dict": inner, "best": 0.9}
    write = lambda p: torch.save(content, p, _use_new_zipfile_serialization=False)  # noqa: E731
    assert taken(tmp_path, "model.pth", write, network=TINY_UNET).agreement < 1e-6
    assert set(load_file(tmp_path / "out" / "mine" / "model.safetensors")) == set(
        saved.unet().state_dict()
    )


@pytest.mark.parametrize(
    ("module", "network", "file"),
    [
        (saved.unet, TINY_UNET, "model.safetensors"),
        (saved.unet, ..., "model.onnx"),
        (saved.row, saved.ROW, "model.safetensors"),
        (saved.row, ..., "model.onnx"),
        (lambda: torch.nn.DataParallel(saved.row()), saved.ROW, "model.safetensors"),
    ],
)
def test_a_network_saved_whole_is_converted_and_agrees(tmp_path, module, network, file):
    made = taken(tmp_path, "model.pt", whole(module()), network=network)
    assert made.file == file
    assert ("network" in made.metadata) == (file == "model.safetensors")
    assert made.agreement < 1e-3
    inner = getattr(module(), "module", module())
    np.testing.assert_allclose(served(tmp_path), expected(inner), atol=1e-4)


def test_a_network_inside_a_checkpoint_is_found(tmp_path):
    write = lambda p: torch.save({"epoch": 2, "model": saved.row()}, p)  # noqa: E731
    assert taken(tmp_path, "model.pth", write).file == "model.onnx"


def test_an_export_is_free_in_batch_and_size_where_the_metadata_says_so(tmp_path):
    taken(
        tmp_path, "model.pt", whole(saved.row()),
        input_shape=[None, 1, None, None], output_shape=[None, 1, None, None],
    )  # fmt: skip
    place = tmp_path / "out" / "mine"
    predict = backends.load(place, read_metadata(place), "cpu").predictor.predict
    assert predict(np.zeros((3, 1, 20, 28), np.float32)).shape == (3, 1, 20, 28)


@pytest.mark.parametrize(
    ("network", "file"), [(TINY_UNET, "model.safetensors"), (..., "model.onnx")]
)
def test_torchscript_is_converted_for_an_operator(tmp_path, network, file):
    made = taken(tmp_path, "model.pt", saved.traced(saved.unet()), trusted=True, network=network)
    assert (made.file, made.agreement < 1e-3) == (file, True)
    np.testing.assert_allclose(served(tmp_path), expected(saved.unet()), atol=1e-4)


def test_an_exported_program_becomes_onnx_for_an_operator(tmp_path):
    made = taken(
        tmp_path, "model.pt2", saved.exported(saved.row()), trusted=True,
        input_shape=[1, 1, 16, 16], output_shape=[1, 1, 16, 16],
    )  # fmt: skip
    assert (made.file, made.agreement < 1e-3) == ("model.onnx", True)
    np.testing.assert_allclose(served(tmp_path), expected(saved.row()), atol=1e-4)


@pytest.mark.parametrize(
    ("file", "write"), [("model.ts", saved.traced), ("model.pt2", saved.exported)]
)
def test_what_is_code_is_not_taken_from_a_page(tmp_path, file, write):
    with pytest.raises(ModelFileError, match=r"is code.*manage\.py import_model"):
        taken(tmp_path, file, write(saved.row()))
    assert not (tmp_path / "out").exists()


def test_onnx_stays_what_it_is(tmp_path):
    made = taken(tmp_path, "model.onnx", saved.onnx_file, framework="onnx", activation="none")
    assert (made.file, made.metadata["framework"], made.agreement) == ("model.onnx", "onnx", None)


@pytest.mark.parametrize("file", ["model.keras", "model.h5"])
def test_keras_is_rebuilt_and_tried(tmp_path, file):
    made = taken(
        tmp_path, file, saved.keras_file, framework="tensorflow", activation="none",
    )  # fmt: skip
    assert made.file == file
    np.testing.assert_allclose(served(tmp_path), X / 2, atol=1e-6)


def saved_model(path):
    (path.parent / "saved_model.pb").write_bytes(b"x")


def custom_class(path):
    torch.save(_Own(), path)


class _Own(torch.nn.Module):
    pass


@pytest.mark.parametrize(
    ("file", "write", "changes", "sentence"),
    [
        ("model.pb", lambda p: p.write_bytes(b"x"), {}, "SavedModel is not run here"),
        ("-", saved_model, {}, "SavedModel is not run here. Save as model.keras, or convert"),
        ("model.tflite", lambda p: p.write_bytes(b"x"), {}, "TFLite is not run here"),
        ("model.ckpt", state(saved.unet()), {}, "Save model.state_dict.. or ONNX"),
        ("model.pkl", lambda p: p.write_bytes(b"x"), {}, "pickles of this kind are not read"),
        ("model.joblib", lambda p: p.write_bytes(b"x"), {}, "pickles of this kind are not read"),
        ("model.pt", custom_class, {}, r"asks for `tests\.inference.*_Own`, which is not allowed"),
        ("model.pt", state(saved.unet()), {}, "A state dict needs `network` in metadata.json"),
        ("model.safetensors", lambda p: save_file(saved.row().state_dict(), p), {},
         "A state dict needs `network`"),
        ("model.pt", state(saved.row()), {"network": TINY_UNET},
         r"\d+ tensors missing, 4 unknown; first: "),
        ("model.pt", lambda p: p.write_bytes(b"hello"), {}, "is not a readable PyTorch file"),
        ("model.onnx", lambda p: p.write_bytes(b"hello"), {"framework": "onnx"}, "readable ONNX"),
        ("model.onnx", saved.onnx_file, {"framework": "onnx", "sha256": {"model.onnx": "0" * 64}},
         "sha256 says 0000"),
        ("model.onnx", saved.onnx_file, {}, "framework says pytorch, but model.onnx is of onnx"),
        ("model.bin", lambda p: p.write_bytes(b"hello"), {}, "no model file that is known"),
    ],
)  # fmt: skip
def test_what_is_refused_says_why_and_what_to_do(tmp_path, file, write, changes, sentence):
    with pytest.raises(ModelFileError, match=sentence):
        taken(tmp_path, file, write, **changes)


def test_an_unknown_key_and_labels_that_are_not_the_channels_are_named(tmp_path):
    with pytest.raises(MetadataError, match="unknown key colour with value"):
        taken(tmp_path, "model.onnx", saved.onnx_file, colour="red")
    with pytest.raises(MetadataError, match="3 names, but output_shape has 1 channels"):
        taken(tmp_path, "model.onnx", saved.onnx_file, labels={"0": "a", "1": "b", "2": "c"})


def test_two_model_files_are_one_too_many(tmp_path):
    saved.folder(tmp_path / "in", "model.onnx", saved.onnx_file)
    with pytest.raises(ModelFileError, match=r"found: model\.onnx, model\.pt"):
        taken(tmp_path, "model.pt", state(saved.unet()))


def test_a_compressed_archive_is_no_torch_file(tmp_path):
    import zipfile

    def write(path):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("m/data.pkl", b"\x80\x02}q\x00." + b" " * 10_000)

    with pytest.raises(ModelFileError, match="compressed, which PyTorch never writes"):
        taken(tmp_path, "model.pt", write)


def test_drift_is_refused_with_its_size(tmp_path):
    place = saved.folder(tmp_path, "model.onnx", saved.onnx_file, framework="onnx")
    metadata = read_metadata(place)
    with pytest.raises(ModelFileError, match=r"differ from the original's by 0\.1"):
        agreement(lambda x: x * 0, lambda x: x * 0 + 0.5, metadata, [X])


def test_a_network_of_the_same_keys_but_another_shape_names_the_tensor(tmp_path):
    other = {**TINY_UNET, "channels": [2, 6]}
    with pytest.raises(ModelFileError, match="has shape"):
        taken(tmp_path, "model.pt", state(saved.unet()), network=other)


def test_nothing_is_written_beside_the_model(tmp_path):
    taken(tmp_path, "model.pt", state(saved.unet()), network=TINY_UNET)
    names = {path.name for path in (tmp_path / "out" / "mine").iterdir()}
    assert names == {"metadata.json", "model.safetensors"}
