"""A model is taken in: converted, kept under its version, signed; then nothing of it changes."""

from __future__ import annotations

import json

import pytest
import torch

from accounts.models import AuditEvent
from imaging.inference.errors import ModelFileError
from imaging.models import ModelOrigin, ModelState, ModelVersion
from imaging.registry import models_sync
from imaging.registry.manifest import FORGED, UNSIGNED, manifest_problem
from imaging.registry.store import folder_of, store_root
from imaging.registry.taking import CONFIRM, Sent, model_take
from tests.accounts.factories import UserFactory
from tests.inference.conversion import saved
from tests.inference.factories import TINY_UNET
from tests.registry.sent import places, sent_folder

pytestmark = pytest.mark.django_db
__all__ = ["places"]


def test_a_folder_is_kept_with_its_original_its_hash_and_a_signature(places):
    user = UserFactory(role="administrator")
    model = model_take(Sent(sent_folder(places), user=user))
    assert (model.state, model.origin, model.added_by) == ("checked", ModelOrigin.STORE, user)
    folder = folder_of(model)
    assert folder == store_root() / "mine@1.0.0"
    assert {one.name for one in folder.iterdir()} == {"metadata.json", "model.onnx", "original"}
    assert {one.name for one in (folder / "original").iterdir()} == {"metadata.json", "model.onnx"}
    assert (folder / "model.onnx").stat().st_mode & 0o777 == 0o400
    assert manifest_problem(model) == ""
    assert [one["file"] for one in model.facts["original"]] == ["metadata.json", "model.onnx"]
    assert model.facts["timings"][0]["engine"] == "ONNX Runtime"
    assert model.facts["probe"]["shape"] == [1, 16, 16]
    acts = AuditEvent.objects.filter(target=f"modelversion:{model.pk}").values_list(
        "action", flat=True
    )
    assert set(acts) == {"model.register", "model.checked"}


def test_a_state_dict_is_served_as_safetensors(places):
    folder = saved.folder(
        places / "sent", "model.pt", lambda p: torch.save(saved.unet().state_dict(), p),
        network=TINY_UNET,
    )  # fmt: skip
    model = model_take(Sent(folder))
    assert list(model.sha256) == ["model.safetensors"]
    assert model.facts["agreement"] < 1e-3
    assert {row["engine"] for row in model.facts["timings"]} >= {"torch", "ONNX Runtime"}


def test_the_same_version_twice_is_refused_and_the_first_stays(places):
    first = model_take(Sent(sent_folder(places)))
    with pytest.raises(ModelFileError, match="is in the registry already"):
        model_take(Sent(sent_folder(places, threshold=0.2)))
    assert ModelVersion.objects.get() == first
    assert manifest_problem(first) == ""


def test_two_versions_stand_side_by_side(places):
    model_take(Sent(sent_folder(places)))
    model_take(Sent(sent_folder(places, version="1.1.0")))
    assert {one.name for one in store_root().iterdir()} == {"mine@1.0.0", "mine@1.1.0"}


def test_what_is_refused_leaves_neither_row_nor_file(places):
    folder = sent_folder(places, labels={"0": "a", "1": "b", "2": "c"})
    with pytest.raises(Exception, match="3 names"):
        model_take(Sent(folder))
    assert not ModelVersion.objects.exists()
    assert list(store_root().iterdir()) == []


def test_a_row_that_cannot_be_written_takes_its_files_back(places, monkeypatch):
    def broken(*args, **kwargs):
        raise OSError("no space")

    monkeypatch.setattr("imaging.registry.taking.audit.record", broken)
    with pytest.raises(OSError, match="no space"):
        model_take(Sent(sent_folder(places)))
    assert not ModelVersion.objects.exists()
    assert list(store_root().iterdir()) == []


def test_a_card_that_says_too_little_makes_a_draft(places):
    model = model_take(Sent(sent_folder(places, card={"licence": "MIT"})))
    assert (model.state, "intended_use" in model.problem) == (ModelState.DRAFT, True)


def test_a_draft_by_wish_waits_for_confirmation(places):
    model = model_take(Sent(sent_folder(places), draft=True))
    assert (model.state, model.problem) == (ModelState.DRAFT, CONFIRM)


def test_sync_takes_a_torch_file_of_the_models_folder_in_once(places, settings):
    settings.STARTER_MODELS = ["mine"]
    folder = saved.folder(
        settings.MODELS_DIR, "model.pt", lambda p: torch.save(saved.row(), p),
    )  # fmt: skip
    report = models_sync()
    assert (report.active, report.problems) == (["mine 1.0.0"], [])
    model = ModelVersion.objects.get()
    assert (model.origin, model.framework) == (ModelOrigin.STORE, "onnx")
    assert models_sync().active == ["mine 1.0.0"]
    before = (folder / "model.pt").read_bytes()
    torch.save(saved.unet(), folder / "model.pt")
    assert "new version" in models_sync().problems[0]
    model.refresh_from_db()
    assert model.state == ModelState.QUARANTINED
    (folder / "model.pt").write_bytes(before)
    assert models_sync().active == ["mine 1.0.0"]


def test_a_refused_folder_is_told_and_the_others_serve(places, settings):
    settings.STARTER_MODELS = ["good"]
    saved.folder(settings.MODELS_DIR, "model.pt", lambda p: p.write_bytes(b"cos\nsystem\n."))
    sent_folder(places, "good").rename(settings.MODELS_DIR / "good")
    report = models_sync()
    assert report.active == ["good 1.0.0"]
    assert "asks for `os.system`, which is not allowed" in report.problems[0]


@pytest.mark.parametrize("change", ["flip", "swap", "remove", "unsign", "forge", "relabel"])
def test_s34_what_is_not_as_it_was_taken_in_is_quarantined_and_the_others_serve(places, change):
    good = model_take(Sent(sent_folder(places, "good")))
    model = model_take(Sent(sent_folder(places)))
    path = folder_of(model) / "model.onnx"
    path.chmod(0o600)
    if change == "flip":
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    elif change == "swap":
        path.write_bytes(path.read_bytes() + b" ")
    elif change == "remove":
        path.unlink()
    elif change == "unsign":
        ModelVersion.objects.filter(pk=model.pk).update(signature="")
    elif change == "forge":  # file, hash in metadata.json and hash in the row: all but the key
        import hashlib

        path.write_bytes(path.read_bytes() + b"\x00")
        table = {"model.onnx": hashlib.sha256(path.read_bytes()).hexdigest()}
        record = folder_of(model) / "metadata.json"
        record.chmod(0o600)
        written = json.loads(record.read_text()) | {"sha256": table}
        record.write_text(json.dumps(written))
        ModelVersion.objects.filter(pk=model.pk).update(sha256=table, metadata=written)
    else:
        ModelVersion.objects.filter(pk=model.pk).update(
            metadata={**model.metadata, "labels": {"0": "harmless"}}
        )
    report = models_sync()
    model.refresh_from_db()
    good.refresh_from_db()
    assert (model.state, good.state) == (ModelState.QUARANTINED, ModelState.CHECKED)
    assert model.problem in report.problems
    if change in ("unsign", "forge"):
        assert {"unsign": UNSIGNED, "forge": FORGED}[change] in model.problem
