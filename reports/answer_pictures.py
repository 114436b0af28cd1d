"""The pictures of classes and boxes for print: where the models looked, what they framed."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from accounts.vault.storage import blob_open
from imaging import layers
from imaging.answer_page import saliency_maps
from imaging.display import default_window
from imaging.formats.window import apply_window
from imaging.models import Image, Result
from imaging.palettes import heat_over
from reports.content import Pictures

JPEG_QUALITY = 88
PRINT_SIDE = 1024


def answer_pictures(result: Result) -> Pictures:
    """Draw the original, and beside it what was looked at or framed, where anything was."""
    image = result.image
    boxes = list(result.boxes.all())
    index = boxes[0].plane if boxes else image.depth // 2
    grey = _slice(image.pixels, image, index, np.dtype(image.dtype).newbyteorder("<"))
    facts = image.facts
    grey = apply_window(grey * facts.get("slope", 1) + facts.get("intercept", 0),
                        *default_window(image))  # fmt: skip
    step = max(1, -(-max(grey.shape) // PRINT_SIDE))
    small = layers.shrink(grey, step)
    if maps := saliency_maps(result):
        name, label = next(iter(maps.items()))
        found = result.maps.select_related("blob").get(name=name)
        levels = _slice(found.blob, image, index, np.dtype(np.uint8))
        seen = heat_over(small, layers.thin(levels, step))
        return Pictures(_jpeg(small), b"", _jpeg(seen), f"Where the models looked for {label}")
    if boxes:
        framed = np.repeat(small[..., None], 3, axis=2)
        for one in boxes:
            if one.plane == index:
                _frame(framed, [value / step for value in (one.x0, one.y0, one.x1, one.y1)])
        slice_words = f", slice {index + 1}" if image.depth > 1 else ""
        return Pictures(_jpeg(small), b"", _jpeg(framed), f"Boxes{slice_words}")
    return Pictures(_jpeg(small))


def _frame(picture: NDArray[np.uint8], box: list[float]) -> None:
    """Draw the border of a box into an RGB picture."""
    height, width = picture.shape[:2]
    thick = max(1, max(height, width) // 300)
    x0, y0, x1, y1 = (round(value) for value in box)
    inner = np.zeros((height, width), bool)
    inner[max(y0, 0) : y1, max(x0, 0) : x1] = True
    core = np.zeros_like(inner)
    core[y0 + thick : max(y1 - thick, y0 + thick), x0 + thick : max(x1 - thick, x0 + thick)] = True
    picture[inner & ~core] = layers.OUTLINE


def _slice(blob, image: Image, index: int, kind: np.dtype) -> NDArray:
    length = image.height * image.width * kind.itemsize
    data = blob_open(blob).read_range(index * length, (index + 1) * length)
    return np.frombuffer(data, kind).reshape(image.height, image.width)


def _jpeg(array: NDArray[np.uint8]) -> bytes:
    sink = io.BytesIO()
    Picture.fromarray(array).save(sink, "JPEG", quality=JPEG_QUALITY)
    return sink.getvalue()
