"""A logo that somebody sent, drawn anew for print: decoded as strictly as a picture to analyse."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

from PIL import Image

from imaging.formats.budgets import HEAD_BYTES, MIB, Budgets
from imaging.formats.decoding import decoding
from imaging.formats.jpeg_file import check_jpeg
from imaging.formats.picture import Picture
from imaging.formats.png_file import check_png
from imaging.formats.sniffing import THIS, check_raster_size, named, screen, sniff
from imaging.types import Refused

BUDGETS = Budgets(file_bytes=1 * MIB, raster_pixels=4 * MIB, inflated_bytes=64 * MIB)
PRINTED = (1000, 320)  # px, 85 by 27 mm at 300 dots an inch
SMALLEST = 16  # px of a side
_CHECKS = {"png": check_png, "jpeg": check_jpeg}
_TURNS = {  # how EXIF orientation n becomes 1
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_logo(path: Path, name: str) -> bytes:
    """Return the PNG or JPEG file at `path` as a PNG of ours, RGB on white, within PRINTED.

    Nothing of the file but its pixels is kept. Raises Refused, naming the file and the remedy.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    screen(head, name, path.stat().st_size, BUDGETS)
    try:
        return _png(_drawn(path, str(sniff(head))))
    except Refused as refused:
        raise named(refused, name) from refused


def _drawn(path: Path, kind: str) -> Image.Image:
    if kind not in _CHECKS:
        raise Refused("logo-format", "This file is no PNG and no JPEG. Save the logo as one.")
    with path.open("rb") as file:
        picture = _CHECKS[kind](file, BUDGETS)
        check_raster_size(THIS, picture.width, picture.height, BUDGETS)
        if min(picture.width, picture.height) < SMALLEST:
            raise Refused(
                "logo-small",
                f"This file is smaller than {SMALLEST} pixels on a side. Send a larger one.",
            )
        with decoding(kind, kind.upper()):
            return _on_white(picture, kind)


def _on_white(picture: Picture, kind: str) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's remarks on broken metadata
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        Image.MAX_IMAGE_PIXELS = BUDGETS.raster_pixels
        picture.stream.seek(0)
        with Image.open(picture.stream, formats=(kind.upper(),)) as opened:
            opened.load()
            image: Image.Image = opened
            if image.mode.startswith("I"):  # 16 bits of grey
                image = image.point(lambda value: value / 257).convert("L")
            image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode == "RGBA":
        flat = Image.new("RGB", image.size, "white")
        flat.paste(image, mask=image.getchannel("A"))
        image = flat
    turn = _TURNS.get(picture.orientation)
    return image if turn is None else image.transpose(turn)


def _png(image: Image.Image) -> bytes:
    image.thumbnail(PRINTED, Image.Resampling.LANCZOS)
    sink = io.BytesIO()
    image.save(sink, "PNG", optimize=True)
    return sink.getvalue()
