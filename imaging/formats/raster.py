"""PNG, JPEG and TIFF pictures as one grey slice: structure first, then Pillow."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from imaging.formats.budgets import Budgets
from imaging.formats.decoding import decoding
from imaging.formats.jpeg_file import check_jpeg
from imaging.formats.picture import Picture
from imaging.formats.png_file import check_png
from imaging.formats.sniffing import THIS, check_raster_size
from imaging.formats.tiff_file import check_tiff
from imaging.types import Decoded, Header, Refused, Volume

_CHECKS: dict[str, Callable[[BinaryIO, Budgets], Picture]] = {
    "png": check_png,
    "jpeg": check_jpeg,
    "tiff": check_tiff,
}
_WORDS = {"1": "1-bit", "L": "grey", "I;16": "grey", "I;16B": "grey", "I": "grey", "F": "grey"}
# how EXIF orientation n becomes 1: (transposed first, then which axes are flipped)
_TURNS: dict[int, tuple[bool, tuple[int, ...]]] = {
    2: (False, (1,)),
    3: (False, (0, 1)),
    4: (False, (0,)),
    5: (True, ()),
    6: (True, (1,)),
    7: (True, (0, 1)),
    8: (True, (0,)),
}


def read_raster(path: Path, kind: str, budgets: Budgets) -> Decoded:
    """Return the first picture of the file in grey, turned as its EXIF says; raises Refused."""
    with path.open("rb") as file:
        picture = _CHECKS[kind](file, budgets)
        check_raster_size(THIS, picture.width, picture.height, budgets)
        with decoding(kind, kind.upper()):
            array, photometric, remarks = _decode(picture, kind, budgets)
    return Decoded(
        format=kind,
        volume=Volume(
            array=np.ascontiguousarray(array)[None],
            bits=1 if photometric == "1-bit" else 8 * array.dtype.itemsize,
            raster=True,
        ),
        header=Header(photometric=photometric),
        warnings=(*picture.warnings, *remarks),
    )


def _decode(picture: Picture, kind: str, budgets: Budgets) -> tuple[NDArray[Any], str, list[str]]:
    """Return (grey, colour model, remarks)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's remarks on broken metadata
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        Image.MAX_IMAGE_PIXELS = budgets.raster_pixels
        picture.stream.seek(0)
        with Image.open(picture.stream, formats=(kind.upper(),)) as image:
            # sorted, since Pillow has turned a TIFF by now
            if sorted(image.size) != sorted((picture.width, picture.height)):
                raise ValueError(f"Pillow sees {image.size}")
            image.load()
            photometric = _WORDS.get(image.mode, image.mode)
            array, remarks = _grey(image, picture)
    return _turn(array, picture.orientation), photometric, remarks


def _grey(image: Image.Image, picture: Picture) -> tuple[NDArray[Any], list[str]]:
    """Return (grey, remarks) of a loaded picture of any mode."""
    if image.mode == "1":
        return np.asarray(image.convert("L")), []
    if image.mode in ("L", "I", "F") or image.mode.startswith("I;16"):
        return _plain(np.asarray(image), picture), []
    remarks = []
    if picture.bits > 8:
        remarks.append(f"Colour or transparency of {picture.bits} bits was reduced to 8 bits.")
    if image.has_transparency_data:
        image, is_clear = _on_black(image)
        remarks += ["Transparent parts were laid on black."] if is_clear else []
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    if _has_colour(rgb):
        remarks.append("Colour was turned to grey.")
    # Pillow's "L" is 0.299 R + 0.587 G + 0.114 B in 16-bit fractions, rounded half up
    return np.asarray(rgb.convert("L")), remarks


def _plain(array: NDArray[Any], picture: Picture) -> NDArray[Any]:
    """Return grey of one sample in an allowed type, white being large."""
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise Refused(
            "not-finite",
            "This file holds pixels that are not numbers (NaN or infinite). Export it again.",
        )
    if array.dtype == np.int32 and picture.bits == 32 and array.min() < 0 and picture.is_unsigned:
        raise Refused(
            "tiff-unsupported",
            "This file holds pixel values above 31 bits. Save it in grey of 8 or 16 bits.",
        )
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    return np.iinfo(array.dtype).max - array if picture.is_negative else array


def _on_black(image: Image.Image) -> tuple[Image.Image, bool]:
    """Return the picture without transparency, and whether any of it was transparent."""
    rgba = image if image.mode == "RGBA" else image.convert("RGBA")
    alpha = rgba.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return rgba.convert("RGB"), False
    flat = Image.new("RGB", image.size)
    flat.paste(rgba, mask=alpha)
    return flat, True


def _has_colour(rgb: Image.Image) -> bool:
    red, green, blue = rgb.split()
    return any(ImageChops.difference(red, other).getbbox() for other in (green, blue))


def _turn(array: NDArray[Any], orientation: int) -> NDArray[Any]:
    transposed, axes = _TURNS.get(orientation, (False, ()))
    return np.flip(array.T if transposed else array, axes)
