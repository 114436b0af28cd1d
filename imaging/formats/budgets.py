"""How much one file may cost before it is refused (SECURITY.md §5)."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20
HEAD_BYTES = 64 * 1024  # what `sniff` and `screen` look at


@dataclass(frozen=True, slots=True)
class Budgets:
    """Upper limits for one file; a file that asks for more is refused before anything is allocated.

    inflated_bytes   counted while inflating, whatever the file says of itself.
    metadata_bytes   text, colour profiles and header values of one file.
    entries          files of one archive; together they inflate to no more than file_bytes.
    scans            scans of one progressive JPEG; each costs a pass over the whole picture.
    """

    file_bytes: int = 2048 * MIB
    raster_pixels: int = 64 * MIB
    volume_voxels: int = 256 * MIB
    inflated_bytes: int = 1024 * MIB
    metadata_bytes: int = 16 * MIB
    frames: int = 10_000
    depth: int = 32
    elements: int = 100_000
    scans: int = 100
    entries: int = 20_000

    @property
    def megapixels(self) -> int:
        return self.raster_pixels // MIB
