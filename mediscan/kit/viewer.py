"""What stands beside a picture: the input check, regions, members, the decision, the brush."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

from mediscan.kit.decisions import decided
from mediscan.kit.made_up import ID, READER

MASK = {"area_text": "4.2%", "denominator": "lung fields", "severity": "low",
        "severity_reason": "Below 5%", "circularity": 0.71, "lesions": 3}  # fmt: skip


def shown() -> dict:
    return decided() | {
        "result": _result(), "image": SimpleNamespace(depth=1), "gates": list(_gates()),
        "display": SimpleNamespace(mode="heat", look="", query="t=0.5", threshold=0.5,
                                   plane=SimpleNamespace(name="axial")),
        "regions": _regions(), "removed": [2], "bar": list(_bar()), "slices": 1,
        "stances": [_stance("Accepted"), _stance("Accepted", is_signed=True), None],
        "brush": 24, "presets": [("Whole range", "0,255", True), ("Lung", "lung", False)],
    }  # fmt: skip


def _result() -> SimpleNamespace:
    """A measured result whose members disagree."""
    return SimpleNamespace(
        pk=ID, denominator="lung fields", threshold=0.5, is_measured=True, operating=MASK,
        agreement={"mean_dice": 0.81,
                   "sentence": "Only lungs-other exceeds 0.5 in the right lower zone."},
        disagree=True,
    )  # fmt: skip


def _gates() -> Iterator[dict]:
    """The input check's warning, its refusal, its refusal set aside, and what nobody can tell."""
    warned = [
        {
            "verdict": "warn",
            "sentence": "Much darker than the pictures it was trained on.",
            "model": "lungs-unet",
        }
    ]
    refused = [
        {
            "verdict": "refuse",
            "sentence": "This does not look like a chest radiograph.",
            "model": "lungs-unet",
        }
    ]
    unlike = "Not assessed: how like the training pictures this image is."
    yield {"gate_title": "Analysed with a warning", "gate_checks": warned}
    yield {
        "gate_title": "Not analysed",
        "gate_checks": refused,
        "gate_refused": True,
        "may_override": True,
    }
    yield {
        "gate_title": "Analysed although the input check refused",
        "gate_checks": refused,
        "gate_overridden": True,
        "override_by": READER,
        "override_reason": "A lateral view, asked for on purpose.",
    }
    yield {"gate_unassessed": unlike}


def _regions() -> list[SimpleNamespace]:
    """Three regions in order of size: the second will be removed, the last lies at the edge."""
    rows = (("L1", 2.31, 4210, 121.4, 0.74, "right upper", False),
            ("L2", 1.1, 2004, 118.9, 0.69, "right lower", False),
            ("L3", 0.79, 1440, 97.2, 0.41, "left lower", True))  # fmt: skip
    return [SimpleNamespace(place=place, slice=1, position=at, facts=SimpleNamespace(
        label=label, area_percent=area, px=px, average_intensity=grey, circularity=round_,
        volume_ml=None, touches_border=edge))
        for at, (label, area, px, grey, round_, place, edge)
        in enumerate(rows, start=1)]  # fmt: skip


def _bar() -> Iterator[dict]:
    """A member that ran as asked, one that fell back, one that was not run."""
    rows = (("lungs-unet", 0.5, "cuda:0", "cuda:0", 84, ""),
            ("lungs-other", 0.3, "cuda:0", "cpu", 1912, "Out of memory on cuda:0, run on cpu"),
            ("lungs-third", 0.2, "auto", "", None, ""))  # fmt: skip
    at = 0.0
    for number, (name, share, asked, used, ms, fallback) in enumerate(rows, start=1):
        member = SimpleNamespace(
            share=share, weight=10 * share, device=asked,
            model_version=SimpleNamespace(name=name, version="1.2.0"))  # fmt: skip
        yield {"x": at, "width": 340 * share - 2, "colour": number, "outcome": SimpleNamespace(
            member=member, device_used=used, run_ms=ms, fallback=fallback)}  # fmt: skip
        at += 340 * share


def _stance(word: str, *, is_signed: bool = False) -> SimpleNamespace:
    """A decision as the top of a page names it."""
    return SimpleNamespace(get_decision_display=word, is_signed=is_signed)
