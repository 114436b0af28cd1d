"""Two results of one patient side by side: who may, which, and how they differ."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEvent, Organisation
from accounts.roles import RADIOLOGIST
from imaging.compare_page import measure_rows
from imaging.models import Result, Study
from imaging.services.jobs import job_succeed
from mediscan.templatetags.ui import signed
from tests.accounts.factories import DepartmentFactory, MembershipFactory, UserFactory
from tests.imaging.analyses import box_analysis, class_analysis
from tests.imaging.factories import (
    ImageFactory,
    JobFactory,
    ResultFactory,
    RunFactory,
    StudyFactory,
    operating_row,
)
from tests.imaging.volumes import NIFTI, phantom, volume_facts

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(client):
    person = UserFactory()
    client.force_login(person)
    return person


@pytest.fixture
def result(user):
    return ResultFactory(user=user)


def of_same_patient(user, result):
    study = StudyFactory(user=user, patient=result.patient)
    job = JobFactory(user=user, image=ImageFactory(user=user, study=study), succeeded=True)
    return ResultFactory(job=job)


def another_run(user, result):
    return ResultFactory(job=JobFactory(user=user, image=result.image, succeeded=True))


def pair(one, other) -> str:
    return reverse("imaging:result-compare", args=[one.pk, other.pk])


def listing(result) -> str:
    return reverse("imaging:result-compare-list", args=[result.pk])


def test_the_owner_can_a_stranger_finds_nothing_the_anonymous_are_sent_away(client, user, result):
    prior = of_same_patient(user, result)
    for address in (pair(result, prior), listing(result)):
        client.force_login(user)
        assert client.get(address).status_code == 200
        client.force_login(UserFactory())
        assert client.get(address).status_code == 404
        client.logout()
        assert client.get(address).status_code == 302


def test_another_patient_is_not_there_whoever_may_see_both(client, user, result):
    stranger = ResultFactory(user=user)
    assert client.get(stranger.get_absolute_url()).status_code == 200
    assert stranger.patient_id != result.patient_id
    assert client.get(pair(result, stranger)).status_code == 404
    assert client.get(pair(stranger, result)).status_code == 404


def test_a_prior_of_another_department_is_neither_listed_nor_shown(client, user, result):
    prior = of_same_patient(user, result)
    chest, heart = (DepartmentFactory(organisation=result.organisation) for _ in range(2))
    Study.objects.filter(pk=result.image.study_id).update(department=chest)
    Study.objects.filter(pk=prior.image.study_id).update(department=heart)
    assert pair(result, prior) in client.get(listing(result)).content.decode()
    reader = MembershipFactory(
        organisation=result.organisation, role=RADIOLOGIST, department=chest
    ).user
    client.force_login(reader)
    assert pair(result, prior) not in client.get(listing(result)).content.decode()
    assert client.get(pair(result, prior)).status_code == 404
    assert client.get(pair(result, result)).status_code == 200


def test_the_list_tells_other_runs_of_the_image_from_other_images(client, user, result):
    run, prior = another_run(user, result), of_same_patient(user, result)
    groups = client.get(listing(result)).context["lists"]
    assert [found for _title, found in groups] == [[run], [prior]]


def test_both_openings_stand_in_the_trail(client, user, result):
    prior = of_same_patient(user, result)
    client.get(pair(result, prior))
    assert AuditEvent.objects.filter(action="result.view").count() == 2


def test_what_must_be_read_first_is_not_there(client, user, result):
    prior = of_same_patient(user, result)
    Organisation.objects.filter(pk=result.organisation_id).update(read_first=True)
    assert client.get(pair(result, prior)).status_code == 404
    assert client.get(listing(result)).status_code == 404


def test_the_same_statements_for_ten_priors_as_for_two(client, user, result):
    client.get(listing(result))  # what is written down once is written
    counts = []
    for n in (2, 8):
        for _ in range(n):
            of_same_patient(user, result)
        with CaptureQueriesContext(
            connection,
        ) as seen:
            client.get(listing(result))
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_differences_are_this_less_the_other_and_none_where_shares_are_of_different_things():
    first = operating_row(area_percent=4.25, area_px=425, circularity=0.5, lesions=2)
    second = operating_row(area_percent=3.0, area_px=300, circularity=None, lesions=3)
    rows = {row["name"]: row["less"] for row in measure_rows(first, second)}
    assert (rows["area_percent"], rows["area_px"], rows["lesions"]) == (1.25, 125, -1)
    assert rows["circularity"] is None
    apart = measure_rows(first, second | {"denominator": "lung fields"})
    assert {row["name"]: row["less"] for row in apart}["area_percent"] is None
    assert [signed(value, 2) for value in (1.25, -1, 0, -0.001, None)] == [
        "+1.25", "-1.00", "0.00", "0.00", "—"
    ]  # fmt: skip


def test_without_a_script_both_pictures_and_their_numbers_stand_there(client, user, result):
    prior = of_same_patient(user, result)
    page = client.get(pair(result, prior) + "?mode=mask&t=0.5").content.decode()
    for one in (result, prior):
        assert reverse("imaging:result-layer", args=[one.pk, "mask"]) in page
    assert page.count('data-measure="area_percent"') == 1


def test_the_film_holds_the_studys_other_images_and_the_newest_prior(client, user, result):
    prior = of_same_patient(user, result)
    Study.objects.filter(pk=prior.image.study_id).update(
        created_at=result.image.study.created_at - timedelta(days=300)
    )
    beside = ImageFactory(user=user, study=result.image.study)
    old, new = (
        ResultFactory(job=JobFactory(user=user, image=beside, succeeded=True)) for _ in range(2)
    )
    later = of_same_patient(user, result)
    shown = client.get(result.get_absolute_url()).context["film"]
    assert shown == {"images": [new], "prior": prior}
    assert old not in shown["images"]
    page = client.get(later.get_absolute_url()).content.decode()
    assert pair(later, new) in page, "the newest before it, not the oldest"
    stranger = ResultFactory(user=user)
    assert client.get(stranger.get_absolute_url()).context["film"] == {"images": [], "prior": None}


# --- classes and boxes, of pictures and of volumes


def analysed(user, make, kind: str, folder, image) -> Result:
    """The stored result of an answer without a measured map."""
    run = RunFactory(requested_by=user, title=kind)
    run.frozen["type"] = kind
    run.save()
    job = JobFactory(run=run, image=image, running=True)
    assert job_succeed(job, make(job, folder), folder)
    return Result.objects.get(job=job)


def volume(user, study=None):
    array = phantom()
    return ImageFactory(
        study=study or StudyFactory(user=user, modality="ct"), array=array, modality="ct",
        dicom_modality="CT", facts=volume_facts(array, NIFTI),
    )  # fmt: skip


def one_box(slice_: int, box: list[float], score: float = 0.7):
    def make(job, folder):
        analysis = box_analysis(job, folder)
        found = analysis["boxes"][0] | {"slice": slice_, "box": box, "score": score}
        return analysis | {"boxes": [found]}

    return make


def surer(job, folder):
    analysis = class_analysis(job, folder)
    first, second = analysis["classes"]
    return analysis | {"classes": [first | {"p": 0.91}, second | {"label": "nodule"}]}


@pytest.mark.parametrize("make_image", [lambda user: ImageFactory(user=user), volume],
                         ids=["picture", "volume"])  # fmt: skip
def test_classes_stand_side_by_side_with_their_difference(client, user, tmp_path, make_image):
    image = make_image(user)
    one = analysed(user, surer, "classification", tmp_path, image)
    other = analysed(user, class_analysis, "classification", tmp_path, image)
    answer = client.get(pair(one, other))
    rows = {row["label"]: row for row in answer.context["classes"]}
    assert list(rows) == ["tuberculosis", "nodule", "effusion"]
    assert rows["tuberculosis"]["less"] == pytest.approx(0.08)
    assert (rows["nodule"]["second"], rows["nodule"]["less"]) == (None, None)
    text = answer.content.decode()
    assert 'data-class="tuberculosis"' in text
    assert "+0.08" in text
    assert [name for name, _words in answer.context["modes"]] == ["off", "heat"]
    assert answer.context["mode"] == "heat"
    for name in ("original", "heat"):
        layer = reverse("imaging:result-layer", args=[one.pk, name])
        assert layer in text
        query = answer.context["panes"][0]["display"].query
        assert client.get(f"{layer}?{query}").status_code == 200
    maps = answer.context["config"]["panes"][0]["map"]
    number = "" if image.depth == 1 else "1/"
    assert client.get(f"{maps}{number}").status_code == 200


def test_boxes_of_a_volume_lie_on_their_slice_in_every_plane(client, user, tmp_path):
    image = volume(user)
    one = analysed(user, one_box(4, [10, 20, 18, 26]), "detection", tmp_path, image)
    other = analysed(user, one_box(9, [10, 20, 18, 26]), "detection", tmp_path, image)
    page = client.get(pair(one, other))
    own, theirs = page.context["config"]["panes"]
    # rows and columns run against the stored order of this NIfTI
    assert own["boxes"][0]["box"] == [38, 14, 46, 20]
    assert (own["slice"], theirs["slice"]) == (4, 9)
    assert '<svg class="boxes"' in page.content.decode()
    off = client.get(pair(one, other) + "?mode=off").content.decode()
    assert '<svg class="boxes"' not in off
    coronal = client.get(pair(one, other) + "?plane=coronal").context["config"]["panes"][0]
    assert coronal["boxes"][0]["slices"] == [20, 26]
    assert coronal["boxes"][0]["box"] == [38, 7, 46, 8]
    alone = client.get(one.get_absolute_url()).context
    assert alone["display"].number == 5
    assert alone["config"]["boxes"] == own["boxes"]
    sagittal = client.get(one.get_absolute_url() + "?plane=sagittal").context
    assert sagittal["display"].number in range(10, 19)
    assert len(sagittal["frames"]["drawn"]) == 1


def test_boxes_that_frame_the_same_are_matched_on_one_image_alone(client, user, tmp_path):
    image = ImageFactory(user=user)
    one = analysed(user, box_analysis, "detection", tmp_path, image)
    other = analysed(user, one_box(0, [2, 3, 12, 9], 0.7), "detection", tmp_path, image)
    context = client.get(pair(one, other)).context
    (row,) = context["boxes"]
    assert (row["first"], row["second"], row["less"]) == (2, 1, 1)
    assert row["best_less"] == pytest.approx(0.2)
    matched = context["matched"]
    assert (len(matched["pairs"]), matched["first"], matched["second"]) == (1, 1, 0)
    assert matched["pairs"][0]["iou"] == pytest.approx(60 / 63)
    prior = ImageFactory(user=user, study=StudyFactory(user=user, patient=one.patient))
    before = analysed(user, box_analysis, "detection", tmp_path, prior)
    page = client.get(pair(one, before))
    assert page.context["matched"] is None
    assert "not matched with each other" in page.content.decode()


def test_a_mask_beside_boxes_has_measures_and_boxes(client, user, tmp_path, result):
    boxes = analysed(user, box_analysis, "detection", tmp_path, result.image)
    page = client.get(pair(result, boxes))
    assert [name for name, _words in page.context["modes"]] == [
        "off", "boxes", "heat", "mask", "outline",
    ]  # fmt: skip
    assert page.context["measures"]
    assert page.context["boxes"][0]["less"] == -2
