"""ONNX: run as it is, unless it asks for more than standard operators in one file."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from imaging.inference import backends
from imaging.inference.metadata import ModelFileError, read_metadata
from tests.inference.factories import identity_onnx, onnx_model, write_model


def loaded(folder, device="cpu"):
    return backends.load(folder, read_metadata(folder), device).predictor


def changed(change) -> bytes:
    model = onnx.load_model_from_string(identity_onnx())
    change(model)
    return model.SerializeToString()


def test_it_runs(tmp_path):
    batch = np.random.default_rng(0).random((3, 1, 16, 16), np.float32)
    predictor = loaded(onnx_model(tmp_path, gain=0.5))
    assert predictor.predict(batch) == pytest.approx(batch / 2)
    assert predictor.device == "cpu"


def test_channels_last_and_half_precision_stay_inside(tmp_path):
    entry = helper.make_tensor_value_info("x", TensorProto.FLOAT16, ["n", 16, 8, 1])
    leave = helper.make_tensor_value_info("y", TensorProto.FLOAT16, ["n", 16, 8, 1])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [entry], [leave])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    shape = [None, 16, 8, 1]
    folder = write_model(
        tmp_path,
        "one",
        model.SerializeToString(),
        size=(16, 8),
        input_shape=shape,
        output_shape=shape,
        channel_axis=-1,
    )
    batch = np.random.default_rng(0).random((1, 1, 16, 8), np.float32)
    output = loaded(folder).predict(batch)
    assert output.dtype == np.float32
    assert output == pytest.approx(batch, abs=1e-3)


def test_a_runtime_without_cuda_says_so(tmp_path):
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this build of ONNX Runtime has CUDA")
    predictor = loaded(onnx_model(tmp_path), "cuda:0")
    assert predictor.device == "cpu"
    assert predictor.fallback == "ONNX Runtime has no CUDA on this machine; ran on CPU."


def custom(model):
    model.graph.node[0].domain = "com.evil"
    model.opset_import.append(helper.make_opsetid("com.evil", 1))


def inside_a_branch(model):
    evil = helper.make_node("Run", ["x"], ["z"], domain="com.evil")
    value = helper.make_tensor_value_info("z", TensorProto.FLOAT, None)
    branch = helper.make_graph([evil], "b", [], [value])
    model.graph.node.append(
        helper.make_node("If", ["c"], ["y2"], then_branch=branch, else_branch=branch)
    )


def outside(model):
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.ClearField("raw_data")
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"


def outside_in_a_constant(model):
    tensor = numpy_helper.from_array(np.zeros(1, np.float32), "c")
    tensor.data_location = TensorProto.EXTERNAL
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))


def function(model):
    body = [helper.make_node("Identity", ["a"], ["b"])]
    opsets = [helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("own", "F", ["a"], ["b"], body, opsets))


def broken(model):
    model.graph.node[0].input[0] = "nowhere"


def two_inputs(model):
    value = helper.make_tensor_value_info("second", TensorProto.FLOAT, ["n"])
    model.graph.input.append(value)


def other_size(model):
    model.graph.input[0].type.tensor_type.shape.dim[2].ClearField("dim_param")
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 99


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (custom, r"custom operator com\.evil\.Conv"),
        (inside_a_branch, r"custom operator com\.evil\.Run"),
        (outside, "keeps its weights in another file. Save as one file"),
        (outside_in_a_constant, "keeps its weights in another file"),
        (function, "defines functions of its own"),
        (broken, "is not valid ONNX"),
        (two_inputs, "one array of floats is given"),
        (other_size, r"wants the input \['n', 1, 99, 's1'\]"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_asks_for_more_is_refused_by_name(tmp_path, change, says):
    folder = write_model(tmp_path, "one", changed(change))
    with pytest.raises(ModelFileError, match=says) as caught:
        loaded(folder)
    assert "Model “one” 1.0.0: file model.onnx" in str(caught.value)


def test_what_is_no_onnx_is_refused(tmp_path):
    folder = write_model(tmp_path, "one", b"\xff" * 50)
    with pytest.raises(ModelFileError, match="is not a readable ONNX file"):
        loaded(folder)
