"""/info/ and /datastore/: what there is, who may see it, and that nothing is written by it."""

from __future__ import annotations

import hashlib
import io

import nrrd
import numpy as np
import pytest
from django.utils.timezone import now
from nibabel import Nifti1Image

from accounts.models import AuditEvent
from accounts.vault.storage import blob_open
from imaging.models import ModelVersion, Result, ResultMap, Review
from tests.accounts.factories import UserFactory
from tests.imaging.factories import (
    EnsembleFactory,
    ImageFactory,
    ModelVersionFactory,
    ResultFactory,
    ReviewFactory,
    stored,
)
from tests.imaging.monai_label.calls import Caller, body, token_of

pytestmark = pytest.mark.django_db


def label_of(answer, tmp_path) -> np.ndarray:
    """(Z, Y, X)"""
    path = tmp_path / "label.nrrd"
    path.write_bytes(body(answer))
    return nrrd.read(str(path))[0].transpose(2, 1, 0)


def signed(result: Result, **fields) -> Review:
    author = result.job.run.requested_by
    fields |= {"signed_at": now(), "signed_by": author, "meaning": "reviewed", "mac": "x"}
    return ReviewFactory(result=result, **fields)


def test_info_tells_the_models_and_ensembles_that_serve(ml, user):
    ModelVersion.objects.all().delete()
    old = ModelVersionFactory(name="lungs", version="1.9.0")
    ModelVersionFactory(name="lungs", version="1.10.0", labels=["left", "right"])
    ModelVersionFactory(name="asleep", state="retired")
    house = user.memberships.first().organisation
    EnsembleFactory(organisation=house, name="two lungs", state="approved")
    EnsembleFactory(name="of another house", state="approved", organisation=UserFactory()
                    .memberships.first().organisation)  # fmt: skip
    told = ml.get("/info/").json()
    names = set(told["models"])
    assert {"lungs", "two-lungs"} <= names
    assert not names & {"asleep", "of-another-house"}
    lungs = told["models"]["lungs"]
    assert (lungs["type"], lungs["labels"], lungs["config"]) == (
        "segmentation", ["left", "right"], {},
    )  # fmt: skip
    assert "1.10.0" in lungs["description"]
    assert old.version not in lungs["description"]
    assert {"left", "right"} <= set(told["labels"])
    assert (told["trainers"], told["scoring"]) == ({}, {})
    assert "config" not in told, "Slicer takes a config for an old server"


def test_the_list_names_pictures_and_their_labels_and_nobody(ml, result):
    answer = ml.get("/datastore/", output="all").json()
    one = answer["objects"][str(result.image_id)]
    assert one["image"]["info"]["shape"] == [32, 24, 1]
    assert one["labels"].keys() == {"original"}
    assert one["labels"]["original"]["info"]["params"]["label_names"] == {"lung fields": 1}
    assert ml.get("/datastore/").json() == {
        "total": 1, "completed": 0, "label_tags": {"original": 1},
    }  # fmt: skip
    assert result.patient.name not in str(answer) or not result.patient.name
    ml.get("/datastore/", output="train", status=400)


def test_a_stranger_finds_nothing(result):
    stranger = Caller(token_of(UserFactory()))
    image = str(result.image_id)
    for path in ("/datastore/image", "/datastore/image/info", "/datastore/label",
                 "/datastore/label/info"):  # fmt: skip
        unknown = stranger.get(path, status=404, image="7" * 8, label="7" * 8, tag="original")
        answer = stranger.get(path, status=404, image=image, label=image, tag="original")
        assert answer.json()["detail"] == unknown.json()["detail"]
    stranger.head("/datastore/image", status=404, image=image)
    stranger.infer("lungs", image, status=404)
    assert stranger.get("/datastore/", output="all").json()["objects"] == {}


def test_a_technician_sees_pictures_and_no_label(result):
    house = result.organisation
    technician = Caller(token_of(UserFactory(organisation=house, role="technician")))
    image = str(result.image_id)
    technician.get("/datastore/image", image=image)
    technician.get("/datastore/label", status=403, label=image, tag="original")
    technician.infer("lungs", image, status=403)
    listed = technician.get("/datastore/", output="all").json()["objects"][image]
    assert listed["labels"] == {}


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16"])
def test_a_volume_comes_with_its_values_and_its_place(ml, user, dtype):
    values = np.arange(3 * 4 * 5).reshape(3, 4, 5).astype(dtype)
    affine = [[0.5, 0, 0, -10], [0, 0.6, 0, 20], [0, 0, 3, 30], [0, 0, 0, 1]]
    image = ImageFactory(user=user, array=values, modality="ct")
    image.facts |= {"affine": affine, "spacing_mm": [3, 0.6, 0.5], "slope": 2, "intercept": -1024}
    image.save()
    answer = ml.get("/datastore/image", image=str(image.pk))
    content = body(answer)
    assert len(content) == int(answer["Content-Length"])
    volume = Nifti1Image.from_stream(io.BytesIO(content))
    assert (volume.get_fdata() == values.transpose(2, 1, 0) * 2.0 - 1024).all()
    assert np.allclose(volume.affine, np.diag([-1, -1, 1, 1]) @ affine)
    digest = hashlib.sha256(content).hexdigest()
    ml.head("/datastore/image", image=str(image.pk), check_sum=f"SHA256:{digest}")
    ml.head("/datastore/image", status=404, image=str(image.pk), check_sum="SHA256:00")
    of_series = ml.get("/datastore/image", image=image.series.series_instance_uid)
    assert body(of_series) == content
    assert AuditEvent.objects.filter(action="image.download").count() == 2


def test_the_models_label_is_the_map_at_the_saved_threshold(ml, result, tmp_path):
    answer = ml.get("/datastore/label", label=str(result.image_id), tag="original")
    assert 'filename="label-' in answer["Content-Disposition"]
    with blob_open(result.maps.get().blob) as content:
        levels = np.frombuffer(content.read(), np.uint8).reshape(result.image.shape)
    assert (label_of(answer, tmp_path) == (levels >= result.level)).all()
    info = ml.get("/datastore/label/info", label=str(result.image_id), tag="original").json()
    assert info["params"]["label_names"] == {"lung fields": 1}
    ml.head("/datastore/label", image=str(result.image_id), tag="original")


def test_of_several_labels_each_has_its_number_and_the_likeliest_shows(ml, user, tmp_path):
    result = ResultFactory(user=user, labels=["left", "right"])
    shape = result.image.shape
    left, right = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    left[0, 0, :4], right[0, 0, 2:6] = 200, 220
    for number, levels in enumerate((left, right)):
        blob = stored(result.organisation, levels.tobytes(), "map", result.patient_id)
        ResultMap.objects.create(
            organisation=result.organisation, result=result, name=f"label-{number}", blob=blob
        )
    got = label_of(ml.get("/datastore/label", label=str(result.image_id), tag="original"), tmp_path)
    assert got[0, 0, :7].tolist() == [1, 1, 2, 2, 2, 2, 0]
    assert got.sum() == 10


def test_the_final_label_is_the_newest_signed_and_never_a_draft_or_a_rejection(
    ml, result, tmp_path
):
    image = str(result.image_id)
    ReviewFactory(result=result, number=1)
    ml.get("/datastore/label", status=404, label=image)
    mask = np.zeros(result.image.shape, np.uint8)
    mask[0, 3, 4] = 1
    blob = stored(result.organisation, mask.tobytes(), "mask", result.patient_id)
    row = result.operating
    signed(result, number=2, decision="edited", mask=blob, row=row)
    got = label_of(ml.get("/datastore/label", label=image, tag="final"), tmp_path)
    assert (got == mask).all()
    assert ml.get("/datastore/").json()["completed"] == 1
    signed(result, number=3, decision="rejected", reason="other")
    ml.get("/datastore/label", status=404, label=image, tag="final")


def test_nothing_is_written_by_this_road(ml, result):
    image = str(result.image_id)
    before = Review.objects.count()
    for method, path in (("PUT", "/datastore/label"), ("DELETE", "/datastore/label"),
                         ("PUT", "/datastore/"), ("PUT", "/datastore/image"),
                         ("PUT", "/datastore/image/info"), ("DELETE", "/datastore/image"),
                         ("PUT", "/datastore/label/info"), ("DELETE", "/datastore/")):  # fmt: skip
        answer = ml.client.generic(method, f"{ml.at}{path}?image={image}&tag=final")
        assert (answer.status_code, answer.json()["code"]) == (403, "read_only"), (method, path)
    for path in ("/train/", "/train/lungs", "/batch/infer/lungs", "/scoring/dice", "/info"):
        for method in ("GET", "POST", "DELETE"):
            answer = ml.client.generic(method, ml.at + path)
            assert answer.status_code == 404, (method, path, answer.status_code)
            assert answer.json()["code"] == "not_offered"
    assert Review.objects.count() == before


def test_the_list_asks_as_often_however_many_pictures(ml, user, django_assert_max_num_queries):
    for _more in range(2):
        ResultFactory(user=user)
    ml.get("/datastore/", output="all")
    with django_assert_max_num_queries(30) as few:
        ml.get("/datastore/", output="all")
    for _more in range(3):
        signed(ResultFactory(user=user))
    with django_assert_max_num_queries(len(few)):
        ml.get("/datastore/", output="all")
