"""How large a region is: percent, square millimetres, millilitres; stdlib only."""

from __future__ import annotations

from math import ceil

from imaging.types import Volume

MM3_PER_ML = 1000
MIN_PX, MIN_SHARE, MIN_VOXELS = 12, 5e-5, 27

NO_SPACING = "The pixel size in millimetres is not known."
AT_DETECTOR = "The pixel size is known at the detector plane only, so sizes are given in pixels."
NO_AFFINE = "The places of the slices are not known."
UNEVEN = "The slices lie at uneven distances."
GAPS = "Slices are missing."
IS_VOLUME = "A volume is measured in millilitres."
IS_PICTURE = "A single picture has no volume."


def area_hundredths(px: int, reference_px: int) -> int:
    """Return 100·100·px/reference_px rounded half up, in whole numbers only.

    Pixels in, hundredths of a percent out: (20000 n + N) // (2 N). Raises
    ValueError unless 0 <= n <= N and N > 0. Source: MEASURES §5.
    """
    if not 0 <= px <= reference_px or reference_px == 0:
        raise ValueError(f"{px} of {reference_px} pixels is no share.")
    return (20_000 * px + reference_px) // (2 * reference_px)


def area_text(hundredths: int, px: int) -> str:
    """Return the affected area as it is printed: "27.31 %", or "<0.01 %" for a trace."""
    if px > 0 and hundredths == 0:
        return "<0.01 %"
    return f"{hundredths // 100}.{hundredths % 100:02d} %"


def is_volume(volume: Volume) -> bool:
    """Return whether the image has more than one slice."""
    return bool(volume.array.shape[0] > 1)


def pixel_mm2(volume: Volume) -> float | None:
    """Return row spacing times column spacing in mm², None unless calibrated (MEASURES §5)."""
    if volume.spacing_kind != "calibrated" or volume.spacing_mm is None:
        return None
    return volume.spacing_mm[1] * volume.spacing_mm[2]


def pixel_mm2_reason(volume: Volume) -> str:
    """Return why there are no square millimetres."""
    at_detector = volume.spacing_kind == "detector" and volume.spacing_mm is not None
    return AT_DETECTOR if at_detector else NO_SPACING


def voxel_ml(volume: Volume) -> float | None:
    """Return |det A| / 1000, A the 3×3 of the affine in mm; None as `voxel_ml_reason` says.

    A slice thickness never enters. Raises ValueError for an affine that is singular.
    """
    if volume.affine is None or voxel_ml_reason(volume):
        return None
    (a, b, c), (d, e, f), (g, h, i) = (row[:3] for row in volume.affine[:3])
    det = abs(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g))
    if not 0 < det < float("inf"):
        raise ValueError("The affine of this volume is singular: its voxels have no size.")
    return det / MM3_PER_ML


def voxel_ml_reason(volume: Volume) -> str:
    """Return why the voxels of a volume have no millilitres, "" where they have (MEASURES §5)."""
    if volume.affine is None or volume.spacing_kind == "none":
        return NO_AFFINE
    if volume.uneven:
        return UNEVEN
    return GAPS if volume.missing else ""


def min_size_px(shape: tuple[int, int, int], min_size: int | float | None = None) -> int:
    """Return the smallest lesion in pixels; what is below is a speck.

    `min_size` is a whole number of pixels, or a share of the image below 1;
    None: max(12 px, 5e-5 of the image), 27 voxels in a volume. Raises
    ValueError for anything else. Source: MEASURES §6.
    """
    total = shape[0] * shape[1] * shape[2]
    if min_size is None:
        return MIN_VOXELS if shape[0] > 1 else max(MIN_PX, ceil(total * MIN_SHARE - 1e-9))
    if 0 < min_size < 1:
        return max(1, ceil(total * min_size - 1e-9))
    if isinstance(min_size, bool) or not min_size >= 0 or min_size != int(min_size):
        raise ValueError(
            f"The smallest lesion is a whole number of pixels or a share below 1, not {min_size}."
        )
    return max(1, int(min_size))


def spacing_2d(volume: Volume) -> tuple[float, float]:
    """Return (row, column) spacing, or (1, 1): enough for the shape of a pixel."""
    return (1.0, 1.0) if volume.spacing_mm is None else volume.spacing_mm[1:]


def voxel_sides(volume: Volume) -> tuple[tuple[float, float, float], str]:
    """Return the sides (z, y, x) of one voxel and their unit: mm when calibrated, else 1 px."""
    if volume.spacing_kind == "calibrated" and volume.spacing_mm is not None:
        return volume.spacing_mm, "mm"
    return (1.0, 1.0, 1.0), "px"
