"""Results in their studies by DICOMweb: SEG and SR for whoever may see the result, no other."""

from __future__ import annotations

import io
from datetime import timedelta

import highdicom as hd
import numpy as np
import pytest
from dicomweb_client.api import DICOMwebClient
from django.conf import settings
from django.core.cache import cache
from django.utils.timezone import now
from pydicom import dcmread
from requests import HTTPError, Session

from accounts.roles import ADMINISTRATOR, CLINICIAN, TECHNICIAN
from accounts.vault.cipher import VaultError
from accounts.vault.staging import blob_path
from accounts.vault.storage import blob_open
from imaging.engine.client import EngineDied, EngineTimeout
from imaging.models import Impression, Instance, Job, Result, ResultObjects
from imaging.selectors import instances_visible_to, series_visible_to
from imaging.services.instances import _keep
from imaging.services.purging import study_shred
from imaging.services.shredding import patient_shred
from imaging.services.tries import MOST_TRIES
from reports.dicom import NotAsDicom
from reports.objects import LOOKED, MAKE, REPLACED, objects_make, objects_recover
from tests.accounts.api.calls import bearer, pair_of
from tests.accounts.factories import UserFactory, verify
from tests.formats.series import ct_series
from tests.imaging.dicomweb.told import described
from tests.imaging.factories import SourceFileFactory, stored
from tests.imaging.volumes import phantom, volume_result
from tests.reports.test_versions import signed_review

pytestmark = [pytest.mark.django_db, pytest.mark.engine]
AT = "/dicomweb/studies/1.2.3"
SEG, SR = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.88.34"


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def result(user, tmp_path, queued) -> Result:
    """A CT of two regions, as STOW would have brought it: its originals told."""
    house = user.memberships.get().organisation
    files = ct_series(phantom(), step=(0.0, 0.0, 2.0), PixelSpacing=[0.8, 0.8])
    sources = [
        SourceFileFactory(organisation=house, format="dicom", blob=stored(house, one, "source"))
        for one in files
    ]
    made = volume_result(user, tmp_path, files=sources, source=sources[0])
    image = made.image
    image.study.study_instance_uid, image.series.series_instance_uid = "1.2.3", "1.2.3.4"
    image.study.save()
    image.series.save()
    _keep([(source, described(data)) for source, data in zip(sources, files, strict=True)])
    return made


def classes_for(user) -> set[str]:
    shown = instances_visible_to(user).filter(made_of__isnull=False)
    return set(shown.values_list("sop_class_uid", flat=True))


@pytest.mark.django_db(transaction=True)
def test_a_client_finds_and_reads_them_with_the_same_mask_and_numbers(
    live_server, client, user, result
):
    assert objects_make() == 1
    session = Session()
    session.headers.update(bearer(pair_of(client, user)["access"]))
    web = DICOMwebClient(url=f"{live_server.url}/dicomweb", session=session)
    (study,) = web.search_for_studies()
    assert study["00080061"]["Value"] == ["CT", "SEG", "SR"]
    series = {one["00080060"]["Value"][0]: one for one in web.search_for_series("1.2.3")}
    assert series.keys() == {"CT", "SEG", "SR"}
    uids = [series["SEG"]["0020000E"]["Value"][0], series["SR"]["0020000E"]["Value"][0]]
    (seg,), (sr,) = (web.retrieve_series("1.2.3", uid) for uid in uids)
    seg = hd.seg.Segmentation.from_dataset(seg)
    regions = list(result.lesions.order_by("position"))
    originals = [one.source for one in result.image.files.select_related("source__blob")]
    slices = []
    for one in originals:
        with blob_open(one.blob) as content:
            slices.append(dcmread(io.BytesIO(content.read()), stop_before_pixels=True))
    back = seg.get_pixels_by_source_instance([one.SOPInstanceUID for one in slices])
    assert [int(back[..., n].sum()) for n in range(2)] == [one.facts["px"] for one in regions]
    groups = hd.sr.Comprehensive3DSR.from_dataset(
        sr
    ).content.get_volumetric_roi_measurement_groups()
    volumes = [
        measure.value
        for group in groups
        for measure in group.get_measurements()
        if measure.name.meaning == "Volume"
    ]
    assert volumes == [one.facts["volume_ml"] for one in regions]
    (header,) = web.retrieve_series_metadata("1.2.3", uids[1])
    assert "0040A730" not in header
    assert np.any(back)
    with pytest.raises(HTTPError, match="404"):
        web.retrieve_instance_frames("1.2.3", uids[0], str(seg.SOPInstanceUID), [1])


def test_made_once_and_anew_when_signed(user, result):
    assert (objects_recover(), objects_make(), objects_recover(), objects_make()) == (1, 1, 0, 0)
    first = set(Instance.objects.filter(problem="").values_list("sop_instance_uid", flat=True))
    signed_review(result, user)
    assert objects_make() == 1
    latest = instances_visible_to(user).filter(made_of__isnull=False)
    assert {one.made_of.version for one in latest} == {1}
    assert not first & {one.sop_instance_uid for one in latest}
    assert Instance.objects.filter(problem=REPLACED).count() == 2
    with blob_open(latest.get(modality="SR").file) as content:
        assert dcmread(io.BytesIO(content.read())).VerificationFlag == "VERIFIED"


def test_the_bell_is_rung_once(result, queued):
    assert objects_recover() == 1
    assert [one[0] for one in queued if one[0] == MAKE] == [MAKE]


def test_only_whoever_may_see_the_result_finds_them(user, result, client):
    objects_make()
    house = result.organisation
    assert classes_for(user) == {SEG, SR}
    technician = UserFactory(organisation=house, role=TECHNICIAN)
    assert instances_visible_to(technician).exists()
    for other in (
        technician,
        UserFactory(organisation=house, role=ADMINISTRATOR),
        UserFactory(organisation=house, role=CLINICIAN),
        UserFactory(),
    ):
        assert classes_for(other) == set()
    assert series_visible_to(user).count() == 1
    uid = Instance.objects.get(modality="SR").sop_instance_uid
    asked = verify(client, technician).get(f"{AT}/instances", {"SOPInstanceUID": uid})
    assert asked.json() == []


def test_whoever_reads_first_finds_them_afterwards(user, result):
    objects_make()
    user.read_first = True
    user.save()
    reader = type(user).objects.get(pk=user.pk)
    assert classes_for(reader) == set()
    Impression.objects.create(
        organisation=result.organisation, patient=result.patient, image=result.image,
        author=reader, text="Two nodules",
    )  # fmt: skip
    assert classes_for(type(user).objects.get(pk=user.pk)) == {SEG, SR}


def test_a_file_that_was_tampered_with_is_not_served(user, result, client):
    objects_make()
    one = Instance.objects.get(modality="SR")
    path = blob_path(one.blob.pk, one.blob.version)
    sealed = bytearray(path.read_bytes())
    sealed[-20] ^= 1
    path.write_bytes(sealed)
    there = f"{AT}/series/{one.series.series_instance_uid}/instances/{one.sop_instance_uid}"
    with pytest.raises(VaultError):
        verify(client, user).get(there, headers={"Accept": "*/*"}).getvalue()


def test_what_cannot_be_made_is_kept_as_such_and_not_tried_again(result, monkeypatch):
    refusal = NotAsDicom("It has none to refer to.")
    monkeypatch.setattr("reports.objects.composed", lambda *asked: _raising(refusal))
    assert objects_make() == 1
    assert ResultObjects.objects.get().problem == "NotAsDicom"
    assert objects_make() == 0
    assert not Instance.objects.filter(made_of__isnull=False).exists()


@pytest.mark.parametrize("error", [EngineDied(), EngineTimeout(), VaultError("no key service")])
def test_what_may_pass_is_tried_again_and_not_for_ever(result, queued, monkeypatch, error):
    monkeypatch.setattr("imaging.queue.waiting", lambda *call: set())
    monkeypatch.setattr("reports.objects.composed", lambda *asked: _raising(error))
    for _minute in range(MOST_TRIES - 1):
        assert (objects_recover(), objects_make()) == (1, 1)
        assert not ResultObjects.objects.exists()
    assert (objects_make(), objects_make(), objects_recover()) == (1, 0, 0)
    assert ResultObjects.objects.get().problem == type(error).__name__


def test_once_an_hour_all_are_looked_through_and_the_new_each_minute(result, queued, monkeypatch):
    monkeypatch.setattr("imaging.queue.waiting", lambda *call: set())
    cache.delete(LOOKED)
    whose = {"organisation": result.organisation, "patient": result.patient}
    made = ResultObjects.objects.create(result=result, version=0, **whose)
    assert objects_recover() == 0  # looked through all of them
    made.delete()
    assert objects_recover() == 1  # a new one
    Result.objects.update(created_at=now() - timedelta(days=3))
    assert objects_recover() == 0  # an old one: at the next look through all
    cache.delete(LOOKED)
    assert (objects_recover(), objects_recover()) == (1, 1)


def _raising(error: Exception):
    raise error


@pytest.mark.parametrize("how", ["study", "patient"])
def test_they_go_with_the_study_and_the_patient(result, how):
    objects_make()
    files = [blob_path(one.blob.pk, one.blob.version)
             for one in Instance.objects.filter(made_of__isnull=False)]  # fmt: skip
    assert all(one.exists() for one in files)
    assert str(settings.DATA_DIR) in str(files[0])
    if how == "study":
        study_shred(result.image.study)
    else:
        patient_shred(result.organisation_id, result.patient_id)
    assert not Instance.objects.exists()
    assert not ResultObjects.objects.exists()
    assert not Job.objects.exists()
