"""PyTorch weights: built by name, loaded strictly, nothing executed."""

import io
import os

import numpy as np
import pytest
import torch

from imaging.inference import backends
from imaging.inference.metadata import ModelFileError, read_metadata
from tests.inference.factories import TINY_UNET, constant_unet, torch_model, write_model

PLAN = {"framework": "pytorch", "network": TINY_UNET, "activation": "sigmoid"}


def loaded(folder):
    return backends.load(folder, read_metadata(folder), "cpu").predictor


def saved(value):
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def state():
    from safetensors.torch import load

    return load(constant_unet(0.25))


def test_safetensors(tmp_path):
    predictor = loaded(torch_model(tmp_path, p=0.25))
    output = predictor.predict(np.random.default_rng(0).random((2, 1, 16, 16), np.float32))
    assert (output.shape, output.dtype) == ((2, 1, 16, 16), np.float32)
    assert output == pytest.approx(np.log(0.25 / 0.75))


@pytest.mark.parametrize("file", ["model.pt", "model.pth"])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda tensors: tensors,
        lambda tensors: {"state_dict": tensors, "epoch": 3},
        lambda tensors: {f"module.{key}": value for key, value in tensors.items()},
        lambda tensors: {"model": {f"module.{k}": v for k, v in tensors.items()}},
    ],
    ids=["plain", "wrapped", "parallel", "both"],
)
def test_state_dicts_as_people_save_them(tmp_path, file, wrap):
    folder = write_model(tmp_path, "one", saved(wrap(state())), file, **PLAN)
    output = loaded(folder).predict(np.zeros((1, 1, 16, 16), np.float32))
    assert output == pytest.approx(np.log(0.25 / 0.75))


class Boom:
    def __reduce__(self):
        return (os.system, ("touch boom",))


def test_a_pickle_that_asks_for_more_is_named_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = write_model(tmp_path, "one", saved({"a": Boom()}), "model.pt", **PLAN)
    with pytest.raises(
        ModelFileError, match=r"model\.pt asks for `posix\.system`.*Nothing was run"
    ):
        loaded(folder)
    assert not (tmp_path / "boom").exists()


def test_a_whole_module_is_not_unpickled(tmp_path):
    folder = write_model(tmp_path, "one", saved(torch.nn.Conv2d(1, 1, 1)), "model.pt", **PLAN)
    with pytest.raises(ModelFileError, match=r"asks for `torch\.nn\.modules\.conv\.Conv2d`"):
        loaded(folder)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_torchscript_is_code(tmp_path):
    file = io.BytesIO()
    torch.jit.save(torch.jit.trace(torch.nn.ReLU(), torch.zeros(1)), file)
    folder = write_model(tmp_path, "one", file.getvalue(), "model.pt", **PLAN)
    with pytest.raises(ModelFileError, match="is TorchScript, which is code"):
        loaded(folder)


def without_one():
    tensors = state()
    tensors.pop(sorted(tensors)[0])
    return tensors


def reshaped():
    tensors = state()
    key = sorted(tensors)[0]
    return {**tensors, key: torch.zeros(7)}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (lambda: saved(without_one()), "1 tensors missing, 0 unknown; first: model"),
        (lambda: saved({**state(), "extra": torch.zeros(1)}), "0 tensors missing, 1 unknown"),
        (lambda: saved(reshaped()), r"has shape \[7\], the network wants"),
        (lambda: saved([1, 2]), "holds no state dict of tensors"),
        (lambda: b"not a file", "is not a readable PyTorch file"),
        (lambda: saved(state())[:-200], "is not a readable PyTorch file"),
    ],
    ids=["missing", "unknown", "shape", "list", "text", "truncated"],
)
def test_a_state_dict_that_does_not_fit_is_refused(tmp_path, data, says):
    folder = write_model(tmp_path, "one", data(), "model.pt", **PLAN)
    with pytest.raises(ModelFileError, match=says) as caught:
        loaded(folder)
    assert "Model “one” 1.0.0: file model.pt" in str(caught.value)


def test_broken_safetensors_and_a_missing_network_are_refused(tmp_path):
    folder = write_model(tmp_path, "one", b"x" * 20, **PLAN)
    with pytest.raises(ModelFileError, match="not a readable safetensors file"):
        loaded(folder)
    folder = write_model(tmp_path, "two", constant_unet(0.5), framework="pytorch")
    with pytest.raises(ModelFileError, match="a state dict needs `network`"):
        loaded(folder)


def test_arguments_that_build_nothing_are_refused(tmp_path):
    plan = {**TINY_UNET, "strides": [2, 2, 2], "colour": "red"}
    folder = write_model(tmp_path, "one", constant_unet(0.5), **{**PLAN, "network": plan})
    with pytest.raises(ModelFileError, match="network UNet cannot be built"):
        loaded(folder)


def net(name, **settings):
    return {"_target_": f"monai.networks.nets.{name}", **settings}


FLAT = {"spatial_dims": 2, "in_channels": 1, "out_channels": 1}


@pytest.mark.parametrize(
    "plan",
    [
        net("BasicUNet", **FLAT, features=[2, 2, 2, 2, 2, 2], act=["leakyrelu", {"inplace": True}]),
        net("SegResNet", **FLAT, init_filters=8, blocks_down=[1, 1], blocks_up=[1]),
        net("AttentionUnet", **FLAT, channels=[2, 4], strides=[2]),
        net("VNet", **FLAT),
        net("DenseNet121", **FLAT),
        net("EfficientNetBN", model_name="efficientnet-b0", spatial_dims=2, in_channels=1),
        net("resnet18", spatial_dims=2, n_input_channels=1, num_classes=1),
        net(
            "DynUNet",
            **FLAT,
            kernel_size=[3, 3, 3],
            strides=[1, 2, 2],
            upsample_kernel_size=[2, 2],
            filters=[2, 4, 4],
        ),
    ],
    ids=lambda plan: plan["_target_"].rpartition(".")[2],
)
def test_networks_of_the_list_are_built_from_plain_json(tmp_path, plan):
    from imaging.inference.backends.torch_backend import build

    folder = write_model(tmp_path, "one", b"x", **{**PLAN, "network": plan})
    assert isinstance(build(read_metadata(folder)), torch.nn.Module)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_cuda_the_numbers_stay(tmp_path):
    folder = torch_model(tmp_path, p=0.25)
    predictor = backends.load(folder, read_metadata(folder), "cuda:0").predictor
    assert predictor.device == "cuda:0"
    output = predictor.predict(np.zeros((1, 1, 16, 16), np.float32))
    assert output == pytest.approx(np.log(0.25 / 0.75))
