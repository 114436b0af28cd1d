"""Files that belong together: which series each is of, and the series as its images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from accounts.tracing import request_id
from imaging.engine.client import Engine
from imaging.engine.scratch import scratch_folder
from imaging.models import ItemStatus, UploadItem
from imaging.services.filing import images_file
from imaging.services.items import image_known, item_close, item_copied, items_refuse, upload_held
from imaging.services.rejoining import Earlier, earlier_copied, earlier_files
from imaging.types import Refused

SURVEY_TIMEOUT_S = 60  # milliseconds of work; a busy machine is slow to begin
SERIES_TIMEOUT_S, SLICE_TIMEOUT_S, LONGEST_S = 60, 0.5, 600
ROOM_BYTES = 1088 << 20  # the largest volume, and a little
DIRECTORY = "DICOMDIR"  # the batch of lists of files
Keeper = Callable[[], None]


def item_survey(item: UploadItem, engine: Engine, keeper: Keeper) -> list[str] | None:
    """Note to which series a DICOM file belongs; return what it lists if it is a DICOMDIR.

    Raises: Refused for what is no image; what the engine raises.
    """
    with scratch_folder(room_bytes=item.size) as folder:
        answer = engine.call(
            "survey",
            timeout_s=SURVEY_TIMEOUT_S,
            on_wait=keeper,
            trace=request_id.get(),
            path=str(item_copied(item, folder / "source")),
        )
    is_list = answer["listed"] is not None
    batch = DIRECTORY if is_list else answer["series"][:64] or str(item.pk)
    if batch != item.batch:
        item.batch = batch
        item.save(update_fields=["batch"])
    return answer["listed"]


def batch_read(items: Sequence[UploadItem], engine: Engine, keeper: Keeper) -> None:
    """Bring the files of one batch to their end: images, one transaction each, or refusals.

    Raises: Refused when none of them can be read; LeaseLost, and what the engine raises.
    """
    first, twins = _told_apart(items)
    if not first:
        return
    earlier = earlier_files(first[0].upload, first[0].batch)
    if not (earlier and _rejoined(first, earlier, engine, keeper)):
        _read_together(first, [], engine, keeper)
    for item in twins:
        _close_twin(item)


def _rejoined(
    first: Sequence[UploadItem], earlier: Sequence[Earlier], engine: Engine, keeper: Keeper
) -> bool:
    """Read late slices with those that are here; False where they do not form one volume."""
    try:
        return _read_together(first, earlier, engine, keeper)
    except Refused:
        return False  # by themselves they may be an image


def _read_together(
    first: Sequence[UploadItem], earlier: Sequence[Earlier], engine: Engine, keeper: Keeper
) -> bool:
    """File what the new files show, with what is stored of their series where both join.

    False, and nothing was done, where no image holds both: they are read by themselves then.
    """
    room = ROOM_BYTES + sum(item.size for item in first)
    room += sum(one.source.size for one in earlier)
    with scratch_folder(room_bytes=room) as folder:
        answer = engine.call(
            "decode_series",
            timeout_s=min(
                LONGEST_S, SERIES_TIMEOUT_S + SLICE_TIMEOUT_S * (len(first) + len(earlier))
            ),
            on_wait=keeper,
            trace=request_id.get(),
            files=_copied(first, earlier, folder, keeper),
            out_dir=str(folder),
        )
        images = [one for one in answer["images"] if min(one["files"]) < len(first)]
        if earlier and not _joins(images, earlier, len(first)):
            return False
        _file_images(first, earlier, images, folder, keeper)
    for refused in answer["refused"]:
        refusal = Refused(refused["code"][:64], refused["sentence"][:500])
        new = [first[file] for file in refused["files"] if file < len(first)]
        items_refuse([one for one in new if one.status == ItemStatus.WAITING], refusal)
    return True


def _joins(images: Sequence[dict], earlier: Sequence[Earlier], count: int) -> bool:
    """Whether an image holds new and stored files, all of one study."""
    held = {file - count for one in images for file in one["files"] if file >= count}
    studies = {earlier[number].study_uid for number in held}
    told = {str(one["header"].get("study_instance_uid", "")) for one in images}
    return bool(held) and studies == told


def _told_apart(items: Sequence[UploadItem]) -> tuple[list[UploadItem], list[UploadItem]]:
    """Close what is known; return each content once, and the files that repeat one."""
    first: dict[str, UploadItem] = {}
    twins = []
    for item in items:
        known = image_known(item.upload, item.blob.sha256)
        if known is not None:
            item_close(item, ItemStatus.DUPLICATE, image=known)
        elif first.setdefault(item.blob.sha256, item) is not item:
            twins.append(item)
    return list(first.values()), twins


def _copied(
    items: Sequence[UploadItem], earlier: Sequence[Earlier], folder: Path, keeper: Keeper
) -> list[str]:
    names = [f"{number}.dcm" for number in range(len(items) + len(earlier))]
    for number, name in enumerate(names):
        keeper()
        if number < len(items):
            item_copied(items[number], folder / name)
        else:
            earlier_copied(earlier[number - len(items)], folder / name)
    return names


def _file_images(
    items: Sequence[UploadItem],
    earlier: Sequence[Earlier],
    images: Sequence[dict],
    folder: Path,
    keeper: Keeper,
) -> None:
    """File each image in a transaction of its own; those that share a file, in one."""
    waiting = list(images)
    while waiting:
        together, shared = [waiting.pop(0)], set()
        shared.update(together[0]["files"])
        while more := [one for one in waiting if shared & set(one["files"])]:
            together += more
            waiting = [one for one in waiting if one not in more]
            shared.update(file for one in more for file in one["files"])
        mine = [items[file] for file in sorted(shared) if file < len(items)]
        old = [earlier[file - len(items)] for file in sorted(shared) if file >= len(items)]
        try:
            _file_together(mine, old, sorted(shared), together, folder, keeper)
        except Refused as refusal:
            items_refuse(mine, refusal)


def _file_together(
    items: list[UploadItem],
    earlier: list[Earlier],
    files: list[int],
    images: list[dict],
    folder: Path,
    keeper: Keeper,
) -> None:
    place = {file: index for index, file in enumerate(files)}
    answers = [image | {"files": [place[file] for file in image["files"]]} for image in images]
    upload = items[0].upload
    held = partial(upload_held, upload)
    images_file(items, answers, folder, held=held, on_wait=keeper, earlier=earlier)


def _close_twin(item: UploadItem) -> None:
    known = image_known(item.upload, item.blob.sha256)
    if known is not None:
        item_close(item, ItemStatus.DUPLICATE, image=known)
    else:
        items_refuse(
            [item],
            Refused("twin-refused", "This file equals another one of this upload, refused above."),
        )
