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
from tests.inference.factories import constant_unet
from tests.inference.task_models import onnx_classifier, onnx_detector
from tests.registry.sent import places, sent_folder, weight_file

pytestmark = pytest.mark.django_db
__all__ = ["places"]
ADD = "admin:imaging_modelversion_add"
ANSWERS = {
    "name": "mine", "version": "1.0.0", "type": "segmentation", "modality": ["xray"],
    "labels": "background\nspot", "size": "16 × 16", "channels": "1", "values": "unit",
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


def described(client, data=None, file="net.onnx", **more):
    """Send a weight file, let it be looked into, and answer the form; return the last page."""
    client.post(reverse(ADD), {"file": weight_file(data, file)})
    upload = ModelUpload.objects.get()
    tasks.take_model(str(upload.pk))
    return client.post(there(upload), {**ANSWERS, **more}, follow=True)


def there(upload) -> str:
    return reverse("admin:imaging_modelupload_change", args=[upload.pk])


def test_a_weight_file_goes_from_the_form_to_the_registry(client, verified_client, places, queued):
    administrator = UserFactory(role="administrator")
    verified_client(administrator)
    assert "Add a model" in client.get(reverse(ADD)).content.decode()
    answer = client.post(reverse(ADD), {"file": weight_file(name="My Net (2).onnx")}, follow=True)
    assert 'http-equiv="refresh"' in answer.content.decode()
    upload = ModelUpload.objects.get()
    tasks.take_model(str(upload.pk))
    asked = client.get(there(upload))
    assert "Describe the model" in asked.content.decode()
    assert 'http-equiv="refresh"' not in asked.content.decode()
    initial = asked.context["form"].initial
    assert (initial["name"], initial["labels"], initial["any_size"]) == (
        "my-net-2",
        "finding 1",
        True,
    )
    answer = client.post(there(upload), ANSWERS, follow=True)
    assert "Waiting for the worker" in answer.content.decode()
    tasks.take_model(str(upload.pk))
    model = ModelVersion.objects.get()
    assert (model.added_by, model.labels, model.state) == (administrator, ["spot"], "checked")
    assert model.metadata["card"]["authors"] == ["A. B.", "C. D."]
    assert model.metadata["output_shape"] == [None, 1, 16, 16]
    text = client.get(there(upload)).content.decode()
    assert "mine 1.0.0 is in the registry" in text
    assert model.get_absolute_url() in text


def test_a_refusal_is_read_on_the_uploads_page_and_asks_for_nothing(
    client, verified_client, places, queued
):
    verified_client(UserFactory(role="administrator"))
    bad = weight_file(b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00id\x85R.", "net.pt")
    client.post(reverse(ADD), {"file": bad})
    upload = ModelUpload.objects.get()
    tasks.take_model(str(upload.pk))
    text = client.get(there(upload)).content.decode()
    assert "net.pt asks for `posix.system`" in text
    assert "Describe the model" not in text


def test_a_wrong_description_is_corrected_without_sending_the_file_again(
    client, verified_client, places, queued
):
    verified_client(UserFactory(role="administrator"))
    described(client, labels="a\nb\n", activation="softmax", type="classification")
    upload = ModelUpload.objects.get()
    assert upload.status == "asking"  # two labels, one output: said at once, nothing converted
    client.post(there(upload), {**ANSWERS, "type": "classification", "labels": "a"})
    tasks.take_model(str(upload.pk))
    asked = client.get(there(upload))
    assert "Refused:" in asked.content.decode()
    assert "output_shape says [None, 1]" in asked.content.decode()
    initial = asked.context["form"].initial
    assert (initial["labels"], initial["evaluation"], initial["size"]) == ("a", "n = 1", "16 × 16")
    client.post(there(upload), ANSWERS)
    tasks.take_model(str(upload.pk))
    upload.refresh_from_db()
    assert (upload.status, upload.error, upload.model_version.name) == ("succeeded", "", "mine")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "Ä model", "Use a-z"),
        ("version", "one", "three numbers"),
        ("labels", "a\nA", "stands twice"),
        ("labels", "a\nb\nc", "The network has 1 outputs, and 3 labels are named."),
        ("size", "big", "two or three whole numbers"),
        ("size", "0 × 5", "between 1 and 16384"),
        ("size", "8 × 8 × 8", "reads 2 axes: write 2 numbers"),
        ("values", "range", "the lower and the upper value"),
        ("values", "imagenet", "three channels"),
        ("modality", [], "at least one kind of image"),
        ("authors", "", "required"),
    ],
)
def test_a_wrong_answer_is_named_at_its_field(
    client, verified_client, places, queued, field, value, said
):
    verified_client(UserFactory(role="administrator"))
    answer = described(client, **{field: value})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert ModelUpload.objects.get().status == "asking"


@pytest.mark.parametrize("kind", ["onnx detector", "onnx classifier"])
def test_classifiers_and_detectors_come_in_by_the_form_and_have_a_page(
    client, verified_client, places, queued, kind
):
    verified_client(UserFactory(role="administrator"))
    answers = {"size": "64 × 64", "type": kind.rpartition(" ")[2].replace("ier", "ication")}
    if kind == "onnx detector":
        place = onnx_detector(places, "m", [[4, 4, 30, 30], [8, 8, 20, 20]], [0.9, 0.6])
        answers |= {"type": "detection", "labels": "nodule"}
        data, found = (place / "model.onnx").read_bytes(), "boxes: 2"
    else:
        place = onnx_classifier(places, "m", [0.8, 0.3])
        answers |= {"labels": "a\nb", "activation": "sigmoid"}
        data, found = (place / "model.onnx").read_bytes(), "a 0.80, b 0.30"
    described(client, data, **answers)
    upload = ModelUpload.objects.get()
    tasks.take_model(str(upload.pk))
    upload.refresh_from_db()
    assert (upload.status, upload.error) == ("succeeded", "")
    assert found in page(client, upload.model_version)


@pytest.mark.parametrize(
    ("network", "said"), [("UNet(", "not JSON"), ("[]", "in braces"), ("", "name the network")]
)
def test_numbers_alone_are_asked_for_their_network(
    client, verified_client, places, queued, network, said
):
    verified_client(UserFactory(role="administrator"))
    answer = described(client, constant_unet(0.5), "net.safetensors", network=network)
    assert (answer.status_code, said in answer.content.decode()) == (422, True)


def test_values_size_and_layout_become_what_the_engine_reads(
    client, verified_client, places, queued
):
    verified_client(UserFactory(role="administrator"))
    described(client, values="range", value_range="-1000 to 400", any_size="on")
    record = ModelUpload.objects.get().form
    assert record["intensity"] == [
        {"op": "scale", "from": [-1000.0, 400.0], "to": [0, 1], "clip": True}
    ]
    assert record["input_shape"] == [None, 1, None, None]
    assert record["preprocessing"] == {"normalize": False, "target_size": [16, 16]}


def test_no_file_at_all_and_an_auditor_who_may_not_describe(
    client, verified_client, places, queued
):
    verified_client(UserFactory(role="administrator"))
    answer = client.post(reverse(ADD), {})
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["file"])
    client.post(reverse(ADD), {"file": weight_file()})
    upload = ModelUpload.objects.get()
    tasks.take_model(str(upload.pk))
    client.logout()
    verified_client(UserFactory(role="auditor"))
    text = client.get(there(upload)).content.decode()
    assert "An administrator is asked to describe it." in text
    assert client.post(there(upload), ANSWERS).status_code == 403
    upload.refresh_from_db()
    assert (upload.status, upload.form) == ("asking", None)


@pytest.mark.parametrize("role", ["radiologist", "clinician", "auditor", "researcher"])
def test_nobody_else_sends_a_model(client, verified_client, places, role):
    verified_client(UserFactory(role=role))
    answer = client.post(reverse(ADD), {"file": weight_file()})
    assert answer.status_code in (302, 403)
    assert not ModelUpload.objects.exists()


def test_an_old_proof_sends_no_model(client, verified_client, places):
    with time_machine.travel("2026-11-26 09:00:00Z", tick=False) as clock:
        verified_client(UserFactory(role="administrator"))
        clock.shift(301)
        answer = client.post(reverse(ADD), {"file": weight_file()})
    assert "reauthenticate" in answer.url
    assert not ModelUpload.objects.exists()


def test_the_lists_take_few_queries(client, verified_client, django_assert_max_num_queries):
    verified_client(UserFactory(role="administrator"))
    ModelVersionFactory.create_batch(5)
    with django_assert_max_num_queries(26):
        client.get(reverse("imaging:model-list"))
    with django_assert_max_num_queries(26):
        client.get(reverse("admin:imaging_modelversion_changelist"))
