"""The result page and the bytes it draws from."""

import io

import numpy as np
import pytest
from django.urls import reverse
from PIL import Image as Picture

from accounts.models import AuditEvent
from accounts.vault.cipher import DamagedBlob
from accounts.vault.staging import blob_path
from imaging.ranges import requested_span
from tests.accounts.factories import UserFactory
from tests.imaging.factories import ImageFactory, ResultFactory, disc_map, operating_row, ramp

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(client):
    person = UserFactory()
    client.force_login(person)
    return person


@pytest.fixture
def result(user):
    rows = [operating_row(t=t, level=level, raw_px=px, area_px=px, area_text=f"{t * 10:.2f} %")
            for t, level, px in ((0.25, 64, 210), (0.5, 128, 200), (0.95, 243, 0))]  # fmt: skip
    return ResultFactory(user=user, table=rows)


def addresses(result) -> dict[str, str]:
    return {
        "page": reverse("imaging:result-detail", args=[result.pk]),
        "map": reverse("imaging:result-map", args=[result.pk, "ensemble"]),
        "layer": reverse("imaging:result-layer", args=[result.pk, "mask"]),
        "pixels": reverse("imaging:image-pixels", args=[result.image_id]),
        "thumbnail": reverse("imaging:image-thumbnail", args=[result.image_id]),
    }


def body(response) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.mark.parametrize("what", ["page", "map", "layer", "pixels", "thumbnail"])
def test_the_owner_can_a_stranger_finds_nothing_the_anonymous_are_sent_away(client, result, what):
    address = addresses(result)[what]
    assert client.get(address).status_code == 200
    client.force_login(UserFactory())
    assert client.get(address).status_code == 404
    client.logout()
    assert client.get(address).status_code == (302 if what == "page" else 401)


@pytest.mark.parametrize("what", ["page", "map", "layer", "pixels"])
def test_a_technician_sees_pixels_but_no_result(client, result, what):
    client.force_login(UserFactory(organisation=result.organisation, role="technician"))
    expected = 200 if what == "pixels" else 403
    assert client.get(addresses(result)[what]).status_code == expected


def test_the_page_shows_the_row_of_the_saved_threshold(client, result):
    text = client.get(addresses(result)["page"]).content.decode()
    assert "5.00 %" in text
    assert "Saved threshold 0.50" in text
    assert "Research use only" in text
    assert 'id="viewer-config"' in text
    assert AuditEvent.objects.filter(action="result.view").count() == 1


def test_without_javascript_another_threshold_shows_its_own_row(client, result):
    text = client.get(addresses(result)["page"], {"t": "0.25"}).content.decode()
    assert "2.50 %" in text
    assert "Preview at 0.25. Saved threshold is 0.50" in text


@pytest.mark.parametrize(
    "query",
    ["t=nan", "t=-1", "t=x", "palette=x", "opacity=999", "window=1", "window=a,b", "window=5,-3",
     "mode=x", "slice=99"],
)  # fmt: skip
def test_nonsense_in_the_address_falls_back_to_what_is_stored(client, result, query):
    response = client.get(f"{addresses(result)['page']}?{query}")
    assert response.status_code == 200
    assert "5.00 %" in response.content.decode()


def test_the_page_costs_the_same_for_one_region_and_for_many(
    client, result, django_assert_max_num_queries
):
    with django_assert_max_num_queries(16):  # ADR 22: one is the film's, one the trail's
        client.get(addresses(result)["page"])


def test_pixels_and_maps_are_the_stored_bytes(client, result):
    assert body(client.get(addresses(result)["pixels"])) == ramp().tobytes()
    assert body(client.get(addresses(result)["map"])) == disc_map().tobytes()


def test_fifty_random_ranges_equal_the_plain_bytes(client, result):
    plain, rng = ramp().tobytes(), np.random.default_rng(3)
    for _ in range(50):
        start, stop = sorted(rng.choice(len(plain), 2, replace=False))
        header = {"Range": f"bytes={start}-{stop - 1}"}
        response = client.get(addresses(result)["pixels"], headers=header)
        assert response.status_code == 206
        assert body(response) == plain[start:stop]
        assert response["Content-Range"] == f"bytes {start}-{stop - 1}/{len(plain)}"


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("", None), ("bytes=0-0", (0, 1)), ("bytes=5-", (5, 100)), ("bytes=-7", (93, 100)),
        ("bytes=-200", (0, 100)), ("bytes=90-900", (90, 100)),
    ],
)  # fmt: skip
def test_one_range_is_understood(header, span):
    assert requested_span(header, 100) == span


@pytest.mark.parametrize(
    "header", ["bytes=100-", "bytes=9-3", "bytes=-0", "bytes=-", "bytes=0-1,5-6", "lines=1-2"]
)
def test_other_ranges_are_416(client, result, header):
    with pytest.raises(ValueError, match=r"range|outside"):
        requested_span(header, 100)
    url = addresses(result)["thumbnail"]
    answer = client.get(url, headers={"Range": header})
    assert answer.status_code == 416
    assert "ask for one range" in answer.content.decode()


def test_a_flipped_byte_never_looks_whole(client, result):
    blob = result.image.pixels
    path = blob_path(blob.pk, blob.version)
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(DamagedBlob):
        body(client.get(addresses(result)["pixels"]))


def test_the_mask_layer_is_the_map_at_the_level(client, result):
    response = client.get(addresses(result)["layer"], {"t": "0.5"})
    shown = np.asarray(Picture.open(io.BytesIO(response.content)))
    assert (shown == (disc_map()[0] >= 128)).all()
    empty = client.get(addresses(result)["layer"], {"t": "0.95"})
    assert not np.asarray(Picture.open(io.BytesIO(empty.content))).any()


@pytest.mark.parametrize("name", ["original", "heat", "outline"])
def test_each_layer_is_a_picture_of_the_images_size(client, result, name):
    url = reverse("imaging:result-layer", args=[result.pk, name])
    picture = Picture.open(io.BytesIO(client.get(url).content))
    assert picture.size == (result.image.width, result.image.height)


def test_layers_that_are_not_there_are_404(client, result):
    for name in ("secret", "disagreement"):
        url = reverse("imaging:result-layer", args=[result.pk, name])
        assert client.get(url).status_code == 404


def test_a_download_carries_no_identity(client, result):
    response = client.get(addresses(result)["layer"], {"download": "1"})
    assert (
        response["Content-Disposition"]
        == f'attachment; filename="result-{str(result.pk)[:8]}-mask.png"'
    )


def test_an_image_with_calibrated_spacing_says_millimetres_and_one_without_does_not(client, user):
    plain = ResultFactory(user=user)
    assert " mm" not in client.get(addresses(plain)["page"]).content.decode()
    image = ImageFactory(user=user)
    image.facts |= {"spacing_mm": [1.0, 0.2, 0.2], "spacing_kind": "calibrated"}
    image.save()
    spaced = ResultFactory(user=user, image=image, table=[operating_row(area_mm2=8.0)])
    text = client.get(addresses(spaced)["page"]).content.decode()
    assert "0.2 × 0.2 mm/px" in text
    assert "mm²" in text
