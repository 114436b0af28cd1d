"""What two results say in classes and boxes, side by side: rows of a table and differences."""

from __future__ import annotations

from imaging.models import Result, ResultBox

SAME = 0.5  # of IoU: from here on two boxes are one finding (MEASURES §11)


def class_rows(first: Result, second: Result) -> list[dict]:
    """Return each label of either with its probabilities, and first less second where both are."""
    both = [{one.label: one for one in result.classes.all()} for result in (first, second)]
    labels = list(dict.fromkeys([*both[0], *both[1]]))
    rows = []
    for label in labels:
        a, b = (of.get(label) for of in both)
        less = None if a is None or b is None else a.p - b.p
        rows.append({"label": label, "first": a, "second": b, "less": less})
    return rows


def box_rows(first: Result, second: Result) -> list[dict]:
    """Return for each label how many boxes either has, their best score, and the differences."""
    both = [list(result.boxes.all()) for result in (first, second)]
    rows = []
    for label in dict.fromkeys(one.label for boxes in both for one in boxes):
        a, b = ([one.score for one in boxes if one.label == label] for boxes in both)
        best = (max(a, default=None), max(b, default=None))
        rows.append({
            "label": label, "first": len(a), "second": len(b), "less": len(a) - len(b),
            "best_first": best[0], "best_second": best[1],
            "best_less": None if None in best else best[0] - best[1],
        })  # fmt: skip
    return rows


def boxes_matched(first: Result, second: Result) -> dict | None:
    """Return the pairs of boxes of one image that frame the same, and how many stand alone.

    Best score first, each box in one pair, of equal label and slice. None: two images have no
    common grid, or neither has a box.
    """
    ours, theirs = list(first.boxes.all()), list(second.boxes.all())
    if first.image_id != second.image_id or not (ours or theirs):
        return None
    left, pairs = list(theirs), []
    for one in sorted(ours, key=lambda box: -box.score):
        near = max(left, key=lambda other: overlap(one, other), default=None)
        if near is not None and overlap(one, near) >= SAME:
            left.remove(near)
            pairs.append({"first": one, "second": near, "iou": overlap(one, near),
                          "less": one.score - near.score})  # fmt: skip
    return {"pairs": pairs, "first": len(ours) - len(pairs), "second": len(left)}


def overlap(one: ResultBox, other: ResultBox) -> float:
    """Return the intersection over the union of two boxes, 0 of different labels or slices."""
    if (one.label, one.plane) != (other.label, other.plane):
        return 0.0
    wide = min(one.x1, other.x1) - max(one.x0, other.x0)
    high = min(one.y1, other.y1) - max(one.y0, other.y0)
    both = max(wide, 0.0) * max(high, 0.0)
    return both / (one.width * one.height + other.width * other.height - both)
