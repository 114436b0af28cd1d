"""The further starters: what each is, what it says of itself, and that its file is the network."""

import json

import pytest
import torch

from imaging.inference.metadata import card_missing, read_metadata
from training.deliver import LARGEST_FILE, deliver, grid_of
from training.export import MODELS
from training.recipes import RECIPES
from training.starters import STARTERS, build

DELIVERED = [name for name in STARTERS if (MODELS / name).exists()]


@pytest.mark.parametrize("name", STARTERS)
@torch.inference_mode()
def test_a_starter_answers_on_its_grid(name):
    starter = STARTERS[name]
    recipe = RECIPES[starter.ensemble]
    network = build(starter.network).eval()
    grid = grid_of(starter, recipe)
    output = network(torch.zeros(1, 1, *grid))
    shapes = {
        "segmentation": (1, recipe.outputs, *grid),
        "classification": (1, recipe.outputs),
        "detection": (1, 1, *(side // 2 for side in grid)),
    }
    first = output[0] if isinstance(output, tuple) else output
    assert first.shape == shapes[recipe.metadata["type"]]
    assert sum(value.numel() for value in network.parameters()) * 4 < LARGEST_FILE


def test_members_of_one_ensemble_differ_in_network_and_file():
    for ensemble in RECIPES:
        members = [s for s in STARTERS.values() if s.ensemble == ensemble]
        assert len({json.dumps(member.network) for member in members}) == len(members)
        assert len({member.delivered_as for member in members}) >= min(2, len(members))


# the exporter takes ten seconds for a volume; what it writes is held by the detector's turn
QUICK = [name for name in STARTERS if name != "mri-hippocampus-halfgrid"]


@pytest.mark.parametrize("name", QUICK)
def test_a_delivered_file_is_the_network_and_its_metadata_is_taken(name, tmp_path):
    starter = STARTERS[name]
    torch.manual_seed(1)
    torch.save(build(starter.network).state_dict(), tmp_path / "best.pt")
    folder = deliver(starter, tmp_path / "best.pt", tmp_path)  # raises where they differ
    metadata = read_metadata(folder)
    assert metadata.name == name
    assert card_missing(metadata.card) == ("evaluation",)
    assert metadata.framework == {"safetensors": "pytorch", "onnx": "onnx"}.get(
        starter.delivered_as, "tensorflow"
    )


@pytest.mark.parametrize("name", DELIVERED)
def test_what_is_delivered_is_small_and_tells_its_figures(name):
    metadata = read_metadata(MODELS / name)
    assert not card_missing(metadata.card)
    (file,) = metadata.sha256
    assert (MODELS / name / file).stat().st_size <= LARGEST_FILE
    text = (MODELS / name / "README.md").read_text()
    assert metadata.sha256[file] in text
    ensemble = STARTERS[name].ensemble
    members = json.loads((MODELS / "ensembles" / f"{ensemble}.json").read_text())["members"]
    assert name in [member["model"] for member in members]


def test_every_delivered_model_of_an_ensemble_serves_from_the_first_start(settings):
    named = {
        member["model"]
        for file in (MODELS / "ensembles").glob("*.json")
        for member in json.loads(file.read_text())["members"]
    }
    assert named == set(settings.STARTER_MODELS)
    assert set(DELIVERED) <= named
