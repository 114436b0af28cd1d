"""Two results of one patient side by side: who may, which, and how they differ."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEvent, Organisation
from accounts.roles import RADIOLOGIST
from imaging.compare_page import measure_rows
from imaging.models import Study
from mediscan.templatetags.ui import signed
from tests.accounts.factories import DepartmentFactory, MembershipFactory, UserFactory
from tests.imaging.factories import (
    ImageFactory,
    JobFactory,
    ResultFactory,
    StudyFactory,
    operating_row,
)

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
