"""S35: no pickle runs anything, whatever it calls and however; good state dicts pass."""

from __future__ import annotations

import json
import time
import zipfile

import pytest
import torch
from torch import nn

from imaging.engine.client import Engine
from imaging.inference.conversion.modules import read_pickled
from imaging.inference.conversion.pickles import names_in
from imaging.inference.errors import ModelFileError
from imaging.types import InferenceError
from tests.inference.conversion import saved
from tests.inference.factories import TINY_UNET, metadata_json
from tests.security import hostile_models as hostile

SHAPES = {
    "global": hostile.by_global,
    "stack": hostile.by_stack,
    "instance": hostile.by_instance,
    "object": hostile.by_object,
    "broken": lambda *call: hostile.broken_after(hostile.by_global(*call)),
    "among tensors": lambda *call: hostile.in_a_state_dict(hostile.by_global(*call)),
}
CALLS = list(hostile.calls())


@pytest.fixture
def canary(tmp_path):
    """A file that every payload would make."""
    path = tmp_path / "canary"
    yield path
    assert not path.exists()


def refused(path) -> str:
    with pytest.raises(ModelFileError) as caught:
        read_pickled(path, "file model.pt")
    return str(caught.value)


def payload(canary, module: str, name: str) -> str:
    code = f"open({str(canary)!r}, 'w')"
    return f"touch {canary}" if name in ("system", "popen", "getoutput") else code


def test_there_are_more_than_sixty_calls():
    assert len(set(CALLS)) >= 100


@pytest.mark.parametrize("form", ["archive", "legacy", "bare"])
def test_every_call_is_refused_by_its_name_in_every_file_format(tmp_path, canary, form):
    wrap = {"archive": hostile.torch_zip, "legacy": hostile.legacy, "bare": lambda data: data}[form]
    path = tmp_path / "model.pt"
    for module, name in CALLS:
        path.write_bytes(wrap(hostile.by_global(module, name, payload(canary, module, name))))
        said = refused(path)
        assert "which is not allowed. Nothing was run." in said, (module, name, said)
        assert f".{name.rpartition('.')[2]}`" in said, (module, name, said)
    assert not canary.exists()


@pytest.mark.parametrize("shape", SHAPES)
def test_every_way_of_calling_is_refused(tmp_path, canary, shape):
    path = tmp_path / "model.pt"
    for wrap in (hostile.torch_zip, hostile.legacy, lambda data: data):
        for module, name in (("posix", "system"), ("builtins", "eval"), ("builtins", "exec")):
            data = SHAPES[shape](module, name, payload(canary, module, name))
            path.write_bytes(wrap(data))
            assert "Nothing was run" in refused(path)


@pytest.mark.parametrize(
    "data",
    [
        hostile.by_extension(),
        b"\x80\x02P1\n.",  # a persistent id by name
        b"\x80\x05\x97.",  # out-of-band buffers
        b"\x80\x02cbuiltins\nset\n)R\x8f.",  # an opcode of protocol 4
        b"\x80\x02ctorch\nFloatStorage\n",  # cut
        b"\x80\x02" + b"(" * 200_000 + b".",
        b"",
        b"\x80",
    ],
)
def test_odd_streams_end_in_a_sentence(tmp_path, data):
    path = tmp_path / "model.pt"
    for wrap in (hostile.torch_zip, hostile.legacy):
        path.write_bytes(wrap(data))
        assert refused(path)


def test_a_pickle_inside_a_pickle_stays_bytes(tmp_path, canary):
    path = tmp_path / "model.pt"
    path.write_bytes(hostile.torch_zip(hostile.nested(f"touch {canary}")))
    assert "state dict of tensors" in refused(path) or "readable" in refused(path)


def test_a_second_pickle_in_the_archive_is_looked_through_as_well(tmp_path, canary):
    bad = hostile.by_global("posix", "system", f"touch {canary}")
    path = tmp_path / "model.pt"
    path.write_bytes(hostile.torch_zip(b"\x80\x02}.", **{"constants.pkl": bad}))
    assert "posix.system" in refused(path)


def test_a_bomb_is_told_by_its_size(tmp_path):
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + b"0" * (70 << 20))
    with pytest.raises(ModelFileError, match=r"pickle has \d+ bytes"):
        names_in(path, "file model.pt")


def test_an_allowed_class_cannot_be_made_to_call_what_it_carries(tmp_path, canary):
    """A hook or a forward of one's own is a name as well, and not on the list."""
    module = nn.Sequential(nn.Conv2d(1, 1, 1))
    module.register_forward_hook(print)
    path = tmp_path / "model.pt"
    torch.save(module, path)
    assert "`builtins.print`" in refused(path)


DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64)
GOOD = {
    **{f"{dtype}": {"w": torch.ones(2, 3).to(dtype)} for dtype in DTYPES},
    **{f"rank {n}": {"w": torch.ones((2,) * n)} for n in range(1, 6)},
    **{f"wrapped in {key}": {key: {"w": torch.ones(2)}, "epoch": 3}
       for key in ("state_dict", "model_state_dict", "model", "network", "net", "weights")},
    **{f"prefixed {key}": {f"{key}a.w": torch.ones(2), f"{key}b.w": torch.ones(2)}
       for key in ("module.", "_orig_mod.")},
    "parameters": dict(nn.Linear(2, 2).named_parameters()),
    "shared": (lambda w: {"a": w, "b": w})(torch.ones(3)),
    "views": (lambda w: {"a": w[:2], "b": w[2:]})(torch.arange(4.0)),
    "transposed": {"w": torch.ones(2, 3).t()},
    "scalar": {"n": torch.tensor(3)},
    "empty tensor": {"w": torch.ones(0, 3)},
    "booleans": {"w": torch.tensor([True, False])},
    "optimiser beside": {"state_dict": {"w": torch.ones(2)}, "optimizer": {"lr": 0.1, "state": {}}},
    **{f"net {n}": net.state_dict() for n, net in enumerate((
        nn.Linear(2, 2), nn.Conv2d(1, 2, 3), nn.BatchNorm2d(3), nn.LSTM(2, 3),
        nn.Sequential(nn.Conv3d(1, 2, 3), nn.InstanceNorm3d(2, affine=True)), nn.LayerNorm(4)))},
}  # fmt: skip


def test_there_are_more_than_thirty_good_ones():
    assert len(GOOD) >= 30


@pytest.mark.parametrize("is_zip", [True, False])
def test_good_state_dicts_pass(tmp_path, is_zip):
    path = tmp_path / "model.pt"
    for name, content in GOOD.items():
        torch.save(content, path, _use_new_zipfile_serialization=is_zip)
        found = read_pickled(path, name)
        assert all(torch.is_tensor(tensor) for tensor in found.values()), name


@pytest.mark.engine
def test_the_child_refuses_in_words_and_lives_on(tmp_path, canary):
    folder = tmp_path / "models" / "mine"
    folder.mkdir(parents=True)
    record = metadata_json("mine", framework="pytorch", network=TINY_UNET, activation="sigmoid")
    (folder / "metadata.json").write_text(json.dumps(record))
    bad = hostile.by_global("posix", "system", f"touch {canary}")
    (folder / "model.pt").write_bytes(hostile.torch_zip(bad))
    engine = Engine("convert", reach=[tmp_path])
    ask = {"path": str(folder), "name": "", "form": None, "trusted": False, "timeout_s": 120}
    try:
        with pytest.raises(InferenceError, match=r"asks for `posix\.system`, which is not allowed"):
            engine.call("convert", out_dir=str(tmp_path / "out"), **ask)
        torch.save(saved.unet().state_dict(), folder / "model.pt")
        started = time.monotonic()
        told = engine.call("convert", out_dir=str(tmp_path / "good"), **ask)["model"]
        assert time.monotonic() - started < 120
    finally:
        engine.close()
    assert told["file"] == "model.safetensors"
    assert told["agreement"] < 1e-3
    assert {row["engine"] for row in told["timings"]} >= {"torch", "ONNX Runtime"}
    assert engine.starts == 1
