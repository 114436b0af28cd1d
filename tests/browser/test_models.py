"""Somebody's own model, from the file that training saved to a result, in a real browser."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import onnx
import pytest
import torch
from django.urls import reverse
from monai.networks.nets import DenseNet
from onnx import TensorProto, helper
from playwright.sync_api import expect
from torch import nn

from imaging.inference.backends.keras_runtime import keras
from imaging.models import ModelUpload, ModelVersion, Result
from imaging.registry.store import store_root
from imaging.registry.taking import Sent, model_take
from imaging.samples import chest_phantom
from tests.accounts.factories import OrganisationFactory, UserFactory
from tests.imaging.factories import ImageFactory
from tests.inference.conversion import saved
from tests.inference.factories import identity_onnx, metadata_json, write_model
from tests.security import hostile_models as hostile

pytestmark = [pytest.mark.browser, pytest.mark.engine, pytest.mark.django_db(transaction=True)]
PICTURES = os.environ.get("MODEL_PICTURES", "")
CARD = {
    "intended_use": "Shows where a bright spot may lie", "training_data": "200 drawn chests",
    "evaluation": "Dice 0.91 on 60 drawn chests", "limitations": "Never shown a real patient",
    "licence": "MIT", "authors": "A. B., C. D.",
}  # fmt: skip

SIZE = "64 × 64"
DENSE = {
    "spatial_dims": 2, "in_channels": 1, "out_channels": 3, "init_features": 8, "growth_rate": 4,
    "block_config": [2, 2], "bn_size": 2,
}  # fmt: skip
DESCRIBED = {  # name, what the form is filled in with, what is written over it
    "lungs.pt": (
        "lungs",
        {"name": "lungs", "version": "1.2.0", "type": "segmentation", "labels": "finding 1"},
        {"labels": "lung", "size": "64 x 64", "version": "1.0.0"},
    ),
    "opacity.onnx": (
        "opacity",
        {"type": "classification", "size": SIZE, "labels": "finding 1\nfinding 2",
         "activation": "none"},
        {"labels": "opacity\neffusion"},
    ),
    "lung_disease_classifier.pth": (
        "lung_disease_classifier",
        {"name": "lung_disease_classifier", "type": "classification", "channels": "1",
         "labels": "finding 1\nfinding 2\nfinding 3"},
        {"labels": "healthy\npneumonia\ntuberculosis", "size": "64 x 64",
         "network": json.dumps({"_target_": "monai.networks.nets.DenseNet", **DENSE})},
    ),
    "spots.h5": (
        "spots",
        {"type": "segmentation", "size": SIZE, "labels": "finding 1", "activation": "none"},
        {"labels": "lung"},
    ),
}  # fmt: skip


def saved_whole() -> bytes:
    sink = io.BytesIO()
    torch.save(saved.unet(), sink)
    return sink.getvalue()


def saved_numbers() -> bytes:
    """A MONAI classifier's state dict, as most trainings keep it."""
    torch.manual_seed(4)
    sink = io.BytesIO()
    torch.save(DenseNet(**DENSE).state_dict(), sink)
    return sink.getvalue()


def exported() -> bytes:
    """A classifier of two labels, exported with a free batch, as the user's guide shows it."""
    torch.manual_seed(3)
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4, 2), nn.Sigmoid(),
    )  # fmt: skip
    sink = io.BytesIO()
    torch.onnx.export(
        net.eval(), torch.zeros(1, 1, 64, 64), sink, dynamo=False, input_names=["x"],
        dynamic_axes={"x": {0: "batch"}},
    )  # fmt: skip
    return sink.getvalue()


def kept_as_h5(folder: Path) -> bytes:
    entry = keras.Input((64, 64, 1))
    inner = keras.layers.Conv2D(2, 3, padding="same", activation="relu")(entry)
    model = keras.Model(entry, keras.layers.Conv2D(1, 1, activation="sigmoid")(inner))
    model.save(folder / "spots.h5")
    return (folder / "spots.h5").read_bytes()


def zipped(data: bytes, **changes) -> bytes:
    """A folder `lungs` with model.onnx, its hash not stated unless `changes` do."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("lungs/metadata.json", json.dumps(metadata_json("lungs", **changes)))
        archive.writestr("lungs/model.onnx", data)
        archive.writestr("lungs/README.md", "# Lungs")
    return sink.getvalue()


@pytest.fixture
def people():
    house = OrganisationFactory()
    return {
        "sender": UserFactory(organisation=house, role="administrator"),
        "technical": UserFactory(organisation=house, role="administrator"),
        "clinical": UserFactory(organisation=house),
    }


@pytest.fixture
def enter(visit, people, settings, tmp_path):
    """Return a function that opens an address as one of the people, without a script."""
    settings.MODEL_STORE = tmp_path / "store"
    settings.MODELS_DIR = tmp_path / "none"

    def go(who: str, address: str, **options):
        options = {"java_script_enabled": False, **options}
        return visit(address, user=people[who], verified=True, **options)

    return go


def send(enter, file: str, data: bytes) -> str:
    """Send one file as a person does; return the address that tells how far it is."""
    page = enter("sender", reverse("admin:imaging_modelversion_add"))
    pictured(enter, "send", page.url)
    page.set_input_files("#id_file", {"name": file, "mimeType": "", "buffer": data})
    page.get_by_role("button", name="Send the file").click()
    page.wait_for_url("**/modelupload/**", wait_until="commit")
    there = urlsplit(page.url).path
    page.context.close()  # it asks after itself until the worker is done
    return there


def describe(enter, there: str, name: str, prefilled: dict[str, str], **answers) -> None:
    """Look at what the file told, write the rest, and send it on."""
    page = enter("sender", there)
    for field, text in prefilled.items():
        expect(page.locator(f"#id_{field}")).to_have_value(text)
    pictured(enter, f"describe-{name}", page.url)
    page.get_by_label("X-ray").check()
    for field, text in ({"name": name} | CARD | answers).items():
        page.locator(f"#id_{field}").fill(text)
    page.get_by_role("button", name="Convert and try it").click()
    page.get_by_text("Waiting for the worker").wait_for()
    page.context.close()


def taken(enter, there: str, words: str) -> ModelVersion:
    page = enter("sender", there)
    page.get_by_text(f"{words} is in the registry").wait_for()
    pictured(enter, "taken", page.url)
    page.get_by_role("link", name="Card, trial and approval").click()
    page.get_by_text("Two yeses").first.wait_for()
    return ModelVersion.objects.get(pk=urlsplit(page.url).path.rstrip("/").rpartition("/")[2])


def agreed(enter, model: ModelVersion) -> None:
    """A radiologist and the other administrator say yes; then it serves."""
    for kind in ("clinical", "technical"):
        page = enter(kind, model.get_absolute_url())
        page.get_by_role("button", name=f"Say the {kind} yes").click()
        page.get_by_text("Your yes is noted").wait_for()
        page.context.close()
    model.refresh_from_db()
    assert model.state == "active"


def pictured(enter, name: str, url: str, who: str = "sender") -> None:
    """Keep the page as pictures, light, dark and narrow, where somebody asks for them."""
    looks = {"light": {}, "dark": {"color_scheme": "dark"}, "narrow": {"width": 390, "height": 800}}
    wanted = PICTURES and not Path(f"{PICTURES}/{name}-light.png").exists()
    for look, options in looks.items() if wanted else ():
        page = enter(who, urlsplit(url).path + "?" + urlsplit(url).query, **options)
        page.screenshot(path=f"{PICTURES}/{name}-{look}.png", full_page=True)
        page.context.close()


def test_a_model_of_ones_own_comes_into_service_and_answers(enter, people, work, tmp_path):
    ways = {
        "lungs.pt": saved_whole(), "opacity.onnx": exported(),
        "lung_disease_classifier.pth": saved_numbers(), "spots.h5": kept_as_h5(tmp_path),
        "lungs.zip": zipped(identity_onnx(), version="1.1.0", size=(64, 64), labels={"0": "lung"}),
    }  # fmt: skip
    there = {file: send(enter, file, data) for file, data in ways.items()}
    work()  # four are looked into, the ZIP is taken in
    for file, (name, prefilled, answers) in DESCRIBED.items():
        describe(enter, there[file], name, prefilled, **answers)
    work()
    models = {
        file: taken(enter, there[file], words)
        for file, words in {
            "lungs.pt": "lungs 1.0.0", "opacity.onnx": "opacity 1.0.0",
            "lung_disease_classifier.pth": "lung_disease_classifier 1.0.0",
            "spots.h5": "spots 1.0.0", "lungs.zip": "lungs 1.1.0",
        }.items()
    }  # fmt: skip
    assert {one.state for one in models.values()} == {"checked"}
    assert [one.framework for one in models.values()] == [
        "onnx", "onnx", "pytorch", "tensorflow", "onnx",
    ]  # fmt: skip
    for model in models.values():
        assert all(row["ms"] > 0 for row in model.facts["timings"])
        agreed(enter, model)
    first, second = models["lungs.pt"], models["lungs.zip"]
    first.refresh_from_db()
    assert first.state == "retired"
    pictured(enter, "model", second.get_absolute_url())
    pictured(enter, "list", reverse("imaging:model-list"))
    page = enter("technical", second.get_absolute_url())
    page.get_by_role("button", name="Go back to this version").click()
    page.get_by_text("Back in service").wait_for()
    assert sorted(ModelVersion.objects.filter(name="lungs").values_list("version", "state")) == [
        ("1.0.0", "active"), ("1.1.0", "retired"),
    ]  # fmt: skip

    array = chest_phantom(96, 1)[np.newaxis]
    image = ImageFactory(user=people["clinical"], array=array)
    page = enter("clinical", f"{reverse('imaging:run-create')}?image={image.pk}")
    for name in ("lungs", "spots"):
        page.get_by_label(f"Use {name}").check()
    pictured(enter, "run", page.url, "clinical")
    page.get_by_role("button", name="Start on 1 image").click()
    page.wait_for_url("**/runs/**", wait_until="commit")
    page.context.close()
    work()
    page = enter("clinical", Result.objects.get().get_absolute_url())
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.locator("body").inner_text().count("lungs") > 0

    page = enter("technical", first.get_absolute_url())
    page.get_by_role("button", name="Retire").click()
    page.get_by_text("It can no longer be chosen").wait_for()
    page = enter("clinical", f"{reverse('imaging:run-create')}?image={image.pk}")
    expect(page.get_by_label("Use spots")).to_be_visible()
    expect(page.get_by_label("Use lungs")).to_have_count(0)


def test_a_draft_is_confirmed_and_serves_after_two_yeses(enter, people, tmp_path):
    """What a bundle's import drafted: draft, checked, active, by three people in all."""
    folder = write_model(tmp_path / "sent", "drafted", identity_onnx(), labels={"0": "lung"})
    model = model_take(Sent(folder, user=people["sender"], draft=True))
    assert model.state == "draft"
    page = enter("sender", model.get_absolute_url())
    page.get_by_text("Drafted from a bundle").first.wait_for()
    pictured(enter, "draft", page.url)
    page.get_by_role("button", name="Confirm the draft").click()
    page.get_by_text("two yeses now").wait_for()
    model.refresh_from_db()
    assert model.state == "checked"
    agreed(enter, model)
    page = enter("sender", model.get_absolute_url())
    expect(page.get_by_role("button", name="Confirm the draft")).to_have_count(0)


def outside(name: str) -> bytes:
    """ONNX whose weights lie in another file of this machine (S37)."""
    made = onnx.load_model_from_string(identity_onnx())
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", name
    return made.SerializeToString()


def custom() -> bytes:
    made = onnx.load_model_from_string(identity_onnx())
    made.graph.node[0].CopyFrom(helper.make_node("Run", ["x"], ["y"], domain="com.example"))
    made.opset_import.append(helper.make_opsetid("com.example", 1))
    return made.SerializeToString()


def lambda_layer(canary: Path) -> bytes:
    code = {"class_name": "__lambda__", "config": {"code": f"open({str(canary)!r}, 'w')"}}
    return hostile.keras_config({"class_name": "Lambda", "config": {"name": "x", "function": code}})


def test_what_is_hostile_is_refused_on_its_page_and_leaves_nothing(enter, work, tmp_path):
    canary = tmp_path / "canary"
    touch = f"touch {canary}"
    sent = {
        "flipped.zip": (zipped(identity_onnx(), sha256={"model.onnx": "0" * 64}),
                        "sha256 says 0000"),
        "unknown.zip": (zipped(identity_onnx(), run_me="yes"), "unknown key run_me"),
        "call.pt": (hostile.torch_zip(hostile.by_global("posix", "system", touch)),
                    "call.pt asks for `posix.system`, which is not allowed. Nothing was run."),
        "stack.pth": (hostile.legacy(hostile.by_stack("builtins", "eval", touch)),
                      "Nothing was run. Save model.state_dict() or ONNX."),
        "lambda.keras": (lambda_layer(canary), "Layer `Lambda` carries code."),
        "outside.onnx": (outside("/etc/passwd"), "keeps its weights in another file. Save as one"),
        "custom.onnx": (custom(), "uses the custom operator com.example.Run"),
    }  # fmt: skip
    there = {file: send(enter, file, data) for file, (data, _) in sent.items()}
    work()
    for file, (_, reason) in sent.items():
        page = enter("sender", there[file])
        expect(page.locator(".messagelist .error")).to_contain_text(reason)
        expect(page.get_by_text("Nothing was kept.")).to_be_visible()
        if file == "call.pt":
            pictured(enter, "refused", page.url)
        page.context.close()
    assert set(ModelUpload.objects.values_list("status", flat=True)) == {"failed"}
    assert not ModelVersion.objects.exists()
    assert [one.name for one in store_root().rglob("*")] == [".incoming"]
    assert not canary.exists()
