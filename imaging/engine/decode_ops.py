"""What the decode child can do: read one file that nobody trusts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imaging.engine.deidentify_op import deidentify
from imaging.engine.dicom_op import compose
from imaging.engine.instance_op import describe_instances, unpack_frames
from imaging.engine.logo_op import redraw_logo
from imaging.engine.mask_op import read_mask
from imaging.engine.records import header_to_json, pixels_write, volume_to_json
from imaging.engine.serving import Progress
from imaging.formats.describing import describe
from imaging.formats.reading import read
from imaging.formats.thumbnail import make_thumbnail
from imaging.types import Decoded

PIXELS, THUMBNAIL, ENTRIES = "pixels.raw", "thumb.png", "entries.json"


def decode(args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Write pixels and thumbnail of the file at `path` into `out_dir`; return all the rest.

    Raises: Refused.
    """
    first = args.get("first_volume") is True
    decoded = read(Path(args["path"]), args["name"], first_volume=first)
    return {"image": _written(decoded, Path(args["out_dir"]), PIXELS, THUMBNAIL)}


def decode_series(args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Stack `files`, names in `out_dir`, of one series; write each image's pixels and thumbnail.

    An image names its files in the order of its slices; a refusal names those it is about. Each
    file is named once at least.
    """
    from imaging.formats.dicom.series import read_series

    folder = Path(args["out_dir"])
    images: list[dict[str, Any]] = []
    refused: dict[tuple[str, str], set[int]] = {}
    for found in read_series([folder / name for name in args["files"]]):
        if found.decoded is not None:
            names = [f"{len(images)}-{name}" for name in (PIXELS, THUMBNAIL)]
            told = _written(found.decoded, folder, *names)
            images.append({**told, "files": list(found.files), "uids": list(found.uids)})
            progress("images", len(images), len(images))
        elif found.refused is not None:
            reason = (found.refused.code, found.refused.sentence)
            refused.setdefault(reason, set()).update(found.files)
    return {"images": images, "refused": _of_none(images, refused)}


def survey(args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Say to which series the DICOM file at `path` belongs, or what a DICOMDIR lists.

    Raises: Refused.
    """
    from imaging.formats.dicom.identity import identify

    found = identify(Path(args["path"]))
    listed = None if found.listed is None else list(found.listed)
    return {"series": found.series, "listed": listed}


def unpack_archive(args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Write the files of the archive at `path` into `out_dir`, and their list beside them.

    Raises: Refused.
    """
    from imaging.formats.archive import unpack

    folder, entries = Path(args["out_dir"]), []
    for entry in unpack(Path(args["path"]), folder):
        refused = entry.refused
        entries.append(
            {
                "name": entry.name,
                "file": entry.path.name if entry.path else None,
                "code": refused.code if refused else "",
                "sentence": refused.sentence if refused else "",
            }
        )
        if len(entries) % 100 == 0:
            progress("files", len(entries), len(entries))
    (folder / ENTRIES).write_text(json.dumps(entries), encoding="ascii")
    return {"entries": ENTRIES, "count": len(entries)}


def _of_none(
    images: list[dict[str, Any]], refused: Mapping[tuple[str, str], set[int]]
) -> list[dict[str, Any]]:
    """Return the refusals of files that are in no image; of the others the images are told."""
    answers = []
    for (code, sentence), files in refused.items():
        hosts = [image for image in images if files & set(image["files"])]
        for image in hosts:
            image["warnings"].append(f"A part was left out. {sentence}")
        rest = files.difference(*(image["files"] for image in hosts))
        if rest:
            answers.append({"code": code, "sentence": sentence, "files": sorted(rest)})
    return answers


def _written(decoded: Decoded, folder: Path, pixels: str, thumbnail: str) -> dict[str, Any]:
    told = pixels_write(folder / pixels, decoded.volume.array)
    (folder / thumbnail).write_bytes(make_thumbnail(decoded.volume))
    return {
        "format": decoded.format,
        "pixels": pixels,
        **told,
        "thumbnail": thumbnail,
        "volume": volume_to_json(decoded.volume),
        "header": header_to_json(decoded.header),
        "warnings": list(decoded.warnings),
        "description": describe(decoded),
    }


OPS = {
    "compose": compose,
    "decode": decode,
    "decode_series": decode_series,
    "deidentify": deidentify,
    "describe_instances": describe_instances,
    "read_mask": read_mask,
    "redraw_logo": redraw_logo,
    "survey": survey,
    "unpack_archive": unpack_archive,
    "unpack_frames": unpack_frames,
}
