"""S37: an ONNX file is one file of standard operators; anything else is refused before it runs."""

from __future__ import annotations

import os

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from imaging.inference.backends.onnx_backend import check
from imaging.inference.errors import ModelFileError
from tests.inference.factories import identity_onnx

FLOATS = TensorProto.FLOAT


def model(nodes, initializers=(), *, functions=(), domains=()) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("x", FLOATS, ["n", 1, 4, 4])],
        [helper.make_tensor_value_info("y", FLOATS, ["n", 1, 4, 4])],
        list(initializers),
    )  # fmt: skip
    imports = [helper.make_opsetid("", 17), *(helper.make_opsetid(d, 1) for d in domains)]
    return helper.make_model(graph, opset_imports=imports, functions=list(functions), ir_version=8)


def weight(name: str = "w") -> TensorProto:
    return numpy_helper.from_array(np.ones((1, 1, 1, 1), np.float32), name)


def external(location: str, **more: str) -> TensorProto:
    tensor = weight()
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **more}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return tensor


CONV = helper.make_node("Conv", ["x", "w"], ["y"])


def refused(made: onnx.ModelProto | bytes) -> str:
    data = made if isinstance(made, bytes) else made.SerializeToString()
    with pytest.raises(ModelFileError) as caught:
        check("file model.onnx", data)
    return str(caught.value)


@pytest.mark.parametrize(
    "tensor",
    [
        external("../secret.bin"),
        external("/etc/passwd"),
        external("link.bin"),
        external("weights.bin", offset="0", length=str(1 << 60)),
        external("weights.bin", offset="-1"),
        external(""),
    ],
)
def test_weights_in_another_file_are_refused(tmp_path, tensor, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.symlink("/etc/passwd", "link.bin")
    assert "keeps its weights in another file. Save as one file." in refused(
        model([CONV], [tensor])
    )


def test_so_are_those_of_a_constant_and_of_a_branch():
    constant = helper.make_node("Constant", [], ["w"], value=external("weights.bin"))
    assert "another file" in refused(model([constant, CONV]))
    inner = helper.make_graph([], "b", [], [], [external("weights.bin")])
    inner.initializer[0].name = "y"
    branch = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
    assert "another file" in refused(model([branch]))


def test_sparse_weights_are_looked_at_as_well():
    made = model([CONV])
    made.graph.sparse_initializer.add().values.CopyFrom(external("weights.bin"))
    assert "another file" in refused(made)


@pytest.mark.parametrize("domain", ["com.example", "com.microsoft", "ai.onnx.contrib"])
def test_an_operator_of_another_domain_is_named(domain):
    node = helper.make_node("Run", ["x"], ["y"], domain=domain)
    assert f"custom operator {domain}.Run" in refused(model([node], domains=[domain]))


def test_an_operator_inside_a_branch_is_found():
    node = helper.make_node("Run", ["x"], ["y"], domain="com.example")
    inner = helper.make_graph([node], "b", [], [helper.make_tensor_value_info("y", FLOATS, None)])
    branch = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
    assert "com.example.Run" in refused(model([branch], domains=["com.example"]))


def test_functions_and_training_steps_are_refused():
    body = helper.make_function("com.example", "F", ["a"], ["b"], [
        helper.make_node("Relu", ["a"], ["b"])], [helper.make_opsetid("", 17)])  # fmt: skip
    assert "functions of its own" in refused(model([CONV], [weight()], functions=[body]))
    made = model([CONV], [weight()])
    made.training_info.add().algorithm.name = "a"
    assert "training steps" in refused(made)


def test_a_million_nodes_are_counted_and_refused():
    node = helper.make_node("Relu", ["x"], ["x"]).SerializeToString()
    head = b"\x0a" + bytes([len(node)]) + node
    graph = head * 1_000_000
    size, varint = len(graph), b""
    while size > 127:
        varint, size = varint + bytes([size & 127 | 128]), size >> 7
    assert "more than 50000 nodes" in refused(b"\x08\x08\x3a" + varint + bytes([size]) + graph)


@pytest.mark.parametrize("data", [b"", b"hello", b"\x0a\xff\xff\xff\xff\x0f", b"\x3a\x00"])
def test_what_is_no_onnx_is_a_sentence(data):
    assert refused(data).startswith("file model.onnx")


def test_an_operator_that_is_unknown_and_a_graph_that_is_open_are_refused():
    assert "not valid ONNX" in refused(model([helper.make_node("System", ["x"], ["y"])]))
    assert "not valid ONNX" in refused(model([helper.make_node("Relu", ["nowhere"], ["y"])]))


def test_plain_ones_pass():
    check("file model.onnx", model([CONV], [weight()]).SerializeToString())
    check("file model.onnx", identity_onnx())
