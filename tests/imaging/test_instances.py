"""Telling originals: once each, again after a death, and never what a child makes up."""

from __future__ import annotations

import json

import pytest

from accounts.vault.cipher import VaultError
from imaging.engine.client import EngineDied
from imaging.models import Instance
from imaging.services import instances
from imaging.services.instances import TELL, UNPACK, frames_ask, instances_recover, sources_untold
from imaging.services.study_corrections import study_give
from imaging.services.tries import MOST_TRIES
from tests.accounts.factories import UserFactory
from tests.formats.factories import dicom_dataset, dicom_file
from tests.imaging.dicomweb.told import described, told_study
from tests.imaging.factories import ImageFactory, PatientFactory, stored

pytestmark = pytest.mark.django_db


@pytest.fixture
def study(queued):
    nobody = dicom_dataset(PatientID=None, PatientName=None)
    return told_study(UserFactory(), [dicom_file(nobody)])


def test_what_is_not_told_is_rung_for_until_it_is(study, queued, monkeypatch):
    monkeypatch.setattr("imaging.queue.waiting", lambda *call: set())
    ImageFactory(source__format="png")
    assert (instances_recover(), queued) == (0, [])
    Instance.objects.all().delete()
    assert (instances_recover(), queued) == (1, [(TELL, "all")])
    monkeypatch.setattr("imaging.queue.waiting", lambda *call: {"all"})
    assert (instances_recover(), len(queued)) == (0, 1)


@pytest.mark.parametrize("error", [EngineDied(), VaultError("no key service")])
def test_an_original_that_could_not_be_told_is_asked_for_again_and_not_for_ever(
    study, monkeypatch, error
):
    def never(*asked):
        raise error

    Instance.objects.all().delete()
    monkeypatch.setattr(instances, "_tell", never)
    for _minute in range(MOST_TRIES - 1):
        instances.instances_tell(sources_untold(), None, lambda: None)
        assert sources_untold().exists()
    instances.instances_tell(sources_untold(), None, lambda: None)
    assert not sources_untold().exists()
    assert Instance.objects.get().problem == instances.UNTOLD


def test_told_twice_it_is_one_row(study):
    one = Instance.objects.get()
    instances._keep([(one.source, described(dicom_file()))])
    assert Instance.objects.get().pk == one.pk
    assert not sources_untold().exists()


def test_the_header_is_sealed_under_its_patients_key(study):
    row = Instance.objects.filter(pk=study.instances.get().pk).values_list("attributes", flat=True)
    assert repr(row[0]) == "<sealed>"


def test_given_to_somebody_else_it_stays_readable(study):
    one = study.instances.get()
    one.native = stored(study.organisation, b"frame", "frames", study.patient_id)
    one.save()
    patient = PatientFactory(organisation=study.organisation)
    assert study_give(by=study.uploaded_by, study=study, patient=patient)
    again = Instance.objects.get()
    assert (again.patient, again.native.patient_id) == (patient, patient.pk)
    assert json.loads(again.attributes)["0020000D"]["Value"] == ["1.2.3"]


def test_what_a_child_makes_up_is_not_believed(tmp_path):
    good = described(dicom_file())
    (tmp_path / "good.json").write_text(json.dumps(good))
    assert instances._read(tmp_path, "good.json") == good
    wrong = {"frames": "6", "offset": -1, "rows": None, "syntax": 7, "pieces": [[[0, 5]]] * 3}
    for name, value in wrong.items():
        told = good | {"layout": good["layout"] | {name: value}}
        (tmp_path / "bad.json").write_text(json.dumps(told))
        assert instances._read(tmp_path, "bad.json") is None, name
    for text in ("", "[]", "{}", "null", '{"attributes": 1}', "[" * 100_000):
        (tmp_path / "bad.json").write_text(text)
        assert instances._read(tmp_path, "bad.json") is None


def test_frames_are_rung_for_by_number(study, queued):
    frames_ask(study.instances.get())
    assert queued == [(UNPACK, str(study.instances.get().pk))]
