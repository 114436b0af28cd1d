"""The receipt of an upload: a line for each image that came of it, and for each other outcome."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from imaging.models import Image, ItemStatus, Upload, UploadItem
from imaging.selectors import items_told, studies_visible_to

NAMED = 200  # files of one line that are listed by name


@dataclass(slots=True)
class Line:
    """Files that ended alike: those of one image, or those refused for one reason."""

    status: str
    reason: str = ""
    image: Image | None = None
    items: list[UploadItem] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The series by its description; a single file by its name."""
        described = self.image.series.description if self.image and self.count > 1 else ""
        return described or self.items[0].name

    @property
    def about(self) -> str:
        return shape_words(self.image) if self.image else ""

    @property
    def remarks(self) -> Sequence[str]:
        return self.image.warnings if self.image else ()

    @property
    def count(self) -> int:
        return len(self.items)

    @property
    def size(self) -> int:
        return sum(item.size for item in self.items)

    @property
    def named(self) -> list[str]:
        return [item.name for item in self.items[:NAMED]]

    @property
    def unnamed(self) -> int:
        return max(0, self.count - NAMED)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of an upload, as its page shows it."""

    lines: list[Line]
    ready: list[Image]
    waiting: int
    refused: int


def receipt_of(upload: Upload) -> Receipt:
    """Return the receipt; two queries, however many files."""
    items = list(items_told().filter(upload=upload).select_related("image__series"))
    lines = _lines(items)
    ready = _images(lines)
    lines += _other_stacks(lines, ready)
    return Receipt(
        lines=lines,
        ready=ready,
        waiting=sum(item.status == ItemStatus.WAITING for item in items),
        refused=sum(item.status == ItemStatus.REFUSED for item in items),
    )


def known_told(user, receipt: Receipt) -> set[UUID]:
    """Return the studies that hold what came again, as far as `user` may open them."""
    studies = {line.image.study_id for line in receipt.lines
               if line.image and line.status == ItemStatus.DUPLICATE}  # fmt: skip
    return set(studies_visible_to(user).filter(pk__in=studies).values_list("pk", flat=True))


def shape_words(image: Image) -> str:
    """Say what an image is: "CT, 120 slices, 0.7 × 0.7 × 1 mm"."""
    spacing = image.facts.get("spacing_mm")
    if image.depth == 1:
        return _("%(kind)s, %(width)d × %(height)d px") % {
            "kind": image.kind,
            "width": image.width,
            "height": image.height,
        }
    slices = image.depth - len(image.facts.get("missing") or ())
    sides = _sides(spacing) if spacing else _("no millimetres")
    return _("%(kind)s, %(slices)d slices, %(sides)s") % {
        "kind": image.kind,
        "slices": slices,
        "sides": sides,
    }


def _sides(spacing: Sequence[float]) -> str:
    """(z, y, x) in mm, written x first as people do."""
    sides = (number_format(round(side, 2), use_l10n=True) for side in reversed(spacing))
    return _("%(sides)s mm") % {"sides": " × ".join(sides)}


def _lines(items: Iterable[UploadItem]) -> list[Line]:
    lines: dict[tuple, Line] = {}
    for item in items:
        # what waits and what was refused for one reason is one line too
        key = (item.status, item.image_id, item.reason)
        line = lines.setdefault(key, Line(item.status, item.reason, item.image))
        line.items.append(item)
    return list(lines.values())


def _images(lines: Sequence[Line]) -> list[Image]:
    """Each image once, and with an object of several stacks all of them."""
    sources = {line.image.source_id for line in lines if line.image}
    images = Image.objects.filter(source__in=sources).select_related("series")
    return list(images.order_by("created_at", "id")) if sources else []


def _other_stacks(lines: Sequence[Line], ready: Sequence[Image]) -> list[Line]:
    """Lines for the images that share their file with one that has a line."""
    shown = {line.image.pk for line in lines if line.image}
    by_source = {line.image.source_id: line for line in lines if line.image}
    others = [image for image in ready if image.pk not in shown]
    return [
        Line(by_source[image.source_id].status, "", image, by_source[image.source_id].items)
        for image in others
    ]
