"""What a weight file tells before anybody describes it."""

from __future__ import annotations

import pytest
import torch
from monai.networks.nets import DenseNet
from safetensors.torch import save_file

from imaging.inference.backends.keras_runtime import keras
from imaging.inference.conversion.telling import tell
from imaging.inference.errors import ModelFileError
from tests.inference.conversion import saved
from tests.inference.factories import identity_onnx
from tests.inference.task_models import onnx_classifier, onnx_detector, torch_classifier


def told(path, **expected):
    found = tell(path, path.name).to_json()
    assert {key: found[key] for key in expected} == expected
    return found


def test_onnx_of_each_task(tmp_path):
    (tmp_path / "a.onnx").write_bytes(identity_onnx(out=3))
    told(tmp_path / "a.onnx", framework="onnx", task="segmentation", labels=3, channels=1,
         size=None, is_any_size=True, ends_in="", needs_network=False)  # fmt: skip
    place = onnx_classifier(tmp_path, "b", [0.2, 0.7])
    told(place / "model.onnx", task="classification", labels=2, size=[64, 64], dims=2,
         is_any_size=False)  # fmt: skip
    place = onnx_detector(tmp_path, "c", [[0, 0, 9, 9]], [0.8])
    told(place / "model.onnx", task="detection", labels=None)


def test_axes_are_told_apart_by_the_channels(tmp_path):
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 128, 128, 128, 1])
            for n in "xy"]  # fmt: skip
    graph = helper.make_graph([helper.make_node("Sigmoid", ["x"], ["y"])], "g", ends[:1], ends[1:])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (tmp_path / "m.onnx").write_bytes(made.SerializeToString())
    told(tmp_path / "m.onnx", is_last=True, dims=3, size=[128, 128, 128], channels=1, labels=1,
         ends_in="sigmoid")  # fmt: skip


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_keras(tmp_path, name):
    entry = keras.Input((32, 48, 3))
    mean = keras.layers.GlobalAveragePooling2D()(entry)
    model = keras.Model(entry, keras.layers.Dense(4, activation="softmax")(mean))
    model.save(tmp_path / name)
    told(tmp_path / name, framework="tensorflow", task="classification", labels=4, channels=3,
         size=[32, 48], is_last=True, ends_in="softmax")  # fmt: skip


def test_a_network_saved_whole(tmp_path):
    torch.save(saved.unet(), tmp_path / "m.pt")
    told(tmp_path / "m.pt", kind="module", framework="pytorch", task="segmentation", labels=1,
         channels=1, dims=2, size=None, needs_network=False)  # fmt: skip
    net = DenseNet(spatial_dims=3, in_channels=1, out_channels=5, init_features=4, growth_rate=2,
                   block_config=[1], bn_size=1)  # fmt: skip
    torch.save(net, tmp_path / "d.pt")
    told(tmp_path / "d.pt", task="classification", labels=5, dims=3)
    torch.save(torch.nn.Sequential(saved.row(), torch.nn.Sigmoid()), tmp_path / "s.pt")
    told(tmp_path / "s.pt", ends_in="sigmoid", labels=1)


def test_numbers_alone(tmp_path):
    torch.save({"state_dict": saved.row().state_dict()}, tmp_path / "m.pth")
    told(tmp_path / "m.pth", kind="tensors", needs_network=True, labels=1, channels=1, dims=2)
    save_file(saved.row().state_dict(), tmp_path / "m.safetensors")
    told(tmp_path / "m.safetensors", needs_network=True, labels=1, task="segmentation")
    place = torch_classifier(tmp_path, "c", [0.2, 0.7, 0.5])
    told(place / "model.safetensors", needs_network=True, channels=1, labels=3,
         task="classification")  # fmt: skip
    state = {"stem.weight": torch.zeros(4, 1, 3, 3), "a.weight": torch.zeros(8, 4),
             "b.weight": torch.zeros(2, 8)}  # fmt: skip
    save_file(state, tmp_path / "two.safetensors")
    told(tmp_path / "two.safetensors", labels=None, task="")


@pytest.mark.parametrize("turn", [1, -1])
def test_numbers_whose_order_went_through_other_hands(tmp_path, turn):
    net = DenseNet(spatial_dims=2, in_channels=1, out_channels=3, init_features=4, growth_rate=2,
                   block_config=[1, 1], bn_size=1)  # fmt: skip
    torch.save(dict(list(net.state_dict().items())[::turn]), tmp_path / "m.pth")
    told(tmp_path / "m.pth", labels=3, task="classification", dims=2)


def test_a_pickle_is_read_as_one_whatever_it_is_called(tmp_path):
    torch.save(saved.row().state_dict(), tmp_path / "m.safetensors")
    told(tmp_path / "m.safetensors", kind="tensors", labels=1)


@pytest.mark.parametrize(
    ("name", "write", "said"),
    [
        ("m.pt", saved.traced(saved.row()), "m.pt: TorchScript is code"),
        ("m.pt2", saved.exported(saved.row()), "is code, so it is converted at the command line"),
        ("m.pb", lambda p: p.write_bytes(b"x"), "SavedModel is not run here"),
        ("m.bin", lambda p: p.write_bytes(b"x"), "no model file that is known here"),
        ("m.safetensors", lambda p: p.write_bytes(b"\x02" + b"\0" * 7 + b"{]" + b" " * 9),
         "not a readable safetensors file"),
    ],
)  # fmt: skip
def test_what_will_not_be_converted_is_said_before_it_is_described(tmp_path, name, write, said):
    write(tmp_path / name)
    with pytest.raises(ModelFileError, match=said):
        tell(tmp_path / name, name)
