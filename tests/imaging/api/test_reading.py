"""What a program reads by API: its own, page by page, at a constant cost; strangers nothing."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEvent
from accounts.roles import TECHNICIAN
from imaging.models import Lesion, Measurement, Study
from tests.accounts.api.calls import bearer, pair_of
from tests.accounts.factories import StrangerFactory, UserFactory
from tests.imaging.factories import (
    EnsembleFactory,
    ImageFactory,
    JobFactory,
    ResultFactory,
    ReviewFactory,
    StudyFactory,
    UploadFactory,
    UploadItemFactory,
)
from tests.reports.factories import ExportFactory

pytestmark = pytest.mark.django_db
NOUNS = ("study", "series", "image", "upload", "run", "job", "result", "review", "export")


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def get(client, user):
    """Ask as `user`, by token."""
    headers = bearer(pair_of(client, user)["access"])

    def ask(route, *args, status=200, more=None, **query):
        answer = client.get(
            reverse(f"api:{route}", args=args), query, headers=headers | (more or {})
        )
        assert answer.status_code == status, answer.content
        return answer

    return ask


def rows_of(user, organisation=None) -> dict[str, uuid.UUID]:
    """One row of each noun that is `user`'s."""
    result = ResultFactory(user=user)
    return {
        "study": result.image.study_id,
        "series": result.image.series_id,
        "image": result.image_id,
        "upload": UploadFactory(user=user, finished=True).pk,
        "run": result.job.run_id,
        "job": result.job_id,
        "result": result.pk,
        "review": ReviewFactory(result=result).pk,
        "export": ExportFactory(results=[result], user=user).pk,
    }


@pytest.fixture
def rows(user):
    return rows_of(user)


def test_the_owner_reads_every_noun_and_finds_it_in_its_list(get, rows):
    for noun, pk in rows.items():
        assert get(f"{noun}-detail", pk).json()["id"] == str(pk), noun
        assert str(pk) in [one["id"] for one in get(f"{noun}-list").json()["results"]], noun


def test_a_stranger_finds_nothing_and_the_anonymous_are_asked_who_they_are(client, get):
    others = rows_of(UserFactory())
    for noun, pk in others.items():
        answer = get(f"{noun}-detail", pk, status=404)
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "not_found"
        assert answer.json()["request_id"] == answer["X-Request-ID"]
        assert get(f"{noun}-list").json()["results"] == []
        there = reverse(f"api:{noun}-detail", args=[pk])
        anonymous = client.get(there)
        assert anonymous.status_code == 401
        assert anonymous["WWW-Authenticate"].startswith("Bearer")


def test_who_has_no_role_is_told_which_one_it_takes(client):
    headers = bearer(pair_of(client, StrangerFactory())["access"])
    answer = client.get(reverse("api:study-list"), headers=headers)
    assert answer.status_code == 403
    assert "Radiologist" in answer.json()["detail"]


def test_a_technician_sees_the_state_of_a_job_and_no_result(client, user):
    house = user.memberships.get().organisation
    result = ResultFactory(user=user)
    technician = UserFactory(organisation=house, role=TECHNICIAN)
    headers = bearer(pair_of(client, technician)["access"])
    job = client.get(reverse("api:job-detail", args=[result.job_id]), headers=headers).json()
    assert (job["status"], job["result"]) == ("succeeded", None)
    there = reverse("api:result-detail", args=[result.pk])
    assert client.get(there, headers=headers).status_code == 403


def test_what_is_to_be_read_first_is_not_sent(get, user):
    result = ResultFactory(user=user)
    assert get("job-detail", result.job_id).json()["result"] == str(result.pk)
    user.read_first = True
    user.save()
    get("result-detail", result.pk, status=404)
    assert get("job-detail", result.job_id).json()["result"] is None


def test_pages_follow_their_cursor_both_ways_without_gap(client, get, user):
    made = {str(one.pk) for one in StudyFactory.create_batch(5, user=user)}
    first = get("study-list", limit=2).json()
    assert first["previous"] is None
    headers = bearer(pair_of(client, user)["access"])
    second = client.get(first["next"], headers=headers).json()
    third = client.get(second["next"], headers=headers).json()
    assert third["next"] is None
    found = [one["id"] for page in (first, second, third) for one in page["results"]]
    assert len(found) == 5
    assert set(found) == made
    assert client.get(second["previous"], headers=headers).json()["results"] == first["results"]


def test_the_order_comes_from_a_list(get, user):
    StudyFactory.create_batch(3, user=user)
    newest = [one["id"] for one in get("study-list").json()["results"]]
    oldest = [one["id"] for one in get("study-list", ordering="created_at").json()["results"]]
    assert newest == oldest[::-1]
    wrong = get("study-list", ordering="patient__name", status=400).json()
    assert (wrong["code"], wrong["errors"][0]["field"]) == ("invalid", "ordering")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"), ("limit", "201"), ("limit", "9" * 5000), ("cursor", "x"),
        ("cursor", "cD1ub3doZXJl"), ("cursor", "cD0wMDAxLTAxLTAxVDAwOjAw"), ("colour", "red"),
        ("modality", "ultrasound"), ("patient", "kim"), ("created_after", "0"),
        ("study_instance_uid", "\0"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_by_name(get, name, value):
    answer = get("study-list", **{name: value}, status=400).json()
    assert [one["field"] for one in answer["errors"]] == [name]


def test_lists_are_narrowed(get, user):
    one, other = ImageFactory(user=user), ImageFactory(user=user, modality="ct")
    found = get("image-list", study=one.study_id).json()["results"]
    assert [row["id"] for row in found] == [str(one.pk)]
    found = get("study-list", modality="ct").json()["results"]
    assert [row["id"] for row in found] == [str(other.study_id)]
    uid = one.study.study_instance_uid
    found = get("study-list", study_instance_uid=uid).json()["results"]
    assert [row["id"] for row in found] == [str(one.study_id)]
    assert get("study-list", created_after="2100-01-01T00:00Z").json()["results"] == []


def test_an_answer_that_did_not_change_is_not_sent_again(get, rows):
    first = get("run-detail", rows["run"])
    again = get("run-detail", rows["run"], more={"If-None-Match": first["ETag"]}, status=304)
    assert again.content == b""
    JobFactory(run_id=rows["run"])
    changed = get("run-detail", rows["run"], more={"If-None-Match": first["ETag"]})
    assert changed["ETag"] != first["ETag"]


def test_a_result_says_what_its_page_says(get, user):
    result = ResultFactory(user=user)
    body = get("result-detail", result.pk).json()
    assert body["affected_area_percent"] == 26.04
    assert (body["average_lesion_intensity"], body["circularity"]) == (120.5, 0.93)
    assert (body["severity"], body["denominator"], body["lesions"]) == ("high", "whole image", 1)
    assert body["members"][0]["device_used"] == "cpu"
    assert body["maps"] == ["ensemble"]
    assert body["gate"] == {"verdict": "", "overridden": False, "checks": []}


def test_lesions_measurements_and_other_thresholds(get, user):
    result = ResultFactory(user=user)
    organisation = result.organisation
    Lesion.objects.create(
        result=result, organisation=organisation, position=1, tracking_uid="2.25.1",
        facts={"area_px": 200},
    )  # fmt: skip
    Measurement.objects.create(
        result=result, organisation=organisation, name="area_percent", value=26.04, unit="%",
        denominator="whole image", threshold=0.5, rule="area",
    )  # fmt: skip
    (lesion,) = get("result-lesions", result.pk).json()
    assert lesion == {"position": 1, "tracking_uid": "2.25.1", "facts": {"area_px": 200}}
    (number,) = get("result-measurements", result.pk).json()
    assert (number["value"], number["unit"], number["denominator"]) == (26.04, "%", "whole image")
    (row,) = get("result-thresholds", result.pk).json()
    assert (row["t"], row["area_px"], row["severity"]) == (0.5, 200, "high")


def test_the_mask_of_a_picture_is_a_png_or_a_nifti(get, user):
    result = ResultFactory(user=user)
    png = get("result-mask", result.pk, more={"Accept": "image/png"})
    assert png.content.startswith(b"\x89PNG")
    assert png["Content-Disposition"].endswith('mask.png"')
    nifti = get("result-mask", result.pk, kind="nii.gz")
    assert nifti.content.startswith(b"\x1f\x8b")
    assert AuditEvent.objects.filter(action="image.download").count() == 2
    get("result-mask", result.pk, kind="gif", status=400)


def test_a_map_and_pixels_come_in_ranges(get, user):
    result = ResultFactory(user=user)
    part = get("result-maps", result.pk, "ensemble", more={"Range": "bytes=0-3"}, status=206)
    assert part.getvalue() == bytes([5, 5, 5, 5])
    get("result-maps", result.pk, "nothing", status=404)
    pixels = get("image-pixels", result.image_id).getvalue()
    assert len(pixels) == 24 * 32
    assert get("image-thumbnail", result.image_id).getvalue().startswith(b"\x89PNG")


def test_the_receipt_names_what_was_refused(get, user):
    upload = UploadFactory(user=user, finished=True)
    UploadItemFactory(upload=upload, refused=True)
    body = get("upload-detail", upload.pk).json()
    assert body["reading"] is False
    assert (body["items"][0]["status"], body["items"][0]["code"]) == ("refused", "empty")


def test_models_and_ensembles_of_the_house_and_of_ones_own(get, user):
    own = EnsembleFactory(organisation=user.memberships.get().organisation)
    EnsembleFactory(organisation=ImageFactory().organisation)
    built_in = EnsembleFactory()
    found = get("ensemble-list").json()["results"]
    assert {one["id"] for one in found} == {str(own.pk), str(built_in.pk)}
    model = built_in.members.get().model_version
    assert get("model-list", name=model.name).json()["results"][0]["id"] == str(model.pk)
    assert get("model-detail", model.pk).json()["card"]["intended_use"] == "Tests"


def test_reading_is_written_down(get, rows):
    get("study-detail", rows["study"])
    get("result-detail", rows["result"])
    kept = list(AuditEvent.objects.values_list("action", flat=True))
    assert kept.count("study.view") == kept.count("result.view") == 1


@pytest.mark.parametrize("noun", NOUNS)
def test_a_list_costs_the_same_however_long(get, user, noun):
    rows_of(user)
    get(f"{noun}-list")
    counted = _cost(get, noun)
    for _ in range(3):
        rows_of(user)
    assert _cost(get, noun) == counted
    assert len(get(f"{noun}-list").json()["results"]) == 4


def _cost(get, noun) -> int:
    with CaptureQueriesContext(connection) as seen:
        get(f"{noun}-list")
    return len(seen)


def test_nothing_is_changed_by_reading(get, rows):
    before = Study.objects.get(pk=rows["study"]).updated_at
    get("study-detail", rows["study"])
    assert Study.objects.get(pk=rows["study"]).updated_at == before
