"""How a reader wants a result drawn: overlay, colours, threshold, window, plane and slice."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from imaging.formats.window import CT_WINDOW, window_between
from imaging.measures.threshold import threshold_level
from imaging.models import Image, Modality, Result, Review
from imaging.palettes import DEFAULT_PALETTE, PALETTES
from imaging.planes import Plane, first_plane, planes_of
from imaging.services.reviews import latest_review

EDITED = "edited"  # among maps: the mask that a reader painted, sent or left over
MODES = ("heat", "mask", "outline", "disagreement", "off")
CT_PRESETS = {  # name: (center, width) in HU
    gettext_noop("Soft tissue"): CT_WINDOW,
    gettext_noop("Lung"): (-600.0, 1500.0),
    gettext_noop("Liver"): (90.0, 150.0),
    gettext_noop("Bone"): (480.0, 2500.0),
    gettext_noop("Brain"): (40.0, 80.0),
}


@dataclass(frozen=True, slots=True)
class Display:
    """What was asked for; what makes no sense falls back to the stored.

    map    what heat, mask and outline are drawn of: "ensemble", one label's, or EDITED.
    spread what the disagreement is drawn of: of the members, or of mirrored copies.
    slice  index of the slice in `plane`, from 0; in addresses and on the page it counts from 1.
    """

    mode: str
    palette: str
    opacity: float
    threshold: float
    center: float
    width: float
    plane: Plane
    slice: int
    map: str = "ensemble"
    spread: str = "disagreement"

    @classmethod
    def from_query(cls, query: QueryDict, result: Result) -> Display:
        center, width = _pair(query.get("window", ""), default_window(result.image))
        shown = row_at(result, _number(query.get("t", ""), result.threshold, 0.001, 1))
        planes = image_planes(result.image)
        plane = planes.get(query.get("plane", "")) or first_plane(planes)
        number = _number(query.get("slice", ""), 0, 1, plane.shape[0])
        return cls(
            mode=_one_of(query.get("mode", ""), MODES),
            palette=_one_of(query.get("palette", ""), PALETTES),
            opacity=_number(query.get("opacity", ""), 55, 0, 100) / 100,
            threshold=shown["t"],
            center=center,
            width=width,
            plane=plane,
            slice=int(number) - 1 if number else opening_slice(result, plane),
            map=_map_asked(query.get("map", ""), result),
            spread=_spread(query.get("spread", ""), result),
        )

    @property
    def level(self) -> int:
        return threshold_level(self.threshold)

    @property
    def percent(self) -> int:
        return round(self.opacity * 100)

    @property
    def number(self) -> int:
        return self.slice + 1

    @property
    def look(self) -> str:
        """All but the place, as an address takes it."""
        return (
            f"t={self.threshold:g}&palette={self.palette}&opacity={self.percent}"
            f"&window={self.center:g},{self.width:g}"
            + (f"&map={self.map}" if self.map != "ensemble" else "")
            + (f"&spread={self.spread}" if self.spread != "disagreement" else "")
        )

    @property
    def query(self) -> str:
        return f"{self.look}&plane={self.plane.name}&slice={self.number}"


def query_of(request: HttpRequest) -> QueryDict:
    """Return what the address asks for, in the person's own colours where it names none."""
    query = request.GET.copy()
    if request.user.palette in PALETTES:
        query.setdefault("palette", request.user.palette)
    return query


def label_maps(result: Result) -> dict[str, str]:
    """Return the maps to choose from by name: of any finding, and of each of several labels."""
    several = result.labels if len(result.labels) > 1 else []
    return {"ensemble": _("Any finding")} | {
        f"label-{number}": label for number, label in enumerate(several)
    }


def edited_review(result: Result) -> Review | None:
    """Return the version that counts if its mask is the reader's own, and measured."""
    review = latest_review(result)
    is_edited = review is not None and review.row is not None and review.mask is not None
    return review if is_edited else None


def _map_asked(asked: str, result: Result) -> str:
    if asked == EDITED and edited_review(result) is not None:
        return EDITED
    return _one_of(asked, list(label_maps(result)))


def _spread(asked: str, result: Result) -> str:
    """Return which spread is drawn: mirrored copies where asked for, or where it is the only."""
    mirrored = result.decision.get("augmentation", False)
    alone = result.agreement is None
    return "augmentation" if mirrored and (alone or asked == "augmentation") else "disagreement"


def window_asked(text: str, default: tuple[float, float]) -> tuple[float, float]:
    """Return (center, width) as an address says it, else the default."""
    return _pair(text, default)


def image_planes(image: Image) -> dict[str, Plane]:
    return planes_of(image.shape, image.facts.get("affine"), image.facts.get("spacing_mm"))


def opening_slice(result: Result, plane: Plane) -> int:
    """Return the slice with most of the finding at the saved threshold, else the middle one."""
    counts = result.slices["px"][plane.axes[0]] if result.slices else []
    return counts.index(max(counts)) if any(counts) else plane.shape[0] // 2


def row_at(result: Result, threshold: float) -> dict:
    """Return the table's row nearest to `threshold`; without a table nothing but the saved one."""
    if not result.table:
        return {"t": result.threshold}
    return min(result.table, key=lambda row: abs(row["t"] - threshold))


def default_window(image: Image) -> tuple[float, float]:
    """Return (center, width) in real values: the file's own, CT 40/400, else P1 to P99."""
    facts = image.facts
    if facts.get("window"):
        return tuple(facts["window"])
    if image.dicom_modality == "CT" and facts.get("unit") == "HU":
        return CT_WINDOW
    low, high = facts["low"], facts["high"]
    return window_between(low, high) if high > low else window_between(*_full(image))


def presets(image: Image) -> dict[str, tuple[float, float]]:
    """Return the windows to choose from, by name."""
    own = {_("Default"): default_window(image)}
    if image.modality == Modality.CT and not image.facts.get("raster"):
        named = {_(name): window for name, window in CT_PRESETS.items()}
        return named if default_window(image) in CT_PRESETS.values() else named | own
    return own | {_("Full range"): window_between(*_full(image))}


def _full(image: Image) -> tuple[float, float]:
    low, high = image.facts["minimum"], image.facts["maximum"]
    return low, max(high, low)


def _one_of(value: str, choices) -> str:
    first = choices[0] if choices is not PALETTES else DEFAULT_PALETTE
    return value if value in choices else first


def _number(text: str, default: float, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        return default
    return value if low <= value <= high else default  # NaN is in no range


def _pair(text: str, default: tuple[float, float]) -> tuple[float, float]:
    first, _comma, second = text.partition(",")
    center = _number(first, float("nan"), -1e9, 1e9)
    width = _number(second, float("nan"), 1, 1e9)
    return (center, width) if center == center and width == width else default
