"""What the result page says of slices: planes to choose from, the bar, regions by slice, bytes."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from imaging.display import EDITED, Display, edited_review, image_planes
from imaging.models import Image, Lesion, Result, Review
from imaging.planes import STORED, Plane
from imaging.region_places import place_words
from imaging.sides import Sides

BAR_HEIGHT, BAR_LEAST = 20, 3
LISTED = 40
PLANE_NAMES = {
    "axial": _("Axial"),
    "coronal": _("Coronal"),
    "sagittal": _("Sagittal"),
}


def slice_context(
    result: Result, display: Display, lesions: list[Lesion], sides: Sides | None
) -> dict:
    """What the template shows of a volume; of a picture, that it has one slice."""
    plane = display.plane
    return {
        "slices": plane.shape[0],
        "planes": [(name, PLANE_NAMES[name], name == plane.name)
                   for name in image_planes(result.image) if name != STORED],
        "slice_bar": slice_bar(result, plane, display.level),
        "regions": regions(lesions[:LISTED], plane, sides),
    }  # fmt: skip


def slice_bar(result: Result, plane: Plane, level: int) -> dict | None:
    """Where the finding lies along the slices: a drawing of one unit a slice, and in words."""
    if plane.shape[0] == 1 or not result.slices:
        return None
    gone = gaps(result.image, plane)
    px, top = (result.slices[name][plane.axes[0]] for name in ("px", "top"))
    inside = [index for index, highest in enumerate(top) if highest >= level]
    most = max(px) or 1
    tall = [max(BAR_LEAST, round(BAR_HEIGHT * px[index] / most)) for index in inside]
    return {
        "path": "".join(
            f"M{index} {BAR_HEIGHT}v-{height}h1v{height}z"
            for index, height in zip(inside, tall, strict=True)
        ),
        "first": inside[0] + 1 if inside else None,
        "last": inside[-1] + 1 if inside else None,
        "count": len(inside),
        "gone": "".join(f"M{index} 0v{BAR_HEIGHT}h1v-{BAR_HEIGHT}z" for index in gone),
        "gone_words": ranges_of(gone),
    }


def gaps(image: Image, plane: Plane) -> list[int]:
    """Return the slices of `plane` that were never sent; across them there is none to point at."""
    return list(image.facts.get("missing") or []) if plane.axes[0] == 0 else []


def ranges_of(indices: list[int]) -> str:
    """Write slices counted from 1 as 4, 7–9."""
    found: list[list[int]] = []
    for index in sorted(indices):
        if found and index == found[-1][-1] + 1:
            found[-1].append(index)
        else:
            found.append([index])
    return ", ".join(
        f"{one[0] + 1}–{one[-1] + 1}" if len(one) > 1 else f"{one[0] + 1}" for one in found
    )


def regions(lesions: list[Lesion], plane: Plane, sides: Sides | None) -> list[dict]:
    """The lesions in order, each with its place and the slice of `plane`, counted from 1."""
    depth, *shape = plane.shape
    found = []
    for one in lesions:
        z, *at = plane.point(one.facts["centroid"])
        number = round(z) + 1
        place = place_words(at, shape, sides, number=number if depth > 1 else None)
        found.append(
            {"facts": one.facts, "position": one.position, "slice": number, "place": place}
        )
    return found


def plane_config(result: Result, display: Display, maps: set[str], lesions: list[Lesion]) -> dict:
    """What the browser needs to draw and leaf through one plane; no identity."""
    plane, image = display.plane, result.image
    return image_config(image, plane) | {
        "map": map_address(result, plane, display.map),
        "spread": map_address(result, plane, display.spread) if display.spread in maps else None,
        "slice": display.slice,
        "bar": {name: result.slices[name][plane.axes[0]] for name in ("px", "top")}
        if plane.shape[0] > 1 and result.slices
        else None,
        "lesions": [
            {"label": one.facts["label"], "centroid": plane.point(one.facts["centroid"]),
             "box": plane.box(one.facts["box"]), "px": one.facts["px"]} for one in lesions
        ],
    }  # fmt: skip


def image_config(image: Image, plane: Plane) -> dict:
    """What the browser needs to draw the picture alone in one plane; nothing of any result."""
    facts = image.facts
    depth, height, width = plane.shape
    return {
        "pixels": image_address(image, plane),
        "depth": depth,
        "height": height,
        "width": width,
        "pixel": plane.pixel,
        "dtype": image.dtype,
        "slope": facts.get("slope", 1),
        "intercept": facts.get("intercept", 0),
        "minimum": facts["minimum"],
        "maximum": facts["maximum"],
        "unit": facts.get("unit", ""),
        "spacing": pixel_spacing(image, plane),
        "spacingKind": facts.get("spacing_kind", "none"),
        "lesions": [],
    }


def pixel_spacing(image: Image, plane: Plane) -> tuple[float, float] | None:
    """Return the (row, column) spacing of a plane in mm; None: pixels only."""
    return plane.pixel if image.facts.get("spacing_mm") else None


def image_address(image: Image, plane: Plane) -> str:
    if image.depth == 1:
        return reverse("imaging:image-pixels", args=[image.pk])
    return _without_number(reverse("imaging:image-slice", args=[image.pk, plane.name, 1]))


def map_address(result: Result, plane: Plane, name: str) -> str:
    if name == EDITED:
        return edited_address(edited_review(result), plane)
    if result.image.depth == 1:
        return reverse("imaging:result-map", args=[result.pk, name])
    address = reverse("imaging:result-map-slice", args=[result.pk, name, plane.name, 1])
    return _without_number(address)


def edited_address(review: Review, plane: Plane) -> str:
    """Where the slices of an edited mask lie, 0 or 255."""
    address = reverse("imaging:review-mask-slice", args=[review.pk, plane.name, 1])
    return _without_number(address) if review.result.image.depth > 1 else address


def _without_number(address: str) -> str:
    """The address of any slice but for its number, which the browser puts at the end."""
    return address.removesuffix("1/")
