"""Delivered weights come back into torch as they were."""

import pytest
import torch
from monai.networks.nets import SegResNet

from training.networks import MEMBERS, ResidualUNet
from training.restore import read_keras, unfold


def settled(network):
    for _ in range(3):  # moves the running statistics off their start
        network(torch.rand(4, 1, 32, 32) * 3)
    return network.eval()


@torch.no_grad()
def test_a_keras_file_gives_back_the_network_it_was_made_of(tmp_path):
    from training.keras_twin import keras_twin

    torch.manual_seed(5)
    network = settled(ResidualUNet([4, 6, 8]))
    path = tmp_path / "model.keras"
    keras_twin(network, (32, 32)).save(path)
    back, images = ResidualUNet([4, 6, 8]).eval(), torch.rand(2, 1, 32, 32)
    assert (back(images) - network(images)).abs().max() > 0.01
    read_keras(back, path, MEMBERS["resunet"])
    assert torch.equal(back(images), network(images))


@torch.no_grad()
def test_a_norm_that_was_folded_into_its_convolution_adds_the_bias_and_can_learn_again():
    torch.manual_seed(6)
    network = settled(SegResNet(spatial_dims=2, init_filters=8, in_channels=1, out_channels=1,
                                norm="batch", blocks_down=[1, 1], blocks_up=[1]))  # fmt: skip
    block = network.down_layers[0][1]
    bias, seen = torch.randn(8), []
    unfold(network, block, bias, torch.rand(4, 1, 32, 32))
    block.conv1.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    network(torch.rand(2, 1, 32, 32))
    values = seen[0]
    assert torch.allclose(block.norm2(values), values + bias[:, None, None], atol=1e-5)
    spread = values.std(dim=(0, 2, 3))
    assert block.norm2.running_var.sqrt() == pytest.approx(spread, rel=0.5)
