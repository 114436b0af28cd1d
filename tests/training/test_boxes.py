"""Boxes of tumours: the box of a mask, what the network's peaks become, average precision."""

import numpy as np
import pytest
import torch
from torch import nn

from training.boxes import Decoded, TumourBoxes, average_precision, box_of, iou


class Fixed(nn.Module):
    """A network that answers with what it was given."""

    def __init__(self, heat, sides):
        super().__init__()
        self.heat, self.sides = heat, sides

    def forward(self, x):
        return self.heat, self.sides


def answer(rows, columns, size=16):
    heat = torch.full((1, 1, size, size), -9.0)
    sides = torch.ones(1, 4, size, size)
    for row, column, logit, box in zip(rows, columns, (3.0, 1.0), ((4, 5, 6, 7), (1, 1, 1, 1)),
                                       strict=False):  # fmt: skip
        heat[0, 0, row, column] = logit
        sides[0, :, row, column] = torch.tensor(box)
    return heat, sides


def test_the_highest_peak_comes_first_with_its_box_in_pixels():
    boxes, scores, labels = Decoded(Fixed(*answer([6, 12], [9, 3])))(torch.zeros(1, 1, 32, 32))
    assert boxes[0].tolist() == [19 - 4, 13 - 5, 19 + 6, 13 + 7]  # the cell's middle is (19, 13)
    assert scores[:2].tolist() == pytest.approx([0.9526, 0.7311], abs=1e-4)
    assert labels.dtype == torch.int64
    assert not labels.any()


def test_a_neighbour_of_a_peak_is_no_peak():
    _, scores, _ = Decoded(Fixed(*answer([6, 7], [9, 9])))(torch.zeros(1, 1, 32, 32))
    assert scores[0] > 0.9
    assert scores[1] < 0.01


def test_the_box_of_a_mask_is_half_open():
    mask = np.zeros((10, 12), bool)
    mask[3:6, 2:9] = True
    assert box_of(mask) == [2, 3, 9, 6]
    assert box_of(np.zeros((4, 4), bool)) is None


def test_overlap_by_hand():
    assert iou((0, 0, 4, 4), (2, 0, 6, 4)) == pytest.approx(8 / 24)
    assert iou((0, 0, 1, 1), (2, 2, 3, 3)) == 0


def test_average_precision_by_hand():
    right, wrong = (0, 0, 10, 10), (50, 50, 60, 60)
    hit = (np.array([right, wrong]), np.array([0.9, 0.1]), list(right))
    miss = (np.array([wrong]), np.array([0.5]), list(right))
    assert average_precision([hit], 0.5) == pytest.approx(1.0)
    assert average_precision([hit, miss], 0.5) == pytest.approx(51 / 101)  # recall ends at a half
    assert average_precision([miss], 0.5) == 0


def test_the_loss_falls_as_the_answer_nears_the_box():
    task, known = TumourBoxes(), torch.ones(1)
    box = torch.tensor([[8.0, 8.0, 24.0, 24.0]])
    rows = torch.arange(16.0) * 2 + 1
    sides = torch.stack(
        torch.broadcast_tensors(
            rows[None, :] - 8, rows[:, None] - 8, 24 - rows[None, :], 24 - rows[:, None]
        )
    )[None].clamp(min=0.5)
    away = ((rows[None, :] - 16) ** 2 + (rows[:, None] - 16) ** 2) / 64
    right = torch.logit(torch.exp(-away / 0.18).clamp(1e-4, 1 - 1e-4))[None, None]
    good = task.loss((right, sides), box, known)
    assert good < task.loss((right, sides + 6), box, known)
    assert good < task.loss((-right, sides), box, known)
