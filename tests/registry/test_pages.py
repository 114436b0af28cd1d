"""The model's page and the admin's form: who may do what, and what a person reads."""

from __future__ import annotations

import pytest
import time_machine
from django.urls import reverse

from imaging import tasks
from imaging.models import ModelState, ModelUpload, ModelVersion
from imaging.registry.approvals import model_approve
from imaging.registry.taking import Sent, model_take
from tests.accounts.factories import StrangerFactory, UserFactory
from tests.imaging.factories import ModelVersionFactory
from tests.registry.sent import places, sent_folder, weight_file

pytestmark = pytest.mark.django_db
__all__ = ["places"]
ADD = "admin:imaging_modelversion_add"
ANSWERS = {
    "name": "mine", "version": "1.0.0", "type": "segmentation", "modality": ["xray"],
    "labels": "background\nspot", "size": "16 × 16", "channels": "1", "normalize": "on",
    "activation": "none", "threshold": "0.5", "network": "", "intended_use": "Tests",
    "training_data": "None", "evaluation": "n = 1", "limitations": "All", "licence": "MIT",
    "authors": "A. B., C. D.",
}  # fmt: skip


def page(client, model) -> str:
    answer = client.get(reverse("imaging:model-detail", args=[model.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def press(client, name: str, model):
    return client.post(reverse(f"imaging:model-{name}", args=[model.pk]), follow=True)


@pytest.fixture
def model(places):
    return model_take(Sent(sent_folder(places), user=UserFactory(role="administrator")))


def test_the_page_shows_card_hash_trial_and_what_is_missing(client, model):
    client.force_login(UserFactory(role="clinician"))
    text = page(client, model)
    for words in ("Tests", "MIT", "A. B.", model.sha256["model.onnx"], "ONNX Runtime",
                  "Whole analysis of a drawn picture", "Checked", "* × 1 × 16 × 16",
                  "Not given"):  # fmt: skip
        assert words in text
    assert "<button" not in text.split('id="yes"')[1].split("</section>")[0]


def test_the_page_of_a_starter_says_that_it_is_served_as_it_is(client):
    client.force_login(UserFactory())
    assert "served as it is" in page(client, ModelVersionFactory())


@pytest.mark.parametrize("user", [None, StrangerFactory])
def test_strangers_are_sent_away(client, user):
    model = ModelVersionFactory()
    if user:
        client.force_login(user())
    answer = client.get(reverse("imaging:model-detail", args=[model.pk]))
    assert answer.status_code == (403 if user else 302)


def test_two_people_press_a_button_each_and_it_serves(client, verified_client, model):
    verified_client(UserFactory())
    assert "Say the clinical yes" in page(client, model)
    assert "Your yes is noted" in press(client, "approve-clinical", model).content.decode()
    client.logout()
    verified_client(UserFactory(role="administrator"))
    text = press(client, "approve-technical", model).content.decode()
    model.refresh_from_db()
    assert model.state == ModelState.ACTIVE
    assert "Retire" in text


def test_whoever_added_it_reads_why_not(client, verified_client, model):
    verified_client(model.added_by)
    assert "You added this model" in page(client, model)
    text = press(client, "approve-technical", model).content.decode()
    assert "You added this model" in text
    assert model.approvals.count() == 0


def test_an_old_proof_is_asked_for_again(client, verified_client, model):
    user = UserFactory()
    with time_machine.travel("2026-11-26 09:00:00Z", tick=False) as clock:
        verified_client(user)
        clock.shift(301)
        answer = client.post(reverse("imaging:model-approve-clinical", args=[model.pk]))
    assert answer.status_code == 302
    assert "reauthenticate" in answer.url
    assert model.approvals.count() == 0


def test_the_version_before_is_one_click_away(client, verified_client, places):
    radiologist, administrator = UserFactory(), UserFactory(role="administrator")
    both = []
    for version in ("1.0.0", "2.0.0"):
        one = model_take(Sent(sent_folder(places, version=version)))
        model_approve(user=radiologist, model=one, kind="clinical")
        both.append(model_approve(user=administrator, model=one, kind="technical"))
    verified_client(administrator)
    assert "Go back to this version" in page(client, both[1])
    press(client, "restore", both[0])
    states = dict(ModelVersion.objects.values_list("version", "state"))
    assert states == {"1.0.0": "active", "2.0.0": "retired"}


def test_a_draft_is_confirmed_and_a_model_retired(client, verified_client, places):
    draft = model_take(Sent(sent_folder(places), draft=True))
    verified_client(UserFactory(role="administrator"))
    assert "Confirm the draft" in page(client, draft)
    assert "two yeses now" in press(client, "confirm", draft).content.decode()
    active = ModelVersionFactory()
    press(client, "retire", active)
    active.refresh_from_db()
    assert active.state == ModelState.RETIRED


# --- the admin


def send(client, **more):
    return client.post(reverse(ADD), {**ANSWERS, **more}, follow=True)


def test_a_weight_file_goes_from_the_form_to_the_registry(client, verified_client, places, queued):
    administrator = UserFactory(role="administrator")
    verified_client(administrator)
    assert "Add a model" in client.get(reverse(ADD)).content.decode()
    text = send(client, file=weight_file()).content.decode()
    assert "Waiting for the worker" in text
    assert 'http-equiv="refresh"' in text
    upload = ModelUpload.objects.get()
    tasks.take_model(str(upload.pk))
    model = ModelVersion.objects.get()
    assert (model.added_by, model.labels, model.state) == (administrator, ["spot"], "checked")
    assert model.metadata["card"]["authors"] == ["A. B.", "C. D."]
    assert model.metadata["output_shape"] == [None, 1, 16, 16]
    done = client.get(reverse("admin:imaging_modelupload_change", args=[upload.pk]))
    text = done.content.decode()
    assert "mine 1.0.0 is in the registry" in text
    assert 'http-equiv="refresh"' not in text
    assert model.get_absolute_url() in text


def test_a_refusal_is_read_on_the_uploads_page(client, verified_client, places, queued):
    verified_client(UserFactory(role="administrator"))
    bad = weight_file(b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00id\x85R.", "net.pt")
    send(client, file=bad)
    upload = ModelUpload.objects.get()
    tasks.take_model(str(upload.pk))
    there = reverse("admin:imaging_modelupload_change", args=[upload.pk])
    assert "asks for `posix.system`" in client.get(there).content.decode()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "Ä model", "Use a-z"),
        ("version", "one", "three numbers"),
        ("labels", "a\nA", "stands twice"),
        ("size", "big", "two or three whole numbers"),
        ("size", "0 × 5", "between 1 and 16384"),
        ("network", "UNet(", "not JSON"),
        ("network", "[]", "in braces"),
        ("authors", "", "required"),
    ],
)
def test_a_wrong_answer_is_named_at_its_field(client, verified_client, places, field, value, said):
    verified_client(UserFactory(role="administrator"))
    answer = send(client, file=weight_file(), **{field: value})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not ModelUpload.objects.exists()


def test_a_zip_in_the_wrong_form_and_no_zip_at_all(client, verified_client, places):
    verified_client(UserFactory(role="administrator"))
    text = send(client, file=weight_file(name="mine.zip")).content.decode()
    assert "goes into the form above" in text
    answer = client.post(reverse(ADD), {"sent": "zip"})
    assert answer.status_code == 422
    assert list(answer.context["by_zip"].errors) == ["zip"]


@pytest.mark.parametrize("role", ["radiologist", "clinician", "auditor", "researcher"])
def test_nobody_else_sends_a_model(client, verified_client, places, role):
    verified_client(UserFactory(role=role))
    answer = client.post(reverse(ADD), {**ANSWERS, "file": weight_file()})
    assert answer.status_code in (302, 403)
    assert not ModelUpload.objects.exists()


def test_an_old_proof_sends_no_model(client, verified_client, places):
    with time_machine.travel("2026-11-26 09:00:00Z", tick=False) as clock:
        verified_client(UserFactory(role="administrator"))
        clock.shift(301)
        answer = client.post(reverse(ADD), {**ANSWERS, "file": weight_file()})
    assert "reauthenticate" in answer.url
    assert not ModelUpload.objects.exists()


def test_the_lists_take_few_queries(client, verified_client, django_assert_max_num_queries):
    verified_client(UserFactory(role="administrator"))
    ModelVersionFactory.create_batch(5)
    with django_assert_max_num_queries(26):
        client.get(reverse("imaging:model-list"))
    with django_assert_max_num_queries(26):
        client.get(reverse("admin:imaging_modelversion_changelist"))
