"""The three networks, and the Keras twin of the one that is ours."""

import numpy as np
import pytest
import torch

from training.export import FILES, POSTPROCESS, VERSION, metadata_of
from training.losses import dice, dice_bce_loss
from training.networks import MEMBERS, ResidualUNet, build_network


@pytest.mark.parametrize("key", MEMBERS)
@torch.inference_mode()
def test_a_member_maps_one_channel_to_one_logit(key):
    network = build_network(MEMBERS[key].network).eval()
    assert network(torch.zeros(2, 1, 64, 64)).shape == (2, 1, 64, 64)
    assert sum(value.numel() for value in network.parameters()) * 4 < 8e6


def test_the_members_differ_in_network_file_and_seed():
    members = MEMBERS.values()
    assert len({member.network["_target_"] for member in members}) == 3
    assert {member.delivered_as for member in members} == set(FILES)
    assert len({member.seed for member in members}) == 3


def test_the_keras_twin_returns_what_the_torch_network_returns():
    from training.keras_twin import keras_twin, largest_difference

    torch.manual_seed(3)
    network = ResidualUNet([4, 6, 8])
    for _ in range(3):  # moves the running statistics off their start
        network(torch.rand(4, 1, 32, 32) * 3)
    network.eval()
    images = torch.rand(2, 1, 32, 32)
    twin = keras_twin(network, (32, 32))
    assert largest_difference(network, twin, images) < 1e-5
    network.head.bias.data += 1
    assert largest_difference(network, twin, images) > 0.01


@pytest.mark.parametrize("key", MEMBERS)
def test_metadata_names_the_file_and_its_hash(key, tmp_path):
    member = MEMBERS[key]
    file = tmp_path / FILES[member.delivered_as]
    file.write_bytes(b"abc")
    metadata = metadata_of(member, file)
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert metadata["sha256"] == {file.name: digest}
    assert ("network" in metadata) == (metadata["framework"] == "pytorch")
    assert metadata["version"] == VERSION
    assert metadata["postprocess"] == POSTPROCESS


def test_the_loss_falls_as_the_prediction_nears_the_reference():
    target = torch.zeros(1, 1, 8, 8)
    target[..., 2:6, 2:6] = 1
    right, unsure, wrong = (
        dice_bce_loss(scale * (target - 0.5), target).item() for scale in (20, 0, -20)
    )
    assert right < 0.01 < unsure < wrong


def test_dice_of_masks_counted_by_hand():
    first, second = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    first[0, :3] = second[0, 1:4] = True
    assert dice(first, second) == pytest.approx(2 * 2 / (3 + 3))
    with pytest.raises(ValueError, match="undefined"):
        dice(np.zeros((2, 2), bool), np.zeros((2, 2), bool))
