"""The result page of a volume: slices by address, bar, regions, bytes, and who may see them."""

import io
import re

import numpy as np
import pytest
from django.urls import reverse
from PIL import Image as Picture

from imaging.display import image_planes
from imaging.formats.window import windowed
from imaging.planes import slice_of
from imaging.services.seals import result_changes
from tests.accounts.factories import UserFactory
from tests.imaging.volumes import (
    NIFTI,
    SAGITTAL,
    SHAPE,
    phantom,
    quantised,
    two_balls,
    volume_result,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(client):
    person = UserFactory()
    client.force_login(person)
    return person


@pytest.fixture
def result(user, tmp_path):
    return volume_result(user, tmp_path)


def ensemble():
    return quantised(sum(two_balls(SHAPE, reach) for reach in (1.08, 0.92)) / 2)


def addresses(result, plane="axial", number=4):
    return {
        "pixels": reverse("imaging:image-slice", args=[result.image_id, plane, number]),
        "map": reverse("imaging:result-map-slice", args=[result.pk, "ensemble", plane, number]),
    }


def layer(client, result, name, **query):
    address = reverse("imaging:result-layer", args=[result.pk, name])
    return np.asarray(Picture.open(io.BytesIO(client.get(address, query).content)))


@pytest.mark.parametrize("what", ["pixels", "map"])
def test_the_owner_can_a_stranger_finds_nothing_the_anonymous_are_sent_away(client, result, what):
    address = addresses(result)[what]
    response = client.get(address)
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    client.force_login(UserFactory())
    assert client.get(address).status_code == 404
    client.logout()
    assert client.get(address).status_code == 401


@pytest.mark.parametrize(("what", "status"), [("pixels", 200), ("map", 403)])
def test_a_technician_sees_slices_but_no_map(client, result, what, status):
    client.force_login(UserFactory(organisation=result.organisation, role="technician"))
    assert client.get(addresses(result)[what]).status_code == status


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
@pytest.mark.parametrize("affine", [NIFTI, SAGITTAL], ids=["nifti", "sagittal"])
def test_a_slice_is_the_stored_bytes_as_they_hang(client, user, tmp_path, plane, affine):
    result = volume_result(user, tmp_path, affine=affine)
    hung = image_planes(result.image)[plane]
    for number in (1, hung.shape[0]):
        found = addresses(result, plane, number)
        wanted = slice_of(phantom(), hung, number - 1)
        assert client.get(found["pixels"]).content == wanted.astype("<i2").tobytes()
        assert client.get(found["map"]).content == slice_of(ensemble(), hung, number - 1).tobytes()


@pytest.mark.parametrize(
    ("plane", "number"), [("axial", 0), ("axial", 13), ("coronal", 41), ("stored", 1), ("x", 1)]
)
def test_a_slice_that_is_not_there_is_404(client, result, plane, number):
    assert {client.get(one).status_code for one in addresses(result, plane, number).values()} == {
        404
    }


@pytest.mark.parametrize("what", ["pixels", "map"])
def test_a_slice_costs_five_statements_at_most(client, result, what, django_assert_max_num_queries):
    client.get(addresses(result)[what])
    with django_assert_max_num_queries(5):
        client.get(addresses(result, number=5)[what])


def test_the_page_costs_no_more_than_that_of_a_picture(
    client, result, django_assert_max_num_queries
):
    with django_assert_max_num_queries(16):  # ADR 22: one is the film's, one the trail's
        client.get(result.get_absolute_url())


def test_the_page_opens_at_the_slice_with_most_of_the_finding(client, result):
    most = int((ensemble() >= 128).sum(axis=(1, 2)).argmax())
    page = client.get(result.get_absolute_url()).content.decode()
    assert f"<span data-slice-number>{most + 1}</span> / {SHAPE[0]}" in page
    assert f"&amp;plane=axial&amp;slice={most + 1}" in page


def test_without_javascript_the_address_sets_plane_and_slice(client, result):
    page = client.get(result.get_absolute_url(), {"plane": "coronal", "slice": 29})
    shown = re.findall(r"layers/\w+\.png\?([^\"]+)\"", page.content.decode())
    assert shown
    assert all("plane=coronal&amp;slice=29" in query for query in shown)
    assert 'name="plane" value="coronal"' in page.content.decode()


@pytest.mark.parametrize("query", ["slice=0", "slice=99", "slice=x", "plane=up", "slice=-1"])
def test_nonsense_falls_back_to_the_opening_slice(client, result, query):
    page = client.get(f"{result.get_absolute_url()}?{query}").content.decode()
    assert "plane=axial&amp;slice=4" in page


@pytest.mark.parametrize(
    ("plane", "letters"), [("axial", "RLAP"), ("coronal", "RLSI"), ("sagittal", "APSI")]
)
def test_letters_stand_at_the_edges_of_every_plane(client, result, plane, letters):
    page = client.get(result.get_absolute_url(), {"plane": plane}).content.decode()
    assert "".join(re.findall(r'class="mk [lrtb]">(\w)<', page)) == letters


def test_a_volume_without_sides_says_so_and_has_one_stack(client, user, tmp_path):
    result = volume_result(user, tmp_path, affine=None, spacing=None)
    page = client.get(result.get_absolute_url()).content.decode()
    assert "Side unknown" in page
    assert "data-plane" not in page
    assert 'class="mk' not in page
    assert " mm" not in page
    assert "The places of the slices are not known." in page


def test_the_bar_names_the_slices_that_hold_the_finding(client, result):
    inside = np.flatnonzero((ensemble() >= 128).any(axis=(1, 2)))
    page = client.get(result.get_absolute_url()).content.decode()
    assert f"lies in {len(inside)} slices, from {inside[0] + 1} to {inside[-1] + 1}." in page
    path = re.search(r'd="([^"]+)" data-slice-bar', page)[1]
    assert [int(at) for at in re.findall(r"M(\d+) ", path)] == inside.tolist()


def test_slices_that_were_never_sent_are_marked_on_the_bar_of_their_plane_alone(client, result):
    image = result.image
    planes = image_planes(image)
    along = next(name for name, plane in planes.items() if plane.axes[0] == 0)
    across = next(name for name, plane in planes.items() if plane.axes[0] != 0)
    assert (
        "Not sent" not in client.get(result.get_absolute_url(), {"plane": along}).content.decode()
    )
    image.facts |= {"missing": [1, 2, 4]}
    image.save()
    page = client.get(result.get_absolute_url(), {"plane": along}).content.decode()
    assert "Not sent and left empty: slices 2–3, 5." in page
    assert 'class="gone" d="M1 0v20h1v-20zM2 0v20h1v-20zM4 0v20h1v-20z"' in page
    page = client.get(result.get_absolute_url(), {"plane": across}).content.decode()
    assert "Not sent" not in page


def test_the_bar_of_another_threshold_is_that_of_its_mask(client, result):
    page = client.get(result.get_absolute_url(), {"t": "0.05"}).content.decode()
    inside = np.flatnonzero((ensemble() >= 13).any(axis=(1, 2)))
    path = re.search(r'd="([^"]+)" data-slice-bar', page)[1]
    assert [int(at) for at in re.findall(r"M(\d+) ", path)] == inside.tolist()


def test_each_region_leads_to_its_slice_with_its_volume(client, result):
    page = client.get(result.get_absolute_url()).content.decode()
    for lesion in result.lesions.all():
        slice_number = round(lesion.facts["centroid"][0]) + 1
        assert re.search(rf'slice={slice_number}" data-lesion="{lesion.position - 1}"', page)
        assert f"{lesion.facts['volume_ml']:.2f} ml" in page


def test_volume_and_sphericity_stand_on_the_page(client, result):
    page = client.get(result.get_absolute_url()).content.decode()
    row = result.operating
    voxel_ml = 2.0 * 0.8 * 0.8 / 1000
    assert row["volume_ml"] == pytest.approx(row["largest_px"] * voxel_ml + sum(
        one.facts["px"] * voxel_ml for one in result.lesions.all()[1:]
    ))  # fmt: skip
    assert f'data-m="volume_ml">{row["volume_ml"]:.2f}<' in page
    assert f'data-m="sphericity">{row["sphericity"]:.2f}<' in page


def test_what_happened_on_the_ladder_stands_on_the_page(client, result):
    page = client.get(result.get_absolute_url()).content.decode()
    assert "Memory ran out; ran in windows of 48 × 48 × 48." in page


def test_a_ct_offers_its_five_windows_first(client, result):
    page = client.get(result.get_absolute_url()).content.decode()
    windows = re.search(r'id="wp" name="window">(.*?)</select>', page, re.S)[1]
    assert re.findall(r'value="([^"]+)"[^>]*>([^<]+)<', windows) == [
        ("40,400", "Soft tissue"), ("-600,1500", "Lung"), ("90,150", "Liver"),
        ("480,2500", "Bone"), ("40,80", "Brain"),
    ]  # fmt: skip


@pytest.mark.parametrize("plane", ["axial", "coronal"])
def test_layers_are_the_slice_and_its_mask_in_square_pixels(client, user, tmp_path, plane):
    result = volume_result(user, tmp_path, affine=NIFTI)
    hung = image_planes(result.image)[plane]
    q = slice_of(ensemble(), hung, 3 if plane == "axial" else 11)
    query = {"plane": plane, "slice": 4 if plane == "axial" else 12, "window": "0,2000"}
    mask = layer(client, result, "mask", **query)
    original = layer(client, result, "original", **query)
    rows = (np.arange(mask.shape[0]) + 0.5) * q.shape[0] / mask.shape[0]
    assert (mask == (q >= 128)[np.floor(rows).astype(int)]).all()
    assert mask.shape == original.shape == {"axial": (40, 56), "coronal": (30, 56)}[plane]
    if plane == "axial":
        assert (original == windowed(slice_of(phantom(), hung, 3), 1, 0, (0, 2000))).all()


def test_a_downloaded_mask_lies_on_the_images_own_grid(client, result):
    mask = layer(client, result, "mask", plane="coronal", slice=29, download=1)
    assert mask.shape == (12, 56)


def test_the_slices_are_under_the_seal(client, result):
    assert result_changes(result) == []
    result.slices["px"][0][0] += 1
    result.save()
    assert result_changes(result) == ["slices"]
