"""Somebody's own model, from the file to service, in a real browser and without a script."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import torch
from django.urls import reverse

from imaging.models import ModelVersion
from tests.accounts.factories import OrganisationFactory, UserFactory
from tests.inference.conversion import saved
from tests.inference.factories import gain_keras, identity_onnx

pytestmark = [pytest.mark.browser, pytest.mark.engine, pytest.mark.django_db(transaction=True)]
PICTURES = os.environ.get("MODEL_PICTURES", "")


def torch_whole(path: Path) -> None:
    torch.save(saved.row(), path)


FILES = {
    "net.pt": torch_whole,
    "net.onnx": lambda path: path.write_bytes(identity_onnx()),
    "net.h5": lambda path: gain_keras(path, 0.5),
}
ANSWERS = {
    "labels": "spot", "size": "16 x 16", "intended_use": "Tests", "training_data": "None",
    "evaluation": "n = 1", "limitations": "All", "licence": "MIT", "authors": "A. B.",
}  # fmt: skip


def picture(page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


@pytest.fixture
def places(settings, tmp_path):
    settings.MODEL_STORE = tmp_path / "store"
    return tmp_path


def test_three_ways_of_saving_a_model_come_into_service(visit, work, places):
    house = OrganisationFactory()
    administrator = UserFactory(organisation=house, role="administrator")
    for file, write in FILES.items():
        write(places / file)
        page = visit(reverse("admin:imaging_modelversion_add"), user=administrator, verified=True,
                  java_script_enabled=False)  # fmt: skip
        name = f"mine-{file.rpartition('.')[2]}"
        page.get_by_label("Weight file:").set_input_files(str(places / file))
        page.get_by_label("Name:", exact=True).fill(name)
        for field, text in ANSWERS.items():
            page.locator(f"#id_{field}").fill(text)
        page.get_by_label("X-ray").check()
        page.locator("#id_activation").select_option("sigmoid" if file == "net.pt" else "none")
        if file == "net.pt":
            picture(page, "send")
        page.get_by_role("button", name="Send the file").click()
        page.wait_for_url("**/modelupload/**", wait_until="commit")
        there = urlsplit(page.url).path
        page.close()  # it asks after itself until the worker is done
        work()
        page = visit(there, user=administrator, verified=True, java_script_enabled=False)
        page.get_by_text(f"{name} 1.0.0 is in the registry").wait_for()
    assert set(ModelVersion.objects.values_list("framework", flat=True)) == {"onnx", "tensorflow"}
    picture(page, "taken")

    model = ModelVersion.objects.get(name="mine-pt")
    radiologist = UserFactory(organisation=house)
    other = UserFactory(organisation=house, role="administrator")
    for user, word in ((radiologist, "clinical"), (other, "technical")):
        page = visit(model.get_absolute_url(), user=user, verified=True, java_script_enabled=False)
        page.get_by_role("button", name=f"Say the {word} yes").click()
        page.get_by_text("Your yes is noted").wait_for()
    model.refresh_from_db()
    assert model.state == "active"
    picture(page, "model")
    narrow = {"user": administrator, "verified": True, "width": 390, "height": 800}
    page = visit(reverse("imaging:model-list"), **narrow)
    picture(page, "list-narrow")
    page = visit(model.get_absolute_url(), **narrow, color_scheme="dark")
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not wide
    picture(page, "model-narrow-dark")
