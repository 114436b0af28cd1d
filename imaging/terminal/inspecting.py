"""What files are, each for itself or grouped into the images that their series are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imaging.engine.answers import plain_path
from imaging.engine.client import Engine
from imaging.engine.scratch import scratch_folder
from imaging.formats.budgets import HEAD_BYTES
from imaging.formats.names import clean_name
from imaging.formats.sniffing import is_archive, named, screen, sniff
from imaging.terminal.inputs import clean_path
from imaging.terminal.progress import Meter
from imaging.terminal.work import EXPECTED, file_copied, opened, reason
from imaging.types import Refused

SURVEY_TIMEOUT_S, UNPACK_TIMEOUT_S, SERIES_TIMEOUT_S = 60, 120, 600
_ROOM_BYTES = 2 << 30
Outcome = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sent:
    """One file as it would be sent: where it lies and how it is called."""

    path: Path
    label: str


def outcomes_each(engine: Engine, files: Sequence[Path], bar: Meter) -> Iterator[Outcome]:
    """Yield what each file is for itself, as JSON."""
    for file in files:
        bar.begin(clean_path(file))
        yield _alone(engine, Sent(file, clean_path(file)))
        bar.end()


def outcomes_grouped(engine: Engine, files: Sequence[Path], bar: Meter) -> Iterator[Outcome]:
    """Yield what the files become if they are sent together: archives unpacked, series stacked."""
    series: dict[str, list[Sent]] = {}
    with ExitStack() as unpacked:
        for file in files:
            bar.begin(clean_path(file))
            for one in _listed(engine, Sent(file, clean_path(file)), unpacked):
                if not isinstance(one, Sent):
                    yield one
                elif (key := _series_of(engine, one)) is None:
                    yield _alone(engine, one)
                elif isinstance(key, str):
                    series.setdefault(key or one.label, []).append(one)
                else:
                    yield key
            bar.end()
        for together in series.values():
            yield from _together(engine, together)


def _listed(engine: Engine, sent: Sent, unpacked: ExitStack) -> Iterator[Sent | Outcome]:
    """Yield the file, or those of an archive, which stay on the disk as long as `unpacked`."""
    try:
        with sent.path.open("rb") as file:
            is_list = is_archive(file.read(HEAD_BYTES), sent.path.name)
    except OSError:
        is_list = False
    if not is_list:
        yield sent
        return
    folder = unpacked.enter_context(scratch_folder(room_bytes=_ROOM_BYTES))
    try:
        file_copied(sent.path, folder / "source")
        answer = engine.call(
            "unpack_archive",
            timeout_s=UNPACK_TIMEOUT_S,
            path=str(folder / "source"),
            out_dir=str(folder),
        )
    except EXPECTED as error:
        yield _refused(sent, error)
        return
    yield {"file": sent.label, "outcome": "listed", "count": answer["count"]}
    for entry in json.loads(plain_path(folder, answer["entries"]).read_bytes()):
        name = clean_name(str(entry["name"]))
        one = Sent(folder / name, f"{sent.label}/{name}")
        if entry["file"] is None:
            yield _refused(one, Refused(str(entry["code"]), str(entry["sentence"])))
        else:
            path = plain_path(folder, entry["file"])
            yield Sent(_called(path, name), one.label)


def _called(path: Path, name: str) -> Path:
    """Give an unpacked file its name again, in a folder of its own."""
    home = path.with_suffix("")
    home.mkdir()
    return path.rename(home / name)


def _series_of(engine: Engine, sent: Sent) -> str | Outcome | None:
    """Return the series of a DICOM slice ("": its own), an outcome, or None for another file."""
    try:
        with sent.path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        if sniff(head) != "dicom":
            return None
        screen(head, sent.path.name, sent.path.stat().st_size)
        with scratch_folder() as folder:
            file_copied(sent.path, folder / "source")
            path = str(folder / "source")
            found = engine.call("survey", timeout_s=SURVEY_TIMEOUT_S, path=path)
    except OSError:
        return None
    except EXPECTED as error:
        return _refused(sent, error)
    if found["listed"] is not None:
        return {"file": sent.label, "outcome": "listed", "count": len(found["listed"])}
    return str(found["series"])


def _alone(engine: Engine, sent: Sent) -> Outcome:
    try:
        with opened(engine, sent.path) as picture:
            return _accepted([sent], picture.record["description"])
    except EXPECTED as error:
        return _refused(sent, error)


def _together(engine: Engine, sent: Sequence[Sent]) -> Iterator[Outcome]:
    """Yield the images of one series, then the files that are in none."""
    room = _ROOM_BYTES + sum(one.path.stat().st_size for one in sent)
    with scratch_folder(room_bytes=room) as folder:
        names = [f"{number}.dcm" for number in range(len(sent))]
        try:
            for one, name in zip(sent, names, strict=True):
                file_copied(one.path, folder / name)
            found = engine.call(
                "decode_series", timeout_s=SERIES_TIMEOUT_S, files=names, out_dir=str(folder)
            )
        except EXPECTED as error:
            yield from (_refused(one, error) for one in sent)
            return
    for image in found["images"]:
        about = image["description"] | {"warnings": image["warnings"]}
        yield _accepted([sent[file] for file in image["files"]], about)
    for refused in found["refused"]:
        error = Refused(refused["code"], refused["sentence"])
        yield from (_refused(sent[file], error) for file in refused["files"])


def _accepted(sent: Sequence[Sent], facts: Outcome) -> Outcome:
    more = {"files": [one.label for one in sent]} if len(sent) > 1 else {}
    return {"file": sent[0].label, "outcome": "accepted", **more, **facts}


def _refused(sent: Sent, error: Exception) -> Outcome:
    if isinstance(error, Refused):
        error = named(error, sent.path.name)
    code = error.code if isinstance(error, Refused) else "engine"
    return {"file": sent.label, "outcome": "refused", "code": code, "reason": reason(error)}
