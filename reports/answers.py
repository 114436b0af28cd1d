"""What a report and a CSV say of classes, boxes, fusion and the input check."""

from __future__ import annotations

from imaging.gate_page import gate_title, unassessed
from imaging.measures.numbers import half_up
from imaging.models import Result, ResultBox, ResultClass
from reports.content import Line

MOST_BOXES = 20


def answer_lines(result: Result) -> list[Line]:
    """Return a line per class or box, likeliest first; none where the gate refused."""
    if not result.is_analysed:
        return []
    if result.type == "classification":
        lines = sorted(result.classes.all(), key=lambda one: (-one.p, one.position))
        return [_class_line(one, result) for one in lines]
    boxes = list(result.boxes.all())
    lines = [_box_line(one, result) for one in boxes[:MOST_BOXES]]
    if len(boxes) > MOST_BOXES:
        lines.append(Line("More boxes", str(len(boxes) - MOST_BOXES), "see the CSV"))
    if not boxes:
        highest = result.decision.get("highest_below", 0)
        lines.append(
            Line("Boxes", "None", f"highest score {half_up(highest)}, below the threshold")
        )
    return lines


def gate_words(result: Result) -> tuple[str, list[str]]:
    """Return what the input gate said, as a title and its sentences; "" where all passed.

    What could not be assessed is said as well, whatever the verdict.
    """
    title = gate_title(result)
    open_question = [unassessed(result)] if unassessed(result) else []
    if not title:
        return "", open_question
    sentences = [f"{one['sentence']} ({one['model']})" for one in result.gate.get("checks", [])]
    sentences += open_question
    if result.gate.get("overridden"):
        run = result.job.run
        sentences.append(f"Set aside by {run.requested_by}: {run.override_reason}")
    return title, sentences


def joined_by(result: Result) -> Line:
    """Return how the members became one, with what STAPLE made of each."""
    rates = result.decision.get("staple", [])
    note = "; ".join(
        f"{one['model']}: sensitivity {one['sensitivity']:.2f}, "
        f"specificity {one['specificity']:.2f}"
        for one in rates
    )
    return Line("Joined by", result.get_fusion_display(), note)


def label_lines(result: Result) -> list[Line]:
    """Return the affected area of each label where a mask has several."""
    found = {}
    wanted = ("area_percent", "mask_px", "volume_ml")
    for one in result.measurements.filter(name__in=wanted).exclude(scope="image"):
        found.setdefault(one.scope, {})[one.name] = one
    lines = []
    for scope, row in sorted(found.items()):
        label = result.labels[int(scope.partition("-")[2])]
        percent, px, ml = (row.get(name) for name in wanted)
        share = "—" if percent is None or percent.value is None else f"{percent.value:.2f} %"
        extent = f"{px.value:.0f} {px.unit}" if px is not None and px.value is not None else ""
        volume = f", {ml.value:.2f} ml" if ml is not None and ml.value is not None else ""
        why = f" {percent.reason}" if percent is not None and percent.reason else ""
        lines.append(Line(label, share, f"{extent}{volume}.{why}" if why else f"{extent}{volume}"))
    return lines


def classes_cell(result: Result) -> str:
    return "; ".join(f"{one.label}={one.p:g} {one.verdict}" for one in result.classes.all())


def boxes_cell(result: Result) -> str:
    """Return the boxes of a cell: label, score, x0 y0 x1 y1 in pixels, the slice from 1."""
    return "; ".join(
        f"{one.label} {one.score:g} [{one.x0:g} {one.y0:g} {one.x1:g} {one.y1:g}]"
        f" slice {one.plane + 1}"
        for one in result.boxes.all()
    )


def _class_line(one: ResultClass, result: Result) -> Line:
    if result.decision.get("kind") == "multi-class":
        words = {"positive": "likeliest", "uncertain": "likeliest, but uncertain"}
        note = f"{words.get(one.verdict, 'less likely')}, uncertain below {half_up(one.threshold)}"
    else:
        valid = "" if one.validated else ", not validated"
        note = f"{one.verdict}, threshold {half_up(one.threshold)}{valid}"
    if one.n > 1:
        note += f"; {one.n} models, SD {half_up(one.spread)}"
    return Line(one.label, half_up(one.p), note)


def _box_line(one: ResultBox, result: Result) -> Line:
    place = f"x {one.x0:.0f} to {one.x1:.0f}, y {one.y0:.0f} to {one.y1:.0f} px"
    where = f", slice {one.plane + 1}" if result.image.depth > 1 else ""
    return Line(f"{one.name} {one.label}", half_up(one.score), f"{place}{where}; by {one.n}")
