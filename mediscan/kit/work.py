"""What is sent, run and made: uploads, batches, exports, models, the plan, an emergency."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

from mediscan.kit.made_up import AT, DIGEST, ID


def shown() -> dict:
    return {
        "plan": SimpleNamespace(name="Free"), "meters": _meters(),
        "exports": list(_exports()), "uploads": list(_uploads()),
        "glass": SimpleNamespace(pk=ID, patient_id=ID, ends_at=AT, minutes_left=42),
        "started": 8, "skipped": list(_skipped()), "models": list(_models()),
    }  # fmt: skip


def _meters() -> list[SimpleNamespace]:
    """A quota at rest, near its end, over it, and none."""
    rows = (("storage", "Storage", 1_200_000_000, 5_000_000_000), ("runs", "Runs", 190, 200),
            ("members", "Seats", 5, 5), ("uploads", "Uploads", 12, None))  # fmt: skip
    return [SimpleNamespace(name=name, label=label, used=used, limit=limit,
                            low=0 if limit is None else 0.8 * limit,
                            high=0 if limit is None else 0.95 * limit)
            for name, label, used, limit in rows]  # fmt: skip


def _exports() -> Iterator[SimpleNamespace]:
    """An export while it waits, is made, has failed, is there, was cancelled, deleted, expired."""
    blob = SimpleNamespace(size=2_400_000)
    states = (
        {"status": "queued", "is_live": True}, {"status": "running", "is_live": True},
        {"status": "failed", "error": "The file could not be made."},
        {"status": "succeeded", "blob": blob}, {"status": "cancelled"},
        {"status": "succeeded", "deleted_at": AT}, {"status": "succeeded"},
    )  # fmt: skip
    for state in states:
        yield SimpleNamespace(**{
            "pk": ID, "is_live": False, "done": 3, "total": 9, "error": "", "blob": None,
            "is_closed": False, "deleted_at": None, "expires_at": AT, "downloads": 1, **state,
        })  # fmt: skip


def _uploads() -> Iterator[dict]:
    """A receipt while it checks, and one of what was refused."""
    for is_live, status in ((True, "waiting"), (False, "refused")):
        line = SimpleNamespace(image=None, title="chest.png", about="", count=1, named=[],
                               unnamed=0, status=status, error="The file is empty.",
                               reason="The file is empty.", size=48_000)  # fmt: skip
        receipt = SimpleNamespace(waiting=1, ready=[], refused=1, lines=[line])
        upload = SimpleNamespace(pk=ID, is_live=is_live, open_until=None, created_at=AT)
        yield {"upload": upload, "receipt": receipt}


def _skipped() -> Iterator[tuple[SimpleNamespace, str]]:
    """What a batch did not take: image and reason."""
    study = SimpleNamespace(get_absolute_url="#")
    for name in ("chest-0007.dcm", "a-file-with-a-name-longer-than-its-line.dcm"):
        yield SimpleNamespace(study=study, source=SimpleNamespace(name=name)), "already running"


def _models() -> Iterator[SimpleNamespace]:
    """A model that serves, one whose file was changed, one that says nothing of itself."""
    card = {
        "intended_use": "Marks the lungs in frontal chest radiographs of adults.",
        "training_data": "566 radiographs of two hospitals.",
        "evaluation": {"dice": 0.957, "sd": 0.021, "set": "138 held back",
                       "external": {"dice": 0.941, "sd": 0.034, "set": "247 of a third"}},
        "limitations": "Not for children; supine images were rare.",
        "licence": "Apache-2.0",
    }  # fmt: skip
    files = {"model.onnx": DIGEST, "metadata.json": DIGEST[::-1]}
    states = (
        ("lungs-unet", "active", "", card),
        ("lungs-other", "active", "model.onnx is not the file that was approved: its SHA-256"
         " differs. It is not run until the file is put back.", card),
        ("lungs-new", "draft", "", {}),
    )  # fmt: skip
    for name, state, problem, said in states:
        yield SimpleNamespace(
            pk=ID, name=name, version="1.2.0", state=state, problem=problem, type="segmentation",
            labels=["lungs"], modalities=["xray"], framework="onnx", sha256=files,
            metadata={"card": said},
        )  # fmt: skip
