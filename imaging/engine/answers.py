"""What the parent makes sure of before it believes a child that may have been taken over."""

from __future__ import annotations

import math
import re
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

ITEM_BYTES = {"uint8": 1, "uint16": 2, "int16": 2, "int32": 4, "float32": 4}
THUMBNAIL_BYTES = 12 * 1024
MAX_ENTRIES, LIST_BYTES = 20_000, 16 << 20
MOST_OBJECTS, OBJECT_BYTES = 5, 256 << 20
LOGO_BYTES = 2 << 20
TOLD_BYTES = 2 << 20  # of one instance: its header and where its frames lie
LONGEST_TEXT = 2000
_PLAIN_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,40}\.[a-z0-9]{1,11}")
_MODEL_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_PNG = b"\x89PNG\r\n\x1a\n"


class BadAnswer(Exception):
    """The child answered something that no honest child answers."""


def check_answer(op: str, value: Any, args: Mapping[str, Any]) -> dict[str, Any]:
    """Return `value` when it fits what `op` promises for `args`.

    Raises: BadAnswer.
    """
    _require(isinstance(value, dict), f"{op}: the answer is no object")
    try:
        _CHECKS.get(op, _nothing_more)(value, args)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, OSError) as error:
        raise BadAnswer(f"{op}: {type(error).__name__}") from None
    return value


def check_progress(message: Mapping[str, Any]) -> tuple[str, int, int]:
    """Return stage, done and total of a progress line.

    Raises: BadAnswer.
    """
    stage, done, total = (message.get(name) for name in ("stage", "done", "total"))
    sound = isinstance(stage, str) and type(done) is int and type(total) is int
    _require(sound, "a progress line")
    return stage[:200], done, total


def _check_decode(value: dict[str, Any], args: Mapping[str, Any]) -> None:
    _check_image(value["image"], Path(args["out_dir"]))


def _check_series(value: dict[str, Any], args: Mapping[str, Any]) -> None:
    count, named = len(args["files"]), set()
    for image in value["images"]:
        _check_image(image, Path(args["out_dir"]))
        _require(0 < len(set(image["files"])) == len(image["files"]), "decode_series: files")
        _require(len(image["uids"]) == len(image["files"]), "decode_series: uids")
        _require(all(isinstance(one, str) for one in image["uids"]), "decode_series: uids")
        named |= set(image["files"])
    for refused in value["refused"]:
        _require(not named & set(refused["files"]), "decode_series: a file refused and taken")
        _require(isinstance(refused["code"], str), "decode_series: code")
        _require(isinstance(refused["sentence"], str), "decode_series: sentence")
    named |= {file for refused in value["refused"] for file in refused["files"]}
    _require(named == set(range(count)), "decode_series: not every file is named")


def _check_survey(value: dict[str, Any], args: Mapping[str, Any]) -> None:
    _require(isinstance(value["series"], str), "survey: series")
    _require(isinstance(value["listed"], list | None), "survey: listed")


def _check_unpacked(value: dict[str, Any], args: Mapping[str, Any]) -> None:
    path = plain_path(Path(args["out_dir"]), value["entries"])
    _require(path.lstat().st_size <= LIST_BYTES, "unpack_archive: the list")
    _require(0 <= value["count"] <= MAX_ENTRIES, "unpack_archive: count")


def _check_composed(value: dict[str, Any], args: Mapping[str, Any]) -> None:
    names = value["files"]
    _require(0 < len(names) <= MOST_OBJECTS and len(set(names)) == len(names), "compose: files")
    for name in names:
        _require(name.endswith(".dcm"), "compose: a name")
        path = plain_path(Path(args["out_dir"]), name)
        _require(path.lstat().st_size <= OBJECT_BYTES, "compose: an object's size")
    told = value["told"]
    headers = [name.replace(".dcm", ".json") for name in names]
    _require(told in ([], headers), "compose: what is told")
    for name in told:
        size = plain_path(Path(args["out_dir"]), name).lstat().st_size
        _require(size <= TOLD_BYTES, "compose: the size of what is told")


def _check_deidentified(value: dict[str, Any], args: Mapping[str, Any]) -> None:
    names = value["files"]
    _require(len(set(names)) == len(names) == len(args["files"]), "deidentify: files")
    for name in names:
        _require(name.endswith(".dcm") and name not in args["files"], "deidentify: a name")
        plain_path(Path(args["out_dir"]), name)


def _check_told(value: dict[str, Any], args: Mapping[str, Any]) -> None:
    told = value["told"]
    _require(len(told) == len(args["files"]), "describe_instances: not every file is told")
    for name in filter(None, told):
        size = plain_path(Path(args["out_dir"]), name).lstat().st_size
        _require(size <= TOLD_BYTES, "describe_instances: the size")


def _check_unpacked_frames(value: dict[str, Any], args: Mapping[str, Any]) -> None:
    _check_file(Path(args["out_dir"]), value["frames"], args["expected"])


def _check_logo(value: dict[str, Any], args: Mapping[str, Any]) -> None:
    path = plain_path(Path(args["out_dir"]), value["logo"])
    _require(0 < path.lstat().st_size <= LOGO_BYTES, "redraw_logo: the size")
    with path.open("rb") as file:
        _require(file.read(8) == _PNG, "redraw_logo: no PNG")


def _check_image(image: dict[str, Any], folder: Path) -> None:
    shape = _shape(image["shape"])
    _check_file(folder, image["pixels"], math.prod(shape) * ITEM_BYTES[image["dtype"]])
    path = plain_path(folder, image["thumbnail"])
    _require(0 < path.lstat().st_size <= THUMBNAIL_BYTES, "the thumbnail's size")
    with path.open("rb") as file:
        _require(file.read(8) == _PNG, "the thumbnail is no PNG")
    for name, kind in {"format": str, "volume": dict, "header": dict, "warnings": list}.items():
        _require(isinstance(image[name], kind), f"decode: {name}")
    _require(all(isinstance(warning, str) for warning in image["warnings"]), "decode: warnings")


def _check_analyse(value: dict[str, Any], args: Mapping[str, Any]) -> None:
    analysis, folder = value["analysis"], Path(args["out_dir"])
    shape = _shape(analysis["shape"])
    _require(shape == list(args["shape"]), "analyse: the map lies on another grid")
    for name in map_files(analysis["maps"]):
        _check_file(folder, name, math.prod(shape))
    _require(analysis["type"] == args["spec"]["type"], "analyse: another task")
    _check_task(analysis, shape)
    asked = [member["model"] for member in args["spec"]["members"]]
    _require([m["model"] for m in analysis["members"]] == asked, "analyse: other members")


def _check_task(analysis: Mapping[str, Any], shape: Sequence[int]) -> None:
    """A map comes with its measures; classes and boxes hold possible numbers."""
    gate, measures = analysis["gate"], analysis["measures"]
    _require(gate["verdict"] in ("pass", "warn", "refuse"), "analyse: gate")
    _require(isinstance(gate["overridden"], bool), "analyse: gate")
    _require(all(_are_texts(one.values()) for one in gate["checks"]), "analyse: gate.checks")
    _require((measures is None) == (analysis["maps"]["ensemble"] is None), "analyse: measures")
    for name in ("operating", "table", "lesions") if measures is not None else ():
        kind = dict if name == "operating" else list
        _require(isinstance(measures[name], kind), f"analyse: measures.{name}")
    for one in analysis["classes"]:
        _require(_is_share(one["p"]) and _are_texts([one["label"]]), "analyse: classes")
    for one in analysis["boxes"]:
        _require(_is_share(one["score"]) and _are_texts([one["label"]]), "analyse: boxes")
        _check_box(one["box"], one["slice"], shape)


def _check_box(box: Sequence[float], plane: int, shape: Sequence[int]) -> None:
    x0, y0, x1, y1 = box
    depth, height, width = shape
    _require(0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height, "analyse: a box outside the image")
    _require(type(plane) is int and 0 <= plane < depth, "analyse: a box on no slice")


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1


def _are_texts(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str) and len(value) <= LONGEST_TEXT for value in values)


def map_files(maps: Mapping[str, Any]) -> list[str]:
    """The files that an analysis names."""
    single = (maps["ensemble"], maps["disagreement"], maps["augmentation"])
    return [
        *(name for name in single if name is not None),
        *maps["members"].values(),
        *maps["labels"].values(),
        *maps["saliency"].values(),
    ]


def _check_without(value: dict[str, Any], args: Mapping[str, Any]) -> None:
    _check_file(Path(args["out_dir"]), value["mask"], math.prod(_shape(args["shape"])))
    _check_mask(value, args)


def _check_mask(value: dict[str, Any], args: Mapping[str, Any]) -> None:
    _require(isinstance(value["row"], dict), "measured mask: row")
    _require(isinstance(value["lesions"], list), "measured mask: lesions")
    _require(value["dice"] is None or _is_share(value["dice"]), "measured mask: dice")


def _check_devices(value: dict[str, Any], args: Mapping[str, Any]) -> None:
    _require(isinstance(value["cuda"], bool), "describe_device: cuda")
    _require(isinstance(value["devices"], list), "describe_device: devices")


def _check_convert(value: dict[str, Any], args: Mapping[str, Any]) -> None:
    model = value["model"]
    name, file = model["name"], model["file"]
    _require(_MODEL_NAME.fullmatch(name) is not None, "convert: the model's name")
    folder = Path(args["out_dir"]) / name
    _require(not folder.is_symlink(), "convert: the folder is a link")
    for one in (file, "metadata.json"):
        _require(plain_path(folder, one).lstat().st_size > 0, f"convert: {one} is empty")
    _require(all(isinstance(note, str) for note in model["notes"]), "convert: notes")
    _require(model["agreement"] is None or model["agreement"] >= 0, "convert: agreement")
    for row in model["timings"]:
        _require(isinstance(row["engine"], str) and row["ms"] >= 0, "convert: timings")
    _check_golden(model["golden"])


def _check_golden(golden: Mapping[str, Any]) -> None:
    _require(golden["outcome"] in ("passed", "failed", "none"), "golden: outcome")
    _require(_are_texts([golden["sentence"]]), "golden: sentence")
    _require(all(isinstance(v, int | float | str) for v in golden["figures"].values()), "golden")


def _check_look(value: dict[str, Any], args: Mapping[str, Any]) -> None:
    told = value["told"]
    words = [told[name] for name in ("kind", "framework", "task", "ends_in")]
    _require(_are_texts(words), "look: words")
    numbers = [told["channels"], told["dims"], told["labels"], *(told["size"] or [])]
    _require(all(n is None or (type(n) is int and 0 < n < 2**31) for n in numbers), "look: numbers")
    flags = [told[name] for name in ("is_any_size", "is_last", "needs_network")]
    _require(all(type(one) is bool for one in flags), "look: flags")


def _nothing_more(value: dict[str, Any], args: Mapping[str, Any]) -> None:
    """Other answers are read field by field by whoever asked."""


_CHECKS: dict[str, Callable[[dict[str, Any], Mapping[str, Any]], None]] = {
    "decode": _check_decode,
    "decode_series": _check_series,
    "survey": _check_survey,
    "describe_instances": _check_told,
    "unpack_archive": _check_unpacked,
    "unpack_frames": _check_unpacked_frames,
    "analyse": _check_analyse,
    "measure_mask": _check_mask,
    "measure_without": _check_without,
    "describe_device": _check_devices,
    "compose": _check_composed,
    "deidentify": _check_deidentified,
    "redraw_logo": _check_logo,
    "convert": _check_convert,
    "look": _check_look,
    "golden": lambda value, args: _check_golden(value["golden"]),
}


def _shape(shape: Sequence[int]) -> list[int]:
    sound = len(shape) == 3 and all(type(n) is int and 0 < n < 2**31 for n in shape)
    _require(sound, "the shape")
    return list(shape)


def _check_file(folder: Path, name: str, size: int) -> None:
    _require(plain_path(folder, name).lstat().st_size == size, f"the size of {name}")


def plain_path(folder: Path, name: str) -> Path:
    """The regular file `name` right inside `folder`; never a link or a path."""
    _require(isinstance(name, str) and _PLAIN_NAME.fullmatch(name) is not None, "a file's name")
    path = folder / name
    _require(stat.S_ISREG(path.lstat().st_mode), f"{name} is no file")
    return path


def _require(true: bool, what: str) -> None:
    if not true:
        raise BadAnswer(what)
