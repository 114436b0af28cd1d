"""Says how far a predicted lung field is from its reference, for learning and for choosing."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional


def dice_bce_loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Give soft Dice loss plus binary cross-entropy of (B, 1, Y, X) logits and 0–1 targets."""
    probability = torch.sigmoid(logits)
    overlap = (probability * target).sum(dim=(1, 2, 3))
    size = (probability + target).sum(dim=(1, 2, 3))
    dice = 1 - (2 * overlap + 1) / (size + 1)
    return dice.mean() + functional.binary_cross_entropy_with_logits(logits, target)


def dice(prediction: np.ndarray, reference: np.ndarray) -> float:
    """Give 2TP/(2TP+FP+FN) of two boolean masks; both empty is an error here."""
    size = int(prediction.sum()) + int(reference.sum())
    if size == 0:
        raise ValueError("Dice of two empty masks is undefined")
    return 2 * int((prediction & reference).sum()) / size
