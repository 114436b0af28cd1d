"""A study is mended before it is analysed: title, kind, whose it is; afterwards never."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from accounts.models import AuditEvent, Blob
from accounts.vault.fields import blind_index
from accounts.vault.storage import blob_open
from imaging.models import Patient, Study
from imaging.services.refusals import NotPossible
from imaging.services.study_corrections import study_correct, study_give
from tests.accounts.factories import UserFactory
from tests.imaging.factories import ImageFactory, JobFactory, StudyFactory, UploadFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(client):
    person = UserFactory()
    client.force_login(person)
    return person


@pytest.fixture
def image(user):
    image = ImageFactory(user=user)
    image.header = json.dumps({"patient_id": ""})
    image.save()
    image.series.description = "One view"
    image.series.save()
    return image


def known(user, number="MRN-7") -> Patient:
    """A patient with a record number, of a study that `user` sees."""
    study = StudyFactory(user=user)
    patient = study.patient
    patient.name, patient.record_number = "Known^Eva", number
    patient.mrn_index = blind_index(patient.organisation_id, "record_number", number)
    patient.save()
    return patient


def address(study, upload=None) -> str:
    page = reverse("imaging:study-correct", args=[study.pk])
    return f"{page}?upload={upload.pk}" if upload else page


def test_title_and_kind_are_mended_and_told_to_the_trail(client, user, image):
    study, upload = image.study, UploadFactory(user=user, finished=True)
    answer = client.post(address(study, upload), {"title": "Knee, left", "modality": "mri"})
    assert answer.url == upload.get_absolute_url()
    study.refresh_from_db()
    image.refresh_from_db()
    assert (study.title, study.modality, image.modality) == ("Knee, left", "mri", "mri")
    event = AuditEvent.objects.get(action="study.correct")
    assert event.reason == "title, modality"
    client.post(address(study), {"title": "Knee, left", "modality": "mri"})
    assert AuditEvent.objects.filter(action="study.correct").count() == 1


def test_once_it_was_analysed_it_stays_as_it_was(client, user, image):
    JobFactory(user=user, image=image)
    patient = known(user)
    answer = client.post(address(image.study), {"title": "x", "modality": "ct"})
    assert answer.status_code == 422
    assert "was analysed already" in answer.content.decode()
    assert "<form class" not in client.get(address(image.study)).content.decode()
    with pytest.raises(NotPossible):
        study_give(by=user, study=image.study, patient=patient)
    image.study.refresh_from_db()
    assert image.study.title != "x"


def test_files_that_say_what_they_show_are_believed(client, user, image):
    image.source.format = "dicom"
    image.source.save()
    page = client.get(address(image.study)).content.decode()
    assert 'name="modality"' not in page
    client.post(address(image.study), {"title": "New", "modality": "ct"})
    image.study.refresh_from_db()
    assert (image.study.title, image.study.modality) == ("New", "xray")
    with pytest.raises(NotPossible, match="believed"):
        study_correct(by=user, study=image.study, title="New", modality="ct")


def test_it_is_given_to_a_known_patient_with_all_its_files_and_words(client, user, image):
    placeholder, patient = image.patient, known(user)
    study = image.study
    study.title, study.accession_number = "Chest", "A-1"
    study.save()
    with blob_open(image.source.blob) as content:
        original = content.read()
    form = {"title": "Chest", "modality": "xray", "record_number": "mrn-7"}
    assert client.post(address(study), form).url == study.get_absolute_url()
    study = Study.objects.get(pk=study.pk)
    assert (study.patient, study.title, study.accession_number) == (patient, "Chest", "A-1")
    assert study.series.get().description == "One view"
    moved = study.images.get()
    assert json.loads(moved.header) == {"patient_id": ""}
    for row in (moved, study.series.get()):
        assert row.patient == patient
    for blob in (moved.pixels, moved.thumbnail, moved.source.blob):
        assert Blob.objects.get(pk=blob.pk).patient_id == patient.pk
        with blob_open(Blob.objects.get(pk=blob.pk)) as content:
            assert content.read()
    with blob_open(moved.source.blob) as content:
        assert content.read() == original
    assert not Patient.objects.filter(pk=placeholder.pk).exists()
    event = AuditEvent.objects.get(action="study.correct")
    assert (event.reason, event.patient) == ("patient", patient.pk)


def test_a_number_that_names_nobody_open_to_me_is_refused_in_words(client, user, image):
    known(UserFactory(), "MRN-OTHER")
    for number in ("MRN-OTHER", "NOBODY"):
        form = {"title": "", "modality": "xray", "record_number": number}
        answer = client.post(address(image.study), form)
        assert answer.status_code == 422
        assert "No patient whose record you may open" in answer.content.decode()
    assert not AuditEvent.objects.filter(action="study.correct").exists()


@pytest.mark.parametrize("head", [{"patient_id": "MRN-1"}, {"patient_name": "Doe^Jane"}])
def test_files_that_name_their_patient_are_believed(client, user, image, head):
    image.header = json.dumps(head)
    image.save()
    assert 'name="record_number"' not in client.get(address(image.study)).content.decode()
    with pytest.raises(NotPossible, match="believed"):
        study_give(by=user, study=image.study, patient=known(user))


def test_a_broken_move_leaves_everything_as_it_was(user, image, monkeypatch):
    patient, before = known(user), image.patient_id

    def fail(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr("imaging.services.study_corrections.audit.record", fail)
    with pytest.raises(RuntimeError):
        study_give(by=user, study=image.study, patient=patient)
    study = Study.objects.get(pk=image.study_id)
    assert study.patient_id == before
    with blob_open(Blob.objects.get(pk=image.pixels_id)) as content:
        assert content.read()


def test_a_strangers_study_is_not_found(client, image):
    client.force_login(UserFactory())
    assert client.get(address(image.study)).status_code == 404
