"""A logo is drawn anew within its bounds, or refused by name."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from imaging.engine.answers import BadAnswer, check_answer
from imaging.engine.logo_op import LOGO, redraw_logo
from imaging.formats.logo import PRINTED, read_logo
from imaging.types import Refused


def encoded(image: Image.Image, kind="PNG", **how) -> bytes:
    sink = io.BytesIO()
    image.save(sink, kind, **how)
    return sink.getvalue()


def read(folder, data: bytes, name="logo.png") -> Image.Image:
    (folder / "sent").write_bytes(data)
    made = read_logo(folder / "sent", name)
    image = Image.open(io.BytesIO(made))
    assert (image.format, image.mode) == ("PNG", "RGB")
    return image


def test_what_is_clear_is_printed_white_and_colour_stays(tmp_path):
    drawn = Image.new("RGBA", (40, 20), (0, 0, 0, 0))
    drawn.paste((200, 10, 20, 255), (0, 0, 20, 20))
    made = np.asarray(read(tmp_path, encoded(drawn)))
    assert made[5, 5].tolist() == [200, 10, 20]
    assert made[5, 35].tolist() == [255, 255, 255]


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "I;16", "CMYK"])
def test_each_kind_of_picture_is_taken(tmp_path, mode):
    kind = "JPEG" if mode == "CMYK" else "PNG"
    array = np.zeros((30, 30), np.uint16)
    array[:, 15:] = 65_535
    picture = Image.fromarray(array) if mode == "I;16" else Image.fromarray(
        (array // 257).astype(np.uint8)
    ).convert("L" if mode == "P" else mode).convert(mode)  # fmt: skip
    made = np.asarray(read(tmp_path, encoded(picture, kind), f"logo.{kind.lower()}"))
    assert made[15, 3].max() < 12
    assert made[15, 27].min() > 243


def test_it_is_turned_as_the_camera_says_and_its_words_are_dropped(tmp_path):
    drawn = Image.new("RGB", (60, 30), "white")
    drawn.paste((0, 0, 0), (0, 0, 30, 30))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a patient's name"
    data = encoded(drawn, "JPEG", exif=exif, quality=95)
    made = read(tmp_path, data, "logo.jpg")
    assert made.size == (30, 60)
    assert np.asarray(made)[10, 15].max() < 40  # the left half came to lie on top
    assert not made.info
    assert b"patient" not in read_logo(tmp_path / "sent", "logo.jpg")


def test_a_large_one_is_made_as_small_as_it_is_printed(tmp_path):
    made = read(tmp_path, encoded(Image.new("RGB", (2000, 500), "navy")))
    assert made.size == (1000, 250)
    assert made.width <= PRINTED[0]


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (encoded(Image.new("RGB", (20, 20)), "GIF"), "logo.gif", "logo.gif"),
        (encoded(Image.new("L", (20, 20)), "TIFF"), "logo.tif", "no PNG and no JPEG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", "logo.svg", "logo.svg"),
        (encoded(Image.new("RGB", (15, 40))), "logo.png", "smaller than 16 pixels"),
        (encoded(Image.new("L", (2100, 2100))), "logo.png", "logo.png"),  # above 4 megapixels
        (encoded(Image.new("RGB", (99, 99), "red"))[:-30], "logo.png", "logo.png"),
        (bytes(2 << 20), "logo.png", "logo.png"),
    ],
)
def test_what_is_no_such_picture_is_refused_by_name(tmp_path, data, name, words):
    (tmp_path / "sent").write_bytes(data)
    with pytest.raises(Refused) as refused:
        read_logo(tmp_path / "sent", name)
    assert words in refused.value.sentence
    assert name in refused.value.sentence


def test_the_parent_believes_a_small_png_alone(tmp_path):
    (tmp_path / "sent").write_bytes(encoded(Image.new("RGB", (40, 40), "navy")))
    args = {"path": str(tmp_path / "sent"), "name": "logo.png", "out_dir": str(tmp_path)}
    answer = redraw_logo(args, lambda *told: None)
    assert check_answer("redraw_logo", answer, args) == {"logo": LOGO}
    for content in (b"GIF89a", b"", b"\x89PNG\r\n\x1a\n" + bytes(3 << 20)):
        (tmp_path / LOGO).write_bytes(content)
        with pytest.raises(BadAnswer):
            check_answer("redraw_logo", answer, args)
    with pytest.raises(BadAnswer):
        check_answer("redraw_logo", {"logo": "../sent"}, args)
