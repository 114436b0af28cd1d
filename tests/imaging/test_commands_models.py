"""The commands around the registry: take in, activate, look, import a bundle."""

from __future__ import annotations

import io
import json
import shutil
import zipfile

import pytest
import torch
from django.core.management import CommandError, call_command

from accounts.models import AuditEvent
from imaging.models import Ensemble, ModelVersion
from tests.imaging.tiny_models import make_ensemble, make_model, picture, write_png
from tests.inference.conversion import saved
from tests.inference.factories import TINY_UNET, identity_onnx, metadata_json
from tests.inference.task_models import onnx_classifier
from tests.inference.test_bundle import INFERENCE, bundle
from tests.registry.sent import places, sent_folder

pytestmark = pytest.mark.django_db
__all__ = ["places"]


def run(*args, **options) -> str:
    out = io.StringIO()
    call_command(*args, stdout=out, stderr=out, **options)
    return out.getvalue()


def test_a_folder_is_taken_in_and_told(places):
    text = run("import_model", str(sent_folder(places)))
    assert "mine 1.0.0: checked." in text
    assert "ONNX Runtime:" in text
    assert "Two people approve it now" in text


def test_a_machine_is_told_of_a_model_and_of_a_bundle(places):
    told = json.loads(run("import_model", str(sent_folder(places)), "--json"))
    model = ModelVersion.objects.get()
    assert (told["id"], told["name"], told["state"]) == (str(model.pk), "mine", "checked")
    assert told["sha256"] == model.sha256
    assert told["timings"][0]["engine"] == "ONNX Runtime"
    told = json.loads(run("import_bundle", str(bundle(places)), "--json"))
    assert (told["name"], told["state"]) == ("spleen-ct-segmentation", "draft")
    assert told["draft_notes"] == []


def test_torchscript_is_taken_from_an_operator(places):
    folder = saved.folder(
        places / "sent", "model.pt", saved.traced(saved.unet()), network=TINY_UNET
    )
    assert "model.safetensors" in run("import_model", str(folder))


def test_a_weight_file_comes_with_its_metadata(places):
    (places / "net.onnx").write_bytes(identity_onnx())
    (places / "about.json").write_text(json.dumps(metadata_json("mine")))
    text = run("import_model", str(places / "net.onnx"), metadata=places / "about.json")
    assert "mine 1.0.0" in text


def test_what_is_refused_ends_with_its_reason(places):
    folder = saved.folder(places / "sent", "model.pt", lambda p: torch.save(saved.unet(), p))
    (folder / "model.pt").write_bytes(b"cposix\nsystem\n(V.")
    with pytest.raises(CommandError, match=r"asks for `posix\.system`"):
        run("import_model", str(folder))
    with pytest.raises(CommandError, match="no file or folder"):
        run("import_model", str(places / "nowhere"))


def test_an_operator_activates_for_a_machine_of_their_own(places):
    run("import_model", str(sent_folder(places)))
    assert "mine 1.0.0 is active." in run("activate_model", "mine")
    assert AuditEvent.objects.get(action="model.active").actor is None
    with pytest.raises(CommandError, match="no model named “other”"):
        run("activate_model", "other")
    ModelVersion.objects.update(state="quarantined", problem="it is odd")
    with pytest.raises(CommandError, match="it is odd"):
        run("activate_model", "mine", model_version="1.0.0")


def test_a_bundle_becomes_a_draft_from_a_folder_and_from_a_zip(places):
    folder = bundle(places)
    text = run("import_bundle", str(folder))
    model = ModelVersion.objects.get()
    assert (model.state, model.name) == ("draft", "spleen-ct-segmentation")
    assert "then confirm the draft" in text
    archive = shutil.make_archive(str(places / "sent"), "zip", places, folder.name)
    run("import_bundle", archive, name="other")
    assert ModelVersion.objects.get(name="other").sha256 == model.sha256


def test_a_bundle_that_needs_a_developer_says_why_and_leaves_nothing(places):
    folder = bundle(places, inference={**INFERENCE, "network_def": {"_target_": "scripts.Net"}})
    with pytest.raises(CommandError, match="needs a developer"):
        run("import_bundle", str(folder))
    assert not ModelVersion.objects.exists()


def test_a_bundles_zip_that_leads_out_is_refused(places):
    with zipfile.ZipFile(places / "bad.zip", "w") as archive:
        archive.writestr("../../outside", b"x")
    with pytest.raises(CommandError, match="leads out of it"):
        run("import_bundle", str(places / "bad.zip"))


@pytest.mark.engine
def test_tuning_writes_a_suggestion_that_sync_shows(settings, tmp_path):
    settings.MODELS_DIR, settings.STARTER_MODELS = tmp_path / "models", ["good", "dim"]
    settings.MODEL_STORE = tmp_path / "store"
    make_model(settings.MODELS_DIR, "good")
    make_model(settings.MODELS_DIR, "dim", lines=((-40.0, 20.0),))
    make_ensemble(settings.MODELS_DIR, "both", "good", "dim")
    for n in range(6):
        box = (8 + n, 30 + n, 20, 44)
        array = picture(bright=box)
        write_png(tmp_path / "images" / f"{n}.png", array)
        write_png(tmp_path / "references" / f"{n}.png", ((array > 128) * 255).astype("uint8"))
    where = {"images": tmp_path / "images", "references": tmp_path / "references"}
    text = run("tune_ensemble", ensemble="both", modality="xray", write=True, **where)
    assert "gain +" in text
    assert "Written into" in text
    run("sync_models")
    told = Ensemble.objects.get(name="both").suggested
    assert told["weights"]["good"] > told["weights"]["dim"]
    assert told["images"] == 6


@pytest.mark.engine
def test_a_classifiers_weights_are_proposed_from_a_table(settings, tmp_path):
    """One member follows the brightness, which is what the label means; the other runs against."""
    settings.MODELS_DIR = tmp_path / "models"
    settings.MODELS_DIR.mkdir()
    changes = {"labels": {"0": "bright"}, "gate": {"min_side": 1}}
    onnx_classifier(settings.MODELS_DIR, "right", [0.5], gain=4.0, **changes)
    onnx_classifier(settings.MODELS_DIR, "wrong", [0.5], gain=-6.0, **changes)
    make_ensemble(settings.MODELS_DIR, "both", "right", "wrong", type="classification")
    rows = ["file,bright"]
    for n in range(8):
        array = picture(bright=(8, 20 + 5 * (n % 2) + n, 20, 44))
        write_png(tmp_path / "images" / f"{n}.png", array)
        rows.append(f"{n}.png,{n % 2}")
    (tmp_path / "truth.csv").write_text("\n".join(rows) + "\n")
    where = {"images": tmp_path / "images", "references": tmp_path / "truth.csv"}
    kept = tmp_path / "proposal.json"
    text = run("tune_ensemble", ensemble="both", modality="xray", json=kept, **where)
    assert "AUROC 0." in text
    told = json.loads(kept.read_text())
    assert told["weights"]["right"] > 0.5 > told["weights"]["wrong"]
    assert told["auroc_tuned"] > 0.7 > told["auroc_now"]
    with pytest.raises(CommandError, match="--write is for masks"):
        run("tune_ensemble", ensemble="both", modality="xray", write=True, **where)


def test_images_without_references_are_said(settings, tmp_path):
    settings.MODELS_DIR = tmp_path / "models"
    make_model(settings.MODELS_DIR, "one")
    make_ensemble(settings.MODELS_DIR, "alone", "one")
    write_png(tmp_path / "images" / "a.png", picture())
    write_png(tmp_path / "references" / "b.png", picture())
    where = {"images": tmp_path / "images", "references": tmp_path / "references"}
    with pytest.raises(CommandError, match="No image has a reference"):
        run("tune_ensemble", ensemble="alone", modality="xray", **where)
