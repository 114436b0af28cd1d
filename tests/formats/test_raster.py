"""PNG, JPEG and TIFF: every colour model as grey, every broken file as a sentence."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageOps

from imaging.formats.budgets import Budgets
from tests.formats import factories as make

GREY = make.ramp()
GREY16 = make.ramp(dtype=np.uint16, top=65_535)
RGB = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], axis=-1)
LUMINANCE = np.floor(RGB @ [0.299, 0.587, 0.114] + 0.5)


def image(array: np.ndarray, mode: str | None = None) -> Image.Image:
    made = Image.fromarray(array)
    return made.convert(mode) if mode else made


@pytest.mark.parametrize(("kind", "ending"), [("PNG", "png"), ("TIFF", "tif"), ("JPEG", "jpg")])
def test_grey_of_8_bits(decode, kind, ending):
    decoded = decode(make.pillow_file(image(GREY), kind), f"a.{ending}")
    volume = decoded.volume
    assert decoded.format == kind.lower()
    assert (volume.array.shape, volume.array.dtype, volume.bits) == ((1, 40, 60), np.uint8, 8)
    assert volume.raster
    assert (volume.modality, volume.spacing_mm, volume.affine) == ("", None, None)
    assert np.abs(volume.array[0].astype(int) - GREY).max() <= (3 if kind == "JPEG" else 0)
    assert decoded.warnings == ()


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_grey_of_16_bits_keeps_every_value(decode, kind):
    volume = decode(make.pillow_file(image(GREY16), kind)).volume
    assert (volume.array.dtype, volume.bits) == (np.uint16, 16)
    assert np.array_equal(volume.array[0], GREY16)


@pytest.mark.parametrize(
    "made",
    [
        image(RGB),
        image(np.dstack([RGB, np.full(GREY.shape, 255, np.uint8)])),
        image(RGB).convert("RGB"),
    ],
)
def test_colour_becomes_luminance_and_says_so(decode, made):
    decoded = decode(make.pillow_file(made, "PNG"))
    assert np.abs(decoded.volume.array[0] - LUMINANCE).max() <= 1
    assert decoded.warnings == ("Colour was turned to grey.",)


def test_primaries_have_the_weights_of_the_measures(decode):
    primaries = np.eye(3, dtype=np.uint8)[None] * 255
    assert decode(make.png_file(primaries)).volume.array.tolist() == [[[76, 150, 29]]]


def test_a_colour_file_without_colour_warns_of_nothing(decode):
    decoded = decode(make.png_file(np.stack([GREY] * 3, axis=-1)))
    assert np.array_equal(decoded.volume.array[0], GREY)
    assert decoded.warnings == ()


def test_palette_is_looked_up(decode):
    palette = image(RGB).quantize(16)
    expected = np.asarray(palette.convert("RGB").convert("L"))
    decoded = decode(make.pillow_file(palette, "PNG"))
    assert np.array_equal(decoded.volume.array[0], expected)
    assert decoded.header.photometric == "P"


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk(decode, kind):
    decoded = decode(make.pillow_file(image(RGB).convert("CMYK"), kind))
    tolerance = 12 if kind == "JPEG" else 1
    assert np.abs(decoded.volume.array[0] - LUMINANCE).max() <= tolerance
    assert decoded.header.photometric == "CMYK"


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_one_bit_is_black_and_white(decode, kind):
    decoded = decode(make.pillow_file(image(GREY).convert("1", dither=0), kind))
    assert np.array_equal(decoded.volume.array[0], np.where(GREY > 127, 255, 0))
    assert (decoded.volume.bits, decoded.header.photometric) == (1, "1-bit")


def test_transparency_is_laid_on_black(decode):
    alpha = np.full(GREY.shape, 255, np.uint8)
    alpha[:10] = 0
    made = image(np.dstack([RGB, alpha]))
    for mode in ("RGBA", "LA"):
        decoded = decode(make.pillow_file(made.convert(mode), "PNG"))
        assert (decoded.volume.array[0, :10] == 0).all()
        assert np.abs(decoded.volume.array[0, 10:] - LUMINANCE[10:]).max() <= 1
        assert "Transparent parts were laid on black." in decoded.warnings


def test_colour_of_16_bits_is_reduced_and_says_so(decode):
    header = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    row = b"\x00" + struct.pack(">6H", *[0x8000] * 3, *[0xFFFF] * 3)
    data = b"\x89PNG\r\n\x1a\n" + make.png_chunk(b"IHDR", header)
    data += make.png_chunk(b"IDAT", zlib.compress(row)) + make.png_chunk(b"IEND", b"")
    decoded = decode(data)
    assert decoded.volume.array.tolist() == [[[128, 255]]]
    assert "16 bits was reduced to 8" in decoded.warnings[0]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_exif_turns_the_picture(decode, kind, orientation):
    # a picture that Pillow itself turns the same way
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = make.pillow_file(image(GREY), kind, exif=exif)
    with Image.open(BytesIO(data)) as opened:
        expected = np.asarray(ImageOps.exif_transpose(opened))
    assert np.array_equal(decode(data).volume.array[0], expected)


def test_orientation_6_brings_the_left_column_to_the_top(decode):
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = decode(make.pillow_file(image(GREY), "PNG", exif=exif)).volume.array[0]
    assert turned.shape == (60, 40)
    assert np.array_equal(turned[0], GREY[::-1, 0])


# --- TIFF


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_tiff_compressions(decode, compression):
    decoded = decode(make.tiff_file(GREY16, compression=compression))
    assert np.array_equal(decoded.volume.array[0], GREY16)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_tiff_of_32_bits(decode, dtype):
    values = (GREY.astype(dtype) - 100) * 3
    decoded = decode(make.tiff_file(values))
    assert np.array_equal(decoded.volume.array[0], values)
    assert decoded.volume.bits == 32


def test_the_first_page_is_read_and_the_others_are_named(decode):
    pages = [image(GREY), image(255 - GREY), image(GREY)]
    data = make.pillow_file(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    decoded = decode(data)
    assert np.array_equal(decoded.volume.array[0], GREY)
    assert decoded.warnings == ("Only the first of 3 pages was read.",)


@pytest.mark.parametrize("array", [GREY, GREY16])
def test_white_is_zero_is_turned(decode, array):
    one, zero = (struct.pack("<HHIHH", 262, 3, 1, value, 0) for value in (1, 0))
    decoded = decode(make.tiff_file(array).replace(one, zero))
    assert np.array_equal(decoded.volume.array[0], np.iinfo(array.dtype).max - array)


def test_not_a_number_is_refused(refusal):
    values = GREY.astype(np.float32)
    values[3, 3] = np.nan
    assert refusal(make.tiff_file(values)).code == "not-finite"


def tiff_with(entries: list[tuple[int, int, int, int]], follow: int = 0) -> bytes:
    """Return a little-endian TIFF of one directory and some bytes of pixels."""
    body = struct.pack("<H", len(entries))
    body += b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\x00\x08\x00\x00\x00" + body + struct.pack("<I", follow) + bytes(64)


SMALL = [(256, 3, 1, 8), (257, 3, 1, 8), (258, 3, 1, 8), (262, 3, 1, 1), (273, 4, 1, 8)]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (tiff_with([*SMALL, (279, 4, 1, 64)], follow=8), "tiff-pages"),
        (tiff_with([(256, 4, 1, 60_000), (257, 4, 1, 60_000)]), "too-many-pixels"),
        (tiff_with([(256, 3, 1, 0), (257, 3, 1, 8)]), "no-pixels"),
        (tiff_with([*SMALL, (279, 4, 1, 1 << 30)]), "tiff-truncated"),
        (tiff_with([*SMALL, (700, 7, 1 << 31, 8)]), "tiff-truncated"),
        (tiff_with([*SMALL, (322, 4, 1, 65_535), (323, 4, 1, 65_535)]), "tiff-damaged"),
        (tiff_with([*SMALL, (277, 3, 1, 3)]), "tiff-damaged"),
        (tiff_with([*SMALL, (277, 3, 1, 7)]), "tiff-unsupported"),
        (tiff_with([*SMALL, (259, 3, 1, 34_712)]), "tiff-compression"),
        (tiff_with([*SMALL], follow=90_000), "tiff-truncated"),
        (b"II*\x00\x00\x00\x00\x00" + bytes(40), "tiff-damaged"),
        (b"II*\x00\x08\x00", "tiff-truncated"),
    ],
)
def test_a_hostile_directory_is_refused(refusal, data, code):
    assert refusal(data, "a.tif").code == code


def test_ten_thousand_pages_are_refused(refusal):
    count = 10_001
    pages = b"".join(
        struct.pack("<HHHIII", 1, 256, 3, 1, 8, 8 + 18 * (i + 1)) for i in range(count)
    )
    assert refusal(b"II*\x00\x08\x00\x00\x00" + pages + bytes(20), "a.tif").code == "tiff-pages"


# --- broken


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 0.99])
def test_a_cut_file_is_refused(refusal, kind, share):
    noise = np.random.default_rng(5).integers(0, 256, (64, 64), dtype=np.uint8)
    options = {"compression": "tiff_lzw"} if kind == "TIFF" else {}
    data = make.pillow_file(image(noise), kind, **options)
    answer = refusal(data[: int(len(data) * share)], f"a.{kind.lower()}")
    assert answer.code in (f"{kind.lower()}-truncated", f"{kind.lower()}-damaged")
    assert "“a." in answer.sentence


@pytest.mark.parametrize("missing", [1, 2])
def test_a_jpeg_without_its_last_bytes_is_refused(refusal, missing):
    assert refusal(make.jpeg_file()[:-missing]).code == "jpeg-truncated"


def test_a_flipped_bit_in_a_png_is_found_by_its_checksum(refusal):
    data = bytearray(make.png_file())
    data[len(data) // 2] ^= 4
    assert refusal(bytes(data)).code == "png-damaged"


@pytest.mark.parametrize("size", [(13_000, 13_000), (50_000, 50_000)])
def test_a_small_file_with_too_many_pixels_is_refused_before_decoding(refusal, size):
    head = make.png_of_zeros(13_000, 13_000) if size[0] == 13_000 else make.png_of_zeros(8, 8)
    data = head[:16] + struct.pack(">II", *size) + head[24:]
    assert len(data) < 25_000
    answer = refusal(data, "big.png")
    assert answer.code == "too-many-pixels"
    assert "at most 64 megapixels" in answer.sentence


def test_a_jpeg_that_claims_too_many_pixels_is_refused(refusal):
    data = bytearray(make.jpeg_file())
    start = data.index(b"\xff\xc0")
    data[start + 5 : start + 9] = struct.pack(">HH", 65_500, 65_500)
    assert refusal(bytes(data)).code == "too-many-pixels"


def test_a_jpeg_of_12_bits_is_refused(refusal):
    data = bytearray(make.jpeg_file())
    data[data.index(b"\xff\xc0") + 4] = 12
    assert refusal(bytes(data)).code == "jpeg-unsupported"


def test_a_jpeg_of_countless_scans_is_refused(refusal):
    data = make.jpeg_file(progressive=True)
    start = data.index(b"\xff\xda")
    stop = data.index(b"\xff", start + 14)
    bomb = data[:start] + data[start:stop] * 200 + data[stop:]
    assert refusal(bomb).code == "jpeg-damaged"


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (b"zTXt", b"Comment\x00\x00" + zlib.compress(bytes(40 << 20), 9)),
        (b"iCCP", b"profile\x00\x00" + zlib.compress(bytes(40 << 20), 9)),
        (b"iTXt", b"Comment\x00\x01\x00\x00\x00" + zlib.compress(bytes(40 << 20), 9)),
    ],
)
def test_metadata_that_inflates_without_end_is_refused(refusal, kind, content):
    assert refusal(make.png_with_chunk(kind, content)).code == "png-metadata-bomb"


def test_plain_metadata_is_left_out_and_harms_nothing(decode):
    for kind, content in ((b"tEXt", b"Author\x00x"), (b"iCCP", b"p\x00\x00not zlib")):
        assert np.array_equal(decode(make.png_with_chunk(kind, content)).volume.array[0], GREY)


def test_an_animated_png_is_refused(refusal):
    answer = refusal(make.animated_file("PNG"), "a.png")
    assert answer.code == "png-animated"
    assert "Save the one picture you need" in answer.sentence


@pytest.mark.parametrize("data", [make.png_file(), make.jpeg_file()])
def test_what_hides_behind_a_picture_is_refused_or_left_out(decode, refusal, data):
    assert refusal(data + b"PK\x03\x04rest of an archive").code == "hidden-content"
    assert decode(data + bytes(16)).warnings == ()
    assert decode(data + b"camera trailer").warnings == (
        "14 bytes behind the picture were left out.",
    )


def test_a_png_whose_pixels_are_too_few_is_damaged(refusal):
    header = struct.pack(">IIBBBBB", 20, 20, 8, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + make.png_chunk(b"IHDR", header)
    data += make.png_chunk(b"IDAT", zlib.compress(bytes(50))) + make.png_chunk(b"IEND", b"")
    assert refusal(data).code == "png-damaged"


def test_a_budget_of_pixels_holds_for_every_kind(refusal):
    small = Budgets(raster_pixels=40 * 60 - 1)
    for data in (make.png_file(), make.jpeg_file(), make.tiff_file()):
        assert refusal(data, "a", small).code == "too-many-pixels"
