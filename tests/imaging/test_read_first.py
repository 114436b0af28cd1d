"""U23: until an impression is saved, nothing that a reader is sent holds what the models say."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import AuditEvent, Organisation, User
from accounts.roles import ADMINISTRATOR, CLINICIAN
from imaging.models import Impression, Study
from imaging.services.reviews import review_save
from imaging.services.standings import standings_settle
from reports.models import Export
from tests.accounts.factories import UserFactory, verify
from tests.imaging.factories import ImageFactory, JobFactory, ResultFactory, ReviewFactory
from tests.imaging.volumes import NIFTI, SHAPE, volume_result

pytestmark = pytest.mark.django_db
TELLING = ("26.04", "chip high", "Models disagree", "whole image", "0.93")


@pytest.fixture
def result():
    made = ResultFactory(disagree=True)
    Organisation.objects.filter(pk=made.organisation_id).update(read_first=True)
    return made


@pytest.fixture
def reader(client, result):
    person = result.job.run.requested_by
    client.force_login(User.objects.get(pk=person.pk))
    return person


def read(result) -> str:
    return reverse("imaging:image-read", args=[result.image_id])


def addresses(result) -> dict[str, str]:
    """Every page and byte that shows a study, by name."""
    pk, image = result.pk, result.image_id
    return {
        "worklist": reverse("imaging:study-list"),
        "high": reverse("imaging:study-list") + "?severity=high",
        "study": result.image.study.get_absolute_url(),
        "patient": reverse("imaging:patient-detail", args=[result.patient_id]),
        "run": result.job.run.get_absolute_url(),
        "runs": reverse("imaging:run-list"),
        "dashboard": reverse("analytics:dashboard"),
        "reading": read(result),
        "map": reverse("imaging:result-map", args=[pk, "ensemble"]),
        "map slice": reverse("imaging:result-map-slice", args=[pk, "ensemble", "stored", 1]),
        "layer": reverse("imaging:result-layer", args=[pk, "heat"]),
        "original of the result": reverse("imaging:result-layer", args=[pk, "original"]),
        "pixels": reverse("imaging:image-pixels", args=[image]),
        "original": reverse("imaging:image-original", args=[image]),
        "paint": reverse("imaging:review-paint", args=[pk]),
    }


CLOSED = ("map", "map slice", "layer", "original of the result", "paint")


def test_nothing_tells_before_the_impression(client, reader, result):
    partial = reverse("imaging:run-status", args=[result.job.run_id])
    answers = {name: client.get(url) for name, url in addresses(result).items()}
    answers["poll"] = client.get(partial, headers={"HX-Request": "true"})
    for name, answer in answers.items():
        assert answer.status_code == (404 if name in CLOSED else 200), name
        if "text/html" in answer["Content-Type"]:
            text = answer.content.decode().partition("<main")[2]
            assert [word for word in TELLING if word in text] == [], name
            assert result.get_absolute_url() not in text, name
    assert client.get(result.get_absolute_url()).url == read(result)
    assert answers["high"].context["page"].rows == []
    assert {tab.key: tab.count for tab in answers["worklist"].context["page"].tabs}["high"] == 0
    (row,) = answers["worklist"].context["page"].rows
    assert (row.result, row.review, row.assessed, row.to_read) == (None, None, 0, result.image_id)


def test_what_the_viewer_is_told_is_of_the_picture_alone(client, reader, result):
    page = client.get(read(result))
    told = page.context["config"]
    assert set(told) == {
        "pixels", "depth", "height", "width", "pixel", "dtype", "slope", "intercept", "minimum",
        "maximum", "unit", "spacing", "spacingKind", "lesions", "slice", "center", "windowWidth",
    }  # fmt: skip
    assert told["lesions"] == []
    assert client.get(told["pixels"]).status_code == 200
    text = page.content.decode()
    for word in (str(result.pk), str(result.job_id), str(result.job.run_id), "/results/", "/maps/"):
        assert word not in text, word


def test_a_volume_opens_in_its_middle_wherever_the_finding_is(client, tmp_path):
    reader = UserFactory(read_first=True)
    result = volume_result(reader, tmp_path, affine=NIFTI)
    client.force_login(reader)
    page = client.get(reverse("imaging:image-read", args=[result.image_id]))
    told = page.context["config"]
    assert (told["slice"], told["depth"]) == (SHAPE[0] // 2, SHAPE[0])
    assert result.slices["px"][0].index(max(result.slices["px"][0])) != told["slice"]
    assert len(client.get(f"{told['pixels']}7/").content) == 2 * SHAPE[1] * SHAPE[2]
    assert str(result.pk) not in page.content.decode()


def test_no_file_and_no_decision_before_the_impression(client, reader, result, queued):
    verify(client, reader)
    for kind in ("pdf", "pdfs", "csv", "masks"):
        client.post(reverse("reports:export-create"), {"kind": kind, "result": [result.pk]})
    assert not Export.objects.exists()
    decision = {"decision": "accepted", "seen": 0}
    answer = client.post(reverse("imaging:review-create", args=[result.pk]), decision)
    assert answer.status_code == 404


def test_after_the_impression_everything_is_sent_and_both_words_are_kept(client, reader, result):
    page = client.get(read(result))
    assert 'name="text"' in page.content.decode()
    refused = client.post(read(result), {"text": "  "})
    assert refused.status_code == 422
    assert not Impression.objects.exists()
    answer = client.post(read(result), {"text": "A shadow on the left."})
    assert answer.url == result.get_absolute_url()
    text = client.get(answer.url).content.decode()
    assert "26.04" in text
    assert "A shadow on the left." in text
    assert AuditEvent.objects.filter(action="impression.save").count() == 1
    review_save(by=reader, result=result, seen=0, decision="accepted", comment="It is a rib.")
    text = client.get(answer.url).content.decode()
    assert "A shadow on the left." in text
    assert "It is a rib." in text
    client.post(read(result), {"text": "Something else."})
    assert Impression.objects.get().text == "A shadow on the left."
    for name, url in addresses(result).items():
        assert client.get(url, follow=True).status_code == 200, name
    told = client.get(addresses(result)["worklist"]).content.decode().partition("<main")[2]
    assert [word for word in TELLING[:4] if word in told] == list(TELLING[:4])


def test_one_readers_words_open_nothing_to_another(client, reader, result):
    Impression.objects.create(
        organisation=result.organisation, patient=result.patient, image=result.image,
        author=reader, text="Seen.",
    )  # fmt: skip
    other = UserFactory(organisation=result.organisation)
    client.force_login(other)
    assert client.get(result.get_absolute_url()).url == read(result)
    ReviewFactory(result=result, author=reader)
    assert client.get(result.get_absolute_url()).url == read(result)
    text = client.get(read(result)).content.decode()
    assert "Seen." not in text


def test_order_and_count_of_the_list_tell_nothing(client, reader, result):
    """The grave study is no higher than the mild one, nor does its worst image come first."""
    first = ImageFactory(user=reader)
    mild = ResultFactory(
        user=reader, severity="low", job=JobFactory(user=reader, image=first, succeeded=True)
    )
    second = ImageFactory(user=reader, study=first.study)
    ResultFactory(
        user=reader, severity="moderate",
        job=JobFactory(user=reader, image=second, succeeded=True),
    )  # fmt: skip
    Study.objects.filter(pk=mild.image.study_id).update(created_at="2020-01-01T00:00Z")
    standings_settle([mild.image.study_id, result.image.study_id])
    page = client.get(reverse("imaging:study-list")).context["page"]
    assert [row.study for row in page.rows] == [mild.image.study, result.image.study]
    assert page.rows[0].to_read == first.pk
    assert page.rows[0].image_id == first.pk
    assert {tab.key: tab.count for tab in page.tabs}["review"] == 2


def test_a_reader_may_turn_it_on_for_themselves_and_not_off(client):
    result = ResultFactory()
    reader = result.job.run.requested_by
    client.force_login(reader)
    assert client.get(result.get_absolute_url()).status_code == 200
    page = reverse("accounts:reading")
    assert "Read first from now on" in client.get(page).content.decode()
    client.post(page)
    assert client.get(result.get_absolute_url()).url == read(result)
    client.post(page, {"read_first": ""})
    assert User.objects.get(pk=reader.pk).read_first
    assert "Read first from now on" not in client.get(page).content.decode()


def test_an_administrator_turns_it_on_and_off_for_the_house(client):
    result = ResultFactory()
    house = result.organisation
    administrator = UserFactory(organisation=house, role=ADMINISTRATOR)
    verify(client, administrator)
    page = reverse("people:read-first", args=[house.pk])
    client.post(page, {"read_first": "on"})
    house.refresh_from_db()
    assert house.read_first
    client.post(page)
    house.refresh_from_db()
    assert not house.read_first
    assert AuditEvent.objects.filter(action="reading.first").count() == 2


def test_whoever_does_not_decide_is_sent_the_result_at_once(client, result):
    from tests.imaging.factories import AssignmentFactory

    clinician = UserFactory(organisation=result.organisation, role=CLINICIAN)
    AssignmentFactory(patient=result.patient, user=clinician)
    client.force_login(clinician)
    assert client.get(result.get_absolute_url()).status_code == 200


def test_a_stranger_reads_nothing_first(client, result):
    client.force_login(UserFactory())
    for name in ("image-read", "image-original"):
        url = reverse(f"imaging:{name}", args=[result.image_id])
        assert client.get(url).status_code == 404
