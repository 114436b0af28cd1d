"""How a predicted mask compares with a reference mask: the metrics of `validate`."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from imaging.measures.numbers import rounded
from imaging.measures.probability import Mask

TOLERANCE = 2.0
_ROUNDING = 1e-9  # twenty steps of 0.1 mm are 2.0000000000000004 mm


def dice(prediction: Mask, reference: Mask) -> float | None:
    """Return 2TP/(2TP+FP+FN), 0..1; None when both masks are empty, 0 when one is.

    Two bool masks on one grid, (Y, X) or (Z, Y, X); ValueError otherwise.
    Source: Dice LR, Ecology 26(3), 1945. doi:10.2307/1932409
    """
    tp, fp, fn = _counts(prediction, reference)
    return _ratio(2 * tp, 2 * tp + fp + fn)


def iou(prediction: Mask, reference: Mask) -> float | None:
    """Return TP/(TP+FP+FN), 0..1; None when both masks are empty. Otherwise as `dice`."""
    tp, fp, fn = _counts(prediction, reference)
    return _ratio(tp, tp + fp + fn)


def sensitivity(prediction: Mask, reference: Mask) -> float | None:
    """Return TP/(TP+FN) of the pixels, 0..1; None when the reference is empty."""
    tp, _, fn = _counts(prediction, reference)
    return _ratio(tp, tp + fn)


def specificity(prediction: Mask, reference: Mask) -> float | None:
    """Return TN/(TN+FP) of the pixels, 0..1; None when the reference fills the image."""
    tp, fp, fn = _counts(prediction, reference)
    tn = prediction.size - tp - fp - fn
    return _ratio(tn, tn + fp)


def ppv(prediction: Mask, reference: Mask) -> float | None:
    """Return TP/(TP+FP) of the pixels, 0..1; None when the prediction is empty."""
    tp, fp, _ = _counts(prediction, reference)
    return _ratio(tp, tp + fp)


def hd95(prediction: Mask, reference: Mask, spacing: Sequence[float] | None = None) -> float | None:
    """Return the larger of the two directed 95th percentiles of boundary distance.

    Boundary: the mask less its erosion by a cross, the image's edge being
    outside; percentiles are linear. `spacing` is one length in mm per axis;
    None: pixels. Both masks empty: None; one: the image's diagonal. ValueError
    when the masks are not two bool arrays of one shape, or a spacing is not
    positive. A (1, Y, X) mask is measured as a picture.
    Source: MEASURES §12; Maier-Hein, Reinke 2024.
    """
    prediction, reference, steps = _spread(prediction, reference, spacing)
    if not prediction.any() and not reference.any():
        return None
    if not prediction.any() or not reference.any():
        return hypot(*(n * step for n, step in zip(prediction.shape, steps, strict=True)))
    there, back = _distances(prediction, reference, steps)
    return float(max(np.percentile(there, 95), np.percentile(back, 95)))


def nsd(
    prediction: Mask,
    reference: Mask,
    spacing: Sequence[float] | None = None,
    tolerance: float = TOLERANCE,
) -> float | None:
    """Return the share of both boundaries within `tolerance` (mm, or px without spacing).

    0..1, boundaries as in `hd95`, every boundary pixel counting once. Both
    masks empty: None; one: 0. Source: Nikolov 2021; MEASURES §12.
    """
    prediction, reference, steps = _spread(prediction, reference, spacing)
    if not prediction.any() and not reference.any():
        return None
    if not prediction.any() or not reference.any():
        return 0.0
    both = np.concatenate(_distances(prediction, reference, steps))
    return float(np.mean(both <= tolerance + _ROUNDING))


def compare(
    prediction: Mask,
    reference: Mask,
    spacing: Sequence[float] | None = None,
    tolerance: float = TOLERANCE,
) -> dict[str, Any]:
    """Return all metrics of one case, ready for JSON: `unit` is mm or px, `note` what is odd."""
    return {
        "dice": rounded(dice(prediction, reference)),
        "iou": rounded(iou(prediction, reference)),
        "hd95": rounded(hd95(prediction, reference, spacing)),
        "nsd": rounded(nsd(prediction, reference, spacing, tolerance)),
        "sensitivity": rounded(sensitivity(prediction, reference)),
        "specificity": rounded(specificity(prediction, reference)),
        "ppv": rounded(ppv(prediction, reference)),
        "n_ref": int(np.count_nonzero(reference)),
        "n_pred": int(np.count_nonzero(prediction)),
        "unit": "px" if spacing is None else "mm",
        "note": _note(bool(prediction.any()), bool(reference.any())),
    }


def require_same_affine(prediction: Sequence[Any] | None, reference: Sequence[Any] | None) -> None:
    """Raise ValueError when both affines (4×4, mm) are known and differ by over 0.001 mm."""
    if prediction is None or reference is None:
        return
    if not np.allclose(np.asarray(prediction), np.asarray(reference), rtol=0, atol=1e-3):
        raise ValueError("The prediction and the reference do not lie at the same place.")


def _note(predicted: bool, referenced: bool) -> str:
    if not predicted and not referenced:
        return "agreed empty"
    if not predicted:
        return "prediction empty: HD95 is the image's diagonal"
    return "" if referenced else "reference empty: HD95 is the image's diagonal"


def _counts(prediction: Mask, reference: Mask) -> tuple[int, int, int]:
    """Return true positive, false positive and false negative pixels."""
    _require_masks(prediction, reference)
    tp = int(np.count_nonzero(prediction & reference))
    return tp, int(np.count_nonzero(prediction)) - tp, int(np.count_nonzero(reference)) - tp


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _distances(
    prediction: Mask, reference: Mask, steps: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distance of each boundary pixel to the other boundary, both ways."""
    one, other = (_boundary(mask) * np.asarray(steps) for mask in (prediction, reference))
    return cKDTree(other).query(one)[0], cKDTree(one).query(other)[0]


def _boundary(mask: Mask) -> NDArray[np.intp]:
    return np.argwhere(mask & ~ndimage.binary_erosion(mask))  # border_value 0: the edge is outside


def _spread(
    prediction: Mask, reference: Mask, spacing: Sequence[float] | None
) -> tuple[Mask, Mask, tuple[float, ...]]:
    """Return both masks and the step of each axis; a single slice is measured as a picture."""
    _require_masks(prediction, reference)
    axes = prediction.ndim
    steps = (1.0,) * axes if spacing is None else tuple(spacing)
    if len(steps) != axes or not all(step > 0 for step in steps):
        raise ValueError(f"{axes} axes need {axes} positive spacings, not {spacing}.")
    if axes == 3 and len(prediction) == 1:  # else every pixel would border on "outside"
        return prediction[0], reference[0], steps[1:]
    return prediction, reference, steps


def _require_masks(prediction: Mask, reference: Mask) -> None:
    if prediction.shape != reference.shape:
        raise ValueError(f"The masks differ in shape: {prediction.shape} and {reference.shape}.")
    if prediction.dtype != np.bool_ or reference.dtype != np.bool_:
        raise ValueError(f"Masks must be boolean, not {prediction.dtype} and {reference.dtype}.")
