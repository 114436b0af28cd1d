"""What leaves as DICOM once a study was deleted, or its patient's identity corrected."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils.timezone import now
from pydicom import dcmread

from accounts.roles import ADMINISTRATOR
from imaging.services.deletions import deletion_approve, deletion_ask, deletion_restore
from imaging.services.identities import patient_change
from reports.models import Export
from reports.tasks import make_export
from tests.accounts.factories import UserFactory, verify
from tests.imaging.factories import ResultFactory, sealed, stored
from tests.reports.factories import ExportFactory
from tests.reports.test_dicom import exported, radiograph_result
from tests.reports.test_versions import signed_review

pytestmark = pytest.mark.django_db
WAS = {"name": "Sample^Ann", "record_number": "A-1", "birth_date": "19700131", "sex": "F"}
IS = WAS | {"name": "Sample^Anna", "record_number": "A-2"}


@pytest.fixture
def user(client):
    person = UserFactory()
    verify(client, person)
    return person


def deleted(study, user):
    chief = UserFactory(organisation=study.organisation, role=ADMINISTRATOR)
    deletion = deletion_ask(user=user, study=study, reason="mistake")
    return deletion_approve(user=chief, deletion=deletion), chief


# --- a study that was deleted


@pytest.mark.parametrize("kind", ["dicom", "dicoms", "pdf"])
def test_nothing_of_a_deleted_study_is_asked_for(client, user, queued, kind):
    result = radiograph_result(user)
    deletion, chief = deleted(result.image.study, user)
    sent = {"kind": kind, "result": str(result.pk)}
    client.post(reverse("reports:export-create"), sent)
    body = {"kind": kind, "results": [str(result.pk)]}
    answer = client.post(reverse("api:export-list"), body, content_type="application/json")
    assert 400 <= answer.status_code < 500
    assert not Export.objects.exists()
    deletion_restore(user=chief, deletion=deletion)
    client.post(reverse("reports:export-create"), sent)
    assert Export.objects.count() == 1


def doors(export) -> list[str]:
    names = ("reports:export-download", "api:export-content")
    return [reverse(name, args=[export.pk]) for name in names]


def test_what_was_made_before_is_closed_and_opens_with_the_study(client, user):
    result = radiograph_result(user)
    blob = stored(result.organisation, b"PK", "export")
    done = {"status": "succeeded", "finished_at": now(), "blob": blob}
    export = ExportFactory(results=[result], items=[result], kind="dicom", **done)
    assert [client.get(door).status_code for door in doors(export)] == [200, 200]
    deletion, chief = deleted(result.image.study, user)
    assert [client.get(door).status_code for door in doors(export)] == [403, 403]
    deletion_restore(user=chief, deletion=deletion)
    assert [client.get(door).status_code for door in doors(export)] == [200, 200]


def test_what_was_asked_for_before_and_made_after_is_closed(client, user):
    result = radiograph_result(user)
    export = ExportFactory(results=[result], items=[result], kind="dicom")
    deleted(result.image.study, user)
    make_export(str(export.pk))
    assert [client.get(door).status_code for door in doors(export)] == [403, 403]


# --- an identity that was corrected


@pytest.fixture
def picture(user):
    """A result of a picture, which gets its identity from the record."""
    result = sealed(ResultFactory(user=user))
    patient = result.image.patient
    for name, value in WAS.items():
        setattr(patient, name, value)
    patient.save()
    return result


def told(found) -> tuple[str, str, str]:
    """Whose the objects are, in one word, and the number of the picture."""
    heads = [dcmread(one) for one in found.values()]
    (who,) = {(str(head.PatientName), head.PatientID) for head in heads}
    (number,) = [head.SOPInstanceUID for head in heads if head.Modality == "OT"]
    return *who, number


def test_what_was_signed_stays_whose_it_was_and_what_is_not_is_todays(user, picture):
    unsigned = told(exported(picture))
    signed_review(picture, user)
    before = told(exported(picture))
    assert unsigned[:2] == before[:2] == ("Sample^Ann", "A-1")
    patient_change(by=user, patient=picture.image.patient, seen=1, identity=IS)
    assert told(exported(picture)) == before, "the same objects, to the number"


def test_what_nobody_signed_is_todays_under_the_numbers_that_it_had(user, picture):
    """As an archive corrects a name: who it is changes, the UIDs stay."""
    before = told(exported(picture))
    patient_change(by=user, patient=picture.image.patient, seen=1, identity=IS)
    after = told(exported(picture))
    assert (before[:2], after[:2]) == (("Sample^Ann", "A-1"), ("Sample^Anna", "A-2"))
    assert before[2] == after[2]


def test_an_originals_header_says_whose_it_is_for_its_archive(user):
    result = radiograph_result(user)
    patient = result.image.patient
    patient_change(by=user, patient=patient, seen=patient.version, identity=IS)
    heads = [dcmread(one) for one in exported(result).values()]
    assert {(str(head.PatientName), head.PatientID) for head in heads} == {("Doe^Jane", "P-1")}
