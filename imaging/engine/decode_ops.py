"""What the decode child can do: read one file that nobody trusts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imaging.engine.records import header_to_json, pixels_write, volume_to_json
from imaging.engine.serving import Progress
from imaging.formats.describing import describe
from imaging.formats.reading import read
from imaging.formats.thumbnail import make_thumbnail

PIXELS, THUMBNAIL = "pixels.raw", "thumb.png"


def decode(args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Write pixels and thumbnail of the file at `path` into `out_dir`; return all the rest.

    Raises: Refused.
    """
    decoded = read(Path(args["path"]), args["name"])
    folder = Path(args["out_dir"])
    told = pixels_write(folder / PIXELS, decoded.volume.array)
    (folder / THUMBNAIL).write_bytes(make_thumbnail(decoded.volume))
    return {
        "image": {
            "format": decoded.format,
            "pixels": PIXELS,
            **told,
            "thumbnail": THUMBNAIL,
            "volume": volume_to_json(decoded.volume),
            "header": header_to_json(decoded.header),
            "warnings": list(decoded.warnings),
            "description": describe(decoded),
        }
    }


OPS = {"decode": decode}
