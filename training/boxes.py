"""Boxes round brain tumours: a centre heatmap and four distances, no anchors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from training.halfgrid import HalfGridBody
from training.loop import Arrays, Task
from training.tumour import Slice, augmented, read_split

STEP = 2  # pixels of the network's grid in a cell of the heatmap
MOST_BOXES = 10
SAME_BODY = "mri-brain-tumour-deep"
NEAR_CENTRE = 0.3  # share of the half side within which cells learn the distances


class CentreBoxes(nn.Module):
    """(B, 1, Y, X) → heatmap logits (B, 1, Y/2, X/2); left, top, right, bottom in px (B, 4, …)."""

    def __init__(self, filters: list[int]) -> None:
        super().__init__()
        self.body = HalfGridBody(2, filters)
        self.heat = nn.Conv2d(filters[0], 1, 1)
        self.sides = nn.Conv2d(filters[0], 4, 1)
        nn.init.constant_(self.heat.bias, -3.0)
        nn.init.constant_(self.sides.bias, 2.5)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.body(x)
        return self.heat(features), torch.exp(self.sides(features).clamp(max=5.5))


class Decoded(nn.Module):
    """The network with its peaks read out: boxes (N, 4) xyxy in px, scores (N), labels (N)."""

    def __init__(self, network: CentreBoxes) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        heat, sides = self.network(x)
        p = torch.sigmoid(heat)
        peaks = torch.where(functional.max_pool2d(p, 5, stride=1, padding=2) == p, p, 0.0)
        scores, at = torch.topk(peaks.flatten(), MOST_BOXES)
        width = heat.shape[3]
        x_middle = (at % width).float() * STEP + STEP / 2
        y_middle = torch.div(at, width, rounding_mode="floor").float() * STEP + STEP / 2
        left, top, right, bottom = sides[0].flatten(1)[:, at]
        edges = (x_middle - left, y_middle - top, x_middle + right, y_middle + bottom)
        return torch.stack(edges, dim=1), scores, torch.zeros_like(at)


class TumourBoxes(Task):
    """Focal loss on the heatmap, IoU loss on the box; the AP50 on val chooses."""

    batch = 8
    learning_rate = 2e-3

    def prepare(self, network: nn.Module, runs: Path) -> None:
        """Begin with the body of the segmentation network of the same filters."""
        state = torch.load(runs / SAME_BODY / "best.pt", weights_only=True)
        body = {k.removeprefix("body."): v for k, v in state.items() if k.startswith("body.")}
        network.body.load_state_dict(body)

    def items(self, split: str) -> list[Slice]:
        return read_split(split)

    def sample(self, item: Slice, rng: np.random.Generator) -> Arrays:
        image, mask = augmented(item, rng)
        box = box_of(mask >= 0.5)
        known = box is not None
        return image[None], np.float32(box if known else [0, 0, 1, 1]), np.float32(known)

    def loss(self, output: tuple[torch.Tensor, ...], *targets: torch.Tensor) -> torch.Tensor:
        heat, sides = output
        boxes, known = targets
        rows, columns = _cell_middles(heat.shape[2:])
        x0, y0, x1, y1 = (edge[:, None, None] for edge in boxes.unbind(1))
        away_x = (columns - (x0 + x1) / 2) / ((x1 - x0) / 2).clamp(min=STEP)
        away_y = (rows - (y0 + y1) / 2) / ((y1 - y0) / 2).clamp(min=STEP)
        wanted = torch.exp(-(away_x**2 + away_y**2) / (2 * 0.3**2)) * known[:, None, None]
        near = (away_x.abs().maximum(away_y.abs()) <= NEAR_CENTRE) & (known[:, None, None] > 0)
        given = (columns - x0, rows - y0, x1 - columns, y1 - rows)
        return _focal(heat[:, 0], wanted) + _box_loss(sides, given, near)

    def scores(self, network: nn.Module, items: Sequence[Slice]) -> dict[str, float]:
        decoded, found = Decoded(network).eval(), []
        for item in items:
            boxes, scores, _ = decoded(torch.from_numpy(item.image)[None, None])
            scale = item.mask.shape[0] / item.image.shape[0]
            found.append((boxes.numpy() * scale, scores.numpy(), box_of(item.mask)))
        return {"score": average_precision(found, 0.5), "ap75": average_precision(found, 0.75)}


def box_of(mask: np.ndarray) -> list[float] | None:
    """Give [x0, y0, x1, y1] of a mask, half-open as in MEASURES §11; None when it is empty."""
    rows, columns = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
    if not rows.size:
        return None
    return [float(v) for v in (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)]


def average_precision(found: Sequence[tuple], least_iou: float) -> float:
    """Give the 101-point average precision of (boxes, scores, the one reference box) by image."""
    hits = []
    for boxes, scores, reference in found:
        taken = False
        for at in np.argsort(-scores):
            fits = not taken and iou(boxes[at], reference) >= least_iou
            taken = taken or fits
            hits.append((scores[at], fits))
    hits.sort(key=lambda hit: -hit[0])
    right = np.cumsum([fits for _, fits in hits])
    precision = right / np.arange(1, len(hits) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(right / len(found), np.linspace(0, 1, 101))
    return float(np.mean(np.append(precision, 0.0)[np.minimum(at, len(hits))]))


def iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Give the intersection over union of two boxes."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0.0, width) * max(0.0, height)
    whole = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / whole if whole > 0 else 0.0


def _cell_middles(shape: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
    rows, columns = (torch.arange(n, dtype=torch.float32) * STEP + STEP / 2 for n in shape)
    return rows[None, :, None], columns[None, None, :]


def _focal(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Focal loss for a soft target (Zhou 2019, with the quality form of Li 2020)."""
    p = torch.sigmoid(logits)
    each = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    return (each * (p - wanted).abs() ** 2).sum() / wanted.sum().clamp(min=1.0)


def _box_loss(
    sides: torch.Tensor, given: Sequence[torch.Tensor], near: torch.Tensor
) -> torch.Tensor:
    """1 - IoU of boxes given by their distances from the same cell (Tian 2019)."""
    if not near.any():
        return sides.sum() * 0
    ours = [side[near] for side in sides.unbind(1)]
    true = [torch.broadcast_to(side, near.shape)[near].clamp(min=0.5) for side in given]
    inner = [a.minimum(b) for a, b in zip(ours, true, strict=True)]
    shared, *areas = ((s[0] + s[2]) * (s[1] + s[3]) for s in (inner, ours, true))
    whole = sum(areas) - shared
    return (1 - shared / whole).mean()
