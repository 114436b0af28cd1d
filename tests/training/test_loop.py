"""The loop of the further starters: it resumes where it was and keeps the best average."""

import numpy as np
import pytest
import torch
from torch import nn

from training.loop import Loop, Task


class Line(Task):
    """Learns y = 2x from eight points."""

    batch = 4
    learning_rate = 0.1

    def items(self, split):
        return list(range(8))

    def sample(self, item, rng):
        x = np.float32([item / 8 + rng.normal(0, 0.01)])
        return x, 2 * x

    def loss(self, output, *targets):
        return (output - targets[0]).square().mean()

    def scores(self, network, items):
        x = torch.tensor([[item / 8] for item in items])
        return {"score": 1 / (1 + self.loss(network(x), 2 * x).item())}


def loop(folder, epochs, seed=1):
    torch.manual_seed(seed)
    made = Loop(Line(), nn.Linear(1, 1), seed=seed, epochs=epochs, folder=folder)
    made.resume()
    return made


def test_a_run_that_was_cut_ends_where_an_uncut_one_does(tmp_path):
    for name in ("whole", "cut"):
        (tmp_path / name).mkdir()
    whole = loop(tmp_path / "whole", 6)
    whole.run(1)
    first = loop(tmp_path / "cut", 6)
    first.epochs = 6
    first._train_epoch()
    first.epoch += 1
    first._evaluate()
    first._save()
    second = loop(tmp_path / "cut", 6)
    assert second.epoch == 1
    second.run(1)
    for ours, theirs in zip(whole.network.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert whole.best == second.best


def test_the_best_average_is_kept_and_not_the_last(tmp_path):
    made = loop(tmp_path, 3)
    made.run(1)
    best = torch.load(tmp_path / "best.pt", weights_only=True)
    made.best = 2.0  # no score reaches it
    made.epochs = 5
    made.run(1)
    again = torch.load(tmp_path / "best.pt", weights_only=True)
    assert torch.equal(best["weight"], again["weight"])


@pytest.mark.parametrize("layer", [nn.Conv2d, nn.Conv3d])
def test_flat_networks_and_those_in_space_both_begin(tmp_path, layer):
    Loop(Line(), layer(1, 1, 3), seed=1, epochs=1, folder=tmp_path)
