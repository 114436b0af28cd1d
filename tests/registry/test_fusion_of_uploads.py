"""Classifiers and detectors sent through the registry are fused; page, PDF, CSV and ZIP agree."""

from __future__ import annotations

import csv
import io
import json
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pypdf import PdfReader

from accounts.vault.storage import blob_open
from imaging import tasks
from imaging.models import ModelVersion, Result
from imaging.registry.approvals import model_approve
from imaging.registry.uploads import model_upload_describe, model_upload_receive
from imaging.services.runs import MemberChoice, run_submit
from reports.models import ExportKind
from reports.tasks import make_export
from tests.accounts.factories import UserFactory
from tests.imaging.factories import ImageFactory
from tests.imaging.tiny_models import picture
from tests.inference.task_models import (
    SIDE,
    keras_classifier,
    keras_detector,
    onnx_classifier,
    onnx_detector,
)
from tests.reports.factories import ExportFactory

pytestmark = [pytest.mark.engine, pytest.mark.django_db(transaction=True)]
CARD = {"intended_use": "Tests", "training_data": "None", "evaluation": {"n": 1},
        "limitations": "All", "licence": "MIT", "authors": ["A. B."]}  # fmt: skip


@pytest.fixture
def house(settings, tmp_path, queued):
    """A radiologist and an administrator who is not the sender; nothing in the registry."""
    settings.MODELS_DIR, settings.MODEL_STORE = tmp_path / "none", tmp_path / "store"
    settings.DATA_DIR, settings.STARTER_MODELS = tmp_path / "data", []
    return {"reader": UserFactory(), "technical": UserFactory(role="administrator"),
            "sender": UserFactory(role="administrator")}  # fmt: skip


def served(house, folder) -> ModelVersion:
    """Send the file alone, describe it, let the worker take it in, say both yeses."""
    (path,) = folder.glob("model.*")
    record = json.loads((folder / "metadata.json").read_text()) | {"card": CARD, "gate": {}}
    record.pop("sha256", None)
    file = SimpleUploadedFile(f"{folder.name}{path.suffix}", path.read_bytes())
    upload = model_upload_receive(user=house["sender"], file=file)
    tasks.take_model(str(upload.pk))
    upload.refresh_from_db()
    assert upload.status == "asking", upload.error
    model_upload_describe(user=house["sender"], upload=upload, form=record)
    tasks.take_model(str(upload.pk))
    upload.refresh_from_db()
    assert (upload.status, upload.error) == ("succeeded", "")
    model = upload.model_version
    model_approve(user=house["reader"], model=model, kind="clinical")
    return model_approve(user=house["technical"], model=model, kind="technical")


def result_of(house, models: dict[ModelVersion, float]) -> Result:
    array = picture(bright=(10, 40, 12, 50))[None]
    assert array.shape[1:] == (SIDE, SIDE)
    image = ImageFactory(user=house["reader"], array=array)
    members = [MemberChoice(one, weight=weight) for one, weight in models.items()]
    run = run_submit(user=house["reader"], images=[image], members=members, threshold=0.5)
    job = run.jobs.get()
    tasks.run_job(str(job.pk))
    job.refresh_from_db()
    assert job.status == "succeeded", job.error
    return job.result


def told(client, house, result: Result) -> dict[str, str]:
    """Return what the page, the PDF, the CSV and the PDF in the ZIP say, as plain words."""
    client.force_login(house["reader"])
    page = client.get(result.get_absolute_url())
    assert page.status_code == 200
    made = {kind: made_of(house, result, kind) for kind in (ExportKind.PDF, ExportKind.CSV,
                                                            ExportKind.PDFS)}  # fmt: skip
    with zipfile.ZipFile(io.BytesIO(made[ExportKind.PDFS])) as archive:
        (inside,) = (archive.read(name) for name in archive.namelist() if name.endswith(".pdf"))
    (row,) = csv.DictReader(io.StringIO(made[ExportKind.CSV].decode("utf-8-sig")))
    return {
        "page": " ".join(page.content.decode().split()),
        "pdf": text_of(made[ExportKind.PDF]),
        "zip": text_of(inside),
        "csv": row["classes"] + row["boxes"],
    }


def made_of(house, result: Result, kind: str) -> bytes:
    export = ExportFactory(user=house["reader"], results=[result], items=[result], kind=kind)
    make_export(str(export.pk))
    export.refresh_from_db()
    assert export.status == "succeeded", export.error
    return blob_open(export.blob).read()


def text_of(pdf: bytes) -> str:
    pages = PdfReader(io.BytesIO(pdf)).pages
    return " ".join(" ".join(one.extract_text() for one in pages).split())


def test_classes(client, house, tmp_path):
    """By hand: 0.75 · 0.9 + 0.25 · 0.5 = 0.80, and 0.75 · 0.2 + 0.25 · 0.4 = 0.25."""
    labels = {"0": "effusion", "1": "mass"}
    first = served(house, onnx_classifier(tmp_path, "by-onnx", (0.9, 0.2), labels=labels))
    second = served(house, keras_classifier(tmp_path, "by-keras", (0.5, 0.4), labels=labels))
    result = result_of(house, {first: 3.0, second: 1.0})
    found = {one.label: one for one in result.classes.all()}
    assert found["effusion"].p == pytest.approx(0.8, abs=1e-4)
    assert found["mass"].p == pytest.approx(0.25, abs=1e-4)
    said = told(client, house, result)
    assert said["csv"] == "effusion=0.8 positive; mass=0.25 negative"
    for place in ("pdf", "zip"):
        assert "effusion 0.80 positive, threshold 0.50" in said[place], place
        assert "mass 0.25 negative, threshold 0.50" in said[place], place
        assert "by-onnx 1.0.0 75.0 %" in said[place], place
    rows = {label: said["page"].partition(f">{label}<")[2][:1500] for label in labels.values()}
    assert "0.80" in rows["effusion"]
    assert "0.25" in rows["mass"]


def test_boxes(client, house, tmp_path):
    """By hand: s = 0.75 · 0.9 + 0.25 · 0.6 = 0.825; x0 = (0.675 · 10 + 0.15 · 12) / 0.825."""
    labels = {"0": "nodule"}
    first = served(house, onnx_detector(tmp_path, "by-onnx", [[10, 10, 30, 30]], [0.9],
                                        labels=labels))  # fmt: skip
    second = served(house, keras_detector(tmp_path, "by-keras", [[12, 10, 32, 30]], [0.6],
                                          labels=labels))  # fmt: skip
    result = result_of(house, {first: 3.0, second: 1.0})
    (box,) = result.boxes.all()
    assert (box.score, box.n) == (pytest.approx(0.825, abs=1e-4), 2)
    assert (box.x0, box.x1) == (10.36, 30.36)
    said = told(client, house, result)
    assert said["csv"] == "nodule 0.825 [10.36 10 30.36 30] slice 1"
    for place in ("pdf", "zip"):  # 0.825 is printed half up, as the page does
        assert "B1 nodule 0.83 x 10 to 30, y 10 to 30 px; by 2" in said[place], place
        assert "by-onnx 1.0.0 75.0 %" in said[place], place
    assert said["page"].count("nodule 0.83") == 4
    assert '<td class="num">0.83</td>' in said["page"]
    assert "2 of 2 models" in said["page"]
