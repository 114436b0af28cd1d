"""The page of three planes: who may open it, and through which point it cuts."""

import pytest
from django.http import QueryDict
from django.urls import reverse

from imaging.planes_views import planes_context, point_asked
from tests.accounts.factories import UserFactory
from tests.imaging.factories import ResultFactory
from tests.imaging.volumes import NIFTI, volume_result

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(client):
    person = UserFactory()
    client.force_login(person)
    return person


@pytest.fixture
def result(user, tmp_path):
    return volume_result(user, tmp_path, affine=NIFTI)


def address(result) -> str:
    return reverse("imaging:result-planes", args=[result.pk])


def test_the_owner_can_a_stranger_finds_nothing_the_anonymous_are_sent_away(client, result):
    assert client.get(address(result)).status_code == 200
    client.force_login(UserFactory())
    assert client.get(address(result)).status_code == 404
    client.logout()
    assert client.get(address(result)).status_code == 302


def test_a_picture_has_no_planes_and_leads_to_its_result(client, user):
    picture = ResultFactory(user=user)
    answer = client.get(address(picture))
    assert (answer.status_code, answer["Location"]) == (302, picture.get_absolute_url())


@pytest.mark.parametrize(
    ("query", "voxel"),
    [
        ("axial=4&coronal=11&sagittal=21", (3, 10, 20)),
        ("axial=999&coronal=x&sagittal=", None),
        ("coronal=11", "row"),
    ],
)
def test_the_point_is_where_the_slices_asked_for_meet_else_the_largest_region(result, query, voxel):
    home = tuple(round(at) for at in result.lesions.first().facts["centroid"])
    found = point_asked(result, QueryDict(query))
    assert found == {None: home, "row": (home[0], 10, home[2])}.get(voxel, voxel)


def test_each_pane_shows_the_slice_of_the_point(result):
    panes = planes_context(result, QueryDict("axial=4&coronal=11&sagittal=21"))["panes"]
    assert [(pane["slice_name"], pane["display"].number) for pane in panes] == [
        ("axial", 4), ("coronal", 11), ("sagittal", 21)
    ]  # fmt: skip
    # NIFTI runs from the patient's left to right: column 20 of 56 is the 36th as it is hung
    assert panes[0]["cross"]["x"] == pytest.approx((56 - 1 - 20 + 0.5) * 0.8)
