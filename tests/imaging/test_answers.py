"""Classes, boxes and refusals: from the engine's answer to rows, pages, pictures and overrides."""

from pathlib import Path

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts.models import AuditEvent
from imaging.models import Job, Measurement, Result, ResultBox, ResultClass, Run
from imaging.services import jobs
from imaging.services.overrides import gate_override
from imaging.services.refusals import NotPossible
from imaging.services.seals import result_changes
from reports.answers import gate_words
from tests.accounts.factories import UserFactory
from tests.imaging.analyses import (
    REFUSAL,
    box_analysis,
    class_analysis,
    fake_analysis,
    refused_analysis,
    result_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(client):
    person = UserFactory()
    client.force_login(person)
    return person


@pytest.fixture
def stored(user, tmp_path, monkeypatch):
    """Return how to store the answer of an analysis as the result of a new job of `user`."""
    monkeypatch.setattr("imaging.queue.enqueue", lambda *args, **kwargs: None)

    return lambda make, kind: result_of(user, make, kind, tmp_path)


def test_classes_are_rows_of_their_own(stored):
    result = stored(class_analysis, "classification")
    lines = result.classes.all()
    assert [(one.label, one.p, one.verdict) for one in lines] == [
        ("tuberculosis", 0.83, "positive"),
        ("effusion", 0.2, "negative"),
    ]
    assert (result.severity, result.is_measured, result.gate_verdict) == (
        "not assessed",
        False,
        "pass",
    )
    assert result.said == "tuberculosis 0.83"
    assert [one.name for one in result.maps.all()] == ["saliency-0"]
    assert not Measurement.objects.filter(result=result).exists()


def test_boxes_are_rows_of_their_own(stored):
    result = stored(box_analysis, "detection")
    first = result.boxes.first()
    assert (first.name, first.x1, first.height, first.n) == ("B1", 12.5, 6.0, 1)
    assert result.said == "2 boxes, tumour 0.90"
    assert result.severity_reason.startswith("A box is not the area")


def test_what_the_gate_refused_has_no_numbers(stored):
    result = stored(refused_analysis, "segmentation")
    assert not result.is_analysed
    assert (result.said, result.severity) == ("Not analysed", "not assessed")
    assert result.severity_reason == f"Not analysed: {REFUSAL}"
    assert not result.maps.exists()
    assert not Measurement.objects.filter(result=result).exists()


def test_labels_are_measured_each(stored):
    def make(job, folder):
        analysis = fake_analysis(job, folder)
        row = analysis["measures"]["operating"] | {"area_px": 7}
        return analysis | {
            "label_measures": [{"label": "a", "row": row}, {"label": "b", "row": row}]
        }

    result = stored(make, "segmentation")
    found = result.measurements.filter(name="area_px").values_list("scope", "value")
    whole = result.measurements.get(scope="label-1", name="mask_px")
    assert (whole.value, whole.unit) == (7, "px")  # nothing of it outside
    assert dict(found)["label-1"] == 7
    assert set(dict(found)) == {"image", "label-0", "label-1"}
    assert result_changes(result) == []


@pytest.mark.parametrize(
    ("make", "kind", "model", "change", "part"),
    [
        (class_analysis, "classification", ResultClass, {"p": 0.1}, "resultclass 1.0"),
        (box_analysis, "detection", ResultBox, {"x1": 20}, "resultbox 1.0"),
        (refused_analysis, "detection", Result, {"gate_verdict": "pass"}, "gate_verdict"),
    ],
)
def test_an_edit_past_the_code_breaks_the_seal(stored, make, kind, model, change, part):
    result = stored(make, kind)
    assert result_changes(result) == []
    rows = model.objects.filter(pk=result.pk) if model is Result else model.objects.filter(
        result=result, position=1
    )  # fmt: skip
    rows.update(**change)
    assert result_changes(Result.objects.get(pk=result.pk)) == [part]


def test_a_seal_of_before_the_gate_is_still_whole(stored):
    result = stored(fake_analysis, "segmentation")
    Result.objects.filter(pk=result.pk).update(gate={}, gate_verdict="", decision={})
    result.refresh_from_db()
    result.seal.delete()
    from imaging.services import seals

    later, seals.LATER = seals.LATER, {}
    try:
        children = [row for model in seals.CHILD_FIELDS for row in seals._rows(model, result)]
        seals.result_seal(result, children).save(force_insert=True)
    finally:
        seals.LATER = later
    assert result_changes(result) == []
    Result.objects.filter(pk=result.pk).update(gate_verdict="pass")
    assert result_changes(Result.objects.get(pk=result.pk)) == ["gate_verdict"]


def test_sql_holds_what_an_answer_can_be(stored):
    result = stored(box_analysis, "detection")
    with pytest.raises(IntegrityError), transaction.atomic():
        result.boxes.filter(position=1).update(x1=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Result.objects.filter(pk=result.pk).update(severity="low")


PAGES = [
    (class_analysis, "classification", "tuberculosis"),
    (box_analysis, "detection", "B1 tumour"),
    (refused_analysis, "segmentation", REFUSAL),
]


@pytest.mark.parametrize(("make", "kind", "words"), PAGES)
def test_each_has_a_page(client, stored, make, kind, words):
    result = stored(make, kind)
    answer = client.get(result.get_absolute_url())
    page = answer.content.decode()
    assert answer.status_code == 200
    assert words in page
    assert "style=" not in page
    client.force_login(UserFactory())
    assert client.get(result.get_absolute_url()).status_code == 404
    client.logout()
    assert client.get(result.get_absolute_url()).status_code == 302


def test_a_page_asks_few_questions(client, stored, django_assert_max_num_queries):
    result = stored(class_analysis, "classification")
    with django_assert_max_num_queries(40):
        client.get(result.get_absolute_url())


def test_boxes_are_drawn_by_the_server(client, stored):
    result = stored(box_analysis, "detection")
    page = client.get(result.get_absolute_url()).content.decode()
    assert '<rect x="2.0" y="3.0" width="10.5" height="6.0"/>' in page
    assert "B1 tumour 0.90" in page
    off = client.get(result.get_absolute_url(), {"mode": "off"}).content.decode()
    assert 'class="boxes" viewBox' not in off


def test_where_models_looked_is_a_layer_and_an_outline_is_not(client, stored):
    result = stored(class_analysis, "classification")

    def layer(name, **query):
        return client.get(reverse("imaging:result-layer", args=[result.pk, name]), query)

    assert layer("heat")["Content-Type"] == "image/png"
    assert layer("original").status_code == 200
    assert layer("outline").status_code == layer("mask").status_code == 404
    boxes = stored(box_analysis, "detection")
    assert client.get(reverse("imaging:result-layer", args=[boxes.pk, "heat"])).status_code == 404


def test_thresholds_that_nobody_validated_are_said_so(client, stored):
    result = stored(class_analysis, "classification")
    assert "not validated" in client.get(result.get_absolute_url()).content.decode()


def test_a_reader_accepts_classes_and_has_nothing_to_edit(client, stored):
    result = stored(class_analysis, "classification")
    page = client.get(result.get_absolute_url()).content.decode()
    assert 'value="accepted"' in page
    assert 'value="edited"' not in page
    address = reverse("imaging:review-create", args=[result.pk])
    assert client.post(address, {"decision": "accepted", "seen": "0"}).status_code == 302
    assert result.reviews.get().decision == "accepted"
    wrong = client.post(address, {"decision": "edited", "seen": "1", "threshold": "0.3"})
    assert wrong.status_code == 422


def test_lists_say_what_was_found(client, stored):
    result = stored(box_analysis, "detection")
    for address in (
        reverse("imaging:study-list"),
        result.image.study.get_absolute_url(),
        result.job.run.get_absolute_url(),
        reverse("analytics:dashboard"),
    ):
        assert "2 boxes, tumour 0.90" in client.get(address).content.decode(), address


# --- past the gate


def test_what_the_gate_could_not_assess_is_said_in_words_on_page_and_print(client, stored):
    result = stored(class_analysis, "classification")
    text = client.get(result.get_absolute_url()).content.decode()
    assert "Not assessed: how like the training pictures this image is, since" in text
    title, sentences = gate_words(result)
    assert (title, len(sentences)) == ("", 1)
    assert sentences[0].startswith("Not assessed: how like the training pictures")
    Result.objects.filter(pk=result.pk).update(gate=result.gate | {"unassessed": []})
    result = Result.objects.get(pk=result.pk)
    assert "Not assessed: how like" not in client.get(result.get_absolute_url()).content.decode()
    assert gate_words(result) == ("", [])


def override(client, result, reason="The plate was cut to the lesion on purpose."):
    return client.post(reverse("imaging:gate-override", args=[result.pk]), {"reason": reason})


def test_a_radiologist_sets_a_refusal_aside_with_a_reason(client, user, stored, tmp_path):
    result = stored(refused_analysis, "segmentation")
    assert "Analyse all the same" in client.get(result.get_absolute_url()).content.decode()
    assert override(client, result).status_code == 302
    run = Run.objects.get(override_of=result)
    assert (run.requested_by, run.frozen) == (user, result.job.run.frozen)
    assert run.override_reason == "The plate was cut to the lesion on purpose."
    assert [job.image for job in run.jobs.all()] == [result.image]
    event = AuditEvent.objects.get(action="gate.override")
    assert event.target == f"result:{result.pk}"
    assert "plate" not in event.reason
    job = jobs.job_claim(run.jobs.get().pk)
    analysis = fake_analysis(job, tmp_path)
    analysis["gate"] = result.gate | {"overridden": True}
    assert jobs.job_succeed(job, analysis, tmp_path)
    after = Result.objects.get(job=job)
    assert after.is_analysed
    page = client.get(after.get_absolute_url()).content.decode()
    assert "Analysed although the input check refused" in page
    assert "The plate was cut to the lesion on purpose." in page


def test_the_engine_is_told_of_the_override(client, stored):
    from imaging.services.analysis import _request

    result = stored(refused_analysis, "segmentation")
    override(client, result)
    job = Job.objects.get(run__override_of=result)
    assert _request(job, Path("/nowhere"))["overridden"] is True
    assert _request(result.job, Path("/nowhere"))["overridden"] is False


def test_only_a_refusal_is_set_aside_and_only_with_a_reason(user, stored):
    fine, refused = stored(box_analysis, "detection"), stored(refused_analysis, "detection")
    with pytest.raises(NotPossible, match="did not refuse"):
        gate_override(user=user, result=fine, reason="because")
    with pytest.raises(NotPossible, match="Say why"):
        gate_override(user=user, result=refused, reason="  ")
    assert not Run.objects.filter(override_of__isnull=False).exists()


def test_who_may_not_is_told_and_a_stranger_finds_nothing(client, stored):
    result = stored(refused_analysis, "segmentation")
    client.force_login(UserFactory())
    assert override(client, result).status_code == 404
    client.force_login(UserFactory(organisation=result.organisation, role="technician"))
    assert override(client, result).status_code == 403
    client.logout()
    assert override(client, result).status_code == 302
    assert not Run.objects.filter(override_of=result).exists()


# --- masks of several labels


def two_labels(job, folder):
    analysis = fake_analysis(job, folder)
    row = analysis["measures"]["operating"] | {"area_percent": 3.25, "area_px": 7}
    labels = [{"label": name, "row": row} for name in ("anterior", "posterior")]
    analysis["maps"]["labels"] = {"anterior": "member-0.u8", "posterior": "member-0.u8"}
    analysis["maps"]["augmentation"] = "member-0.u8"
    return analysis | {"label_measures": labels, "decision": {"augmentation": True}}


def test_each_label_has_its_measures_and_its_map(client, stored):
    result = stored(two_labels, "segmentation")
    page = client.get(result.get_absolute_url()).content.decode()
    assert "posterior" in page
    assert "3.25 %" in page
    assert "map=label-1" in page
    chosen = client.get(result.get_absolute_url(), {"map": "label-1"}).content.decode()
    assert reverse("imaging:result-map", args=[result.pk, "label-1"]) in chosen
    assert "The picture shows posterior" in chosen
    layer = reverse("imaging:result-layer", args=[result.pk, "heat"])
    assert client.get(layer, {"map": "label-0"}).status_code == 200
    assert client.get(layer, {"map": "../ensemble"}).status_code == 200  # falls back, as others do


def test_the_spread_of_mirrored_copies_is_shown_where_it_is_the_only_one(client, stored):
    result = stored(two_labels, "segmentation")
    page = client.get(result.get_absolute_url(), {"mode": "disagreement"}).content.decode()
    assert reverse("imaging:result-map", args=[result.pk, "augmentation"]) in page
    assert "mirrored copies" in page
    assert 'data-mode="disagreement"' in page
