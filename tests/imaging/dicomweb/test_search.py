"""QIDO-RS: rows as the standard has them, what may be asked, and whose they are."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent
from accounts.vault.fields import blind_index
from imaging.dicomweb import search
from imaging.models import Instance, Study
from imaging.services.identities import patient_change
from tests.accounts.api.keys import a_key, by_key
from tests.accounts.factories import StrangerFactory, UserFactory
from tests.formats.factories import dicom_dataset, dicom_file
from tests.imaging.dicomweb.conftest import AT, IN, SERIES, STUDY
from tests.imaging.dicomweb.told import told_study
from tests.imaging.factories import ImageFactory

pytestmark = pytest.mark.django_db


def test_a_study_is_told_as_the_standard_has_it(get, study):
    answer = get("/dicomweb/studies")
    assert answer["Content-Type"] == "application/dicom+json"
    assert answer["Cache-Control"] == "no-store, private"
    (row,) = answer.json()
    assert list(row) == sorted(row)
    assert row["0020000D"] == {"vr": "UI", "Value": [STUDY]}
    assert row["00080020"] == {"vr": "DA", "Value": ["20260302"]}
    assert row["00080061"] == {"vr": "CS", "Value": ["CT"]}
    assert row["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}]}
    assert row["00100020"]["Value"] == ["P-1"]
    assert row["00080050"]["Value"] == ["A-77"]
    assert (row["00201206"]["Value"], row["00201208"]["Value"]) == ([1], [6])
    assert row["00081190"]["Value"] == [f"http://testserver/dicomweb/studies/{STUDY}"]


def test_series_and_instances_below_it_and_of_all(get, study):
    for path in (f"{AT}/series", "/dicomweb/series"):
        (row,) = get(path).json()
        assert (row["0020000E"]["Value"], row["00201209"]["Value"]) == ([SERIES], [6])
        assert row["00080060"]["Value"] == ["CT"]
    for path in (f"{IN}/instances", f"{AT}/instances", "/dicomweb/instances"):
        rows = get(path).json()
        assert [row["00200013"]["Value"] for row in rows] == [[n] for n in range(1, 7)], path
        assert rows[0]["00280010"]["Value"] == [12]
    assert "00100010" in rows[0]
    assert "00100010" not in get(f"{IN}/instances").json()[0]


def test_pages_say_that_there_is_more(get, study):
    first = get(f"{IN}/instances", {"limit": 4})
    assert (len(first.json()), "additional" in first["Warning"]) == (4, True)
    last = get(f"{IN}/instances", {"limit": 4, "offset": 4})
    assert (len(last.json()), last.has_header("Warning")) == (2, False)
    assert get(f"{IN}/instances", {"limit": 0}).json() == []


FOUND = [
        ({"StudyInstanceUID": "1.2.3"}, 1), ({"StudyInstanceUID": "9.9,1.2.3"}, 1),
        ({"0020000D": "9.9"}, 0),
        ({"ModalitiesInStudy": "CT"}, 1), ({"ModalitiesInStudy": "MR"}, 0),
        ({"StudyDate": "20260302"}, 1), ({"StudyDate": "20260101-20260301"}, 0),
        ({"StudyDate": "20260301-"}, 1), ({"StudyDate": "-20260301"}, 0),
        ({"fuzzymatching": "false"}, 1),
]  # fmt: skip


def test_what_fits_is_found(get, study):
    for query, found in FOUND:
        assert len(get("/dicomweb/studies", query).json()) == found, query
        if "fuzzymatching" not in query:
            assert len(get("/dicomweb/instances", query).json()) == 6 * found, query


def test_a_search_by_day_says_where_it_did_not_look(get, study, monkeypatch):
    levels, days = ("studies", "series", "instances"), {"StudyDate": "20260302"}
    for level in levels:
        assert "Warning" not in get(f"/dicomweb/{level}", days)
    monkeypatch.setattr(search, "SCANNED", 0)
    for level in levels:
        answer = get(f"/dicomweb/{level}", days)
        assert (answer.json(), answer["Warning"]) == ([], search.CUT), level


REFUSED = [
        ({"Foo": "1"}, "Foo"), ({"PatientName": "Doe*"}, "PatientName"),
        ({"PatientID": "P-1"}, "PatientID"), ({"AccessionNumber": "A-77"}, "AccessionNumber"),
        ({"limit": "x"}, "limit"), ({"StudyDate": "20261399"}, "StudyDate"),
        ({"StudyDate": "-"}, "StudyDate"),
        ({"ModalitiesInStudy": "C*"}, "ModalitiesInStudy"),
        ({"includefield": "Nonsense"}, "Nonsense"),
        ({"fuzzymatching": "true"}, "fuzzymatching"),
        ({"StudyInstanceUID": "a"}, "StudyInstanceUID"),
        ({"InstanceNumber": "1"}, "InstanceNumber"),
]  # fmt: skip


def test_what_is_not_known_is_refused_by_name(get):
    for query, named in REFUSED:
        answer = get("/dicomweb/studies", query, status=400)
        assert answer["Content-Type"] == "application/problem+json"
        assert named in answer.json()["detail"]


def test_a_record_number_is_searched_for_only_where_the_server_allows_it(get, study, settings):
    settings.DICOMWEB_SEARCH_IDENTITY = True
    house = study.organisation_id
    study.patient.mrn_index = blind_index(house, "record_number", "P-1")
    study.patient.save()
    study.accession_index = blind_index(house, "accession_number", "A-77")
    study.save()
    assert len(get("/dicomweb/studies", {"PatientID": "p-1"}).json()) == 1  # as the index has it
    assert get("/dicomweb/studies", {"PatientID": "P-2"}).json() == []
    assert len(get("/dicomweb/series", {"AccessionNumber": "A-77"}).json()) == 1
    assert get("/dicomweb/studies", {"PatientID": "P-*"}, status=400)


def test_more_fields_where_they_are_asked_for(get, study):
    (usual,) = get(f"{IN}/instances", {"limit": 1}).json()
    (named,) = get(f"{IN}/instances", {"limit": 1, "includefield": "00281052"}).json()
    (whole,) = get(f"{IN}/instances", {"limit": 1, "includefield": "all"}).json()
    assert "00281052" not in usual
    assert named["00281052"]["Value"] == [-1024]
    assert whole.keys() > named.keys()


def test_a_picture_that_was_no_dicom_is_not_listed(get, study, user):
    ImageFactory(user=user)
    assert (Study.objects.count(), len(get("/dicomweb/studies").json())) == (2, 1)


def test_a_file_without_numbers_of_its_own_is_kept_but_not_listed(get, user, queued):
    told_study(user, [dicom_file(dicom_dataset(StudyInstanceUID=None))])
    assert Instance.objects.get().problem == "no-uid"
    assert get("/dicomweb/studies").json() == []


def test_a_stranger_finds_nothing_and_the_anonymous_are_asked_who_they_are(
    client, study, verified_client
):
    assert client.get("/dicomweb/studies").status_code == 401
    stranger = verified_client(UserFactory())
    for path in ("/dicomweb/studies", "/dicomweb/series", "/dicomweb/instances", f"{AT}/series"):
        assert stranger.get(path).json() == [], path
    for path in (f"{AT}/metadata", f"{IN}/metadata", AT, IN, f"{IN}/instances/1.2.3.4.1/frames/1"):
        assert stranger.get(path).status_code == 404, path
    assert verified_client(StrangerFactory()).get("/dicomweb/studies").status_code == 403


def test_a_deleted_study_is_not_there(get, study):
    Study.objects.update(deleted_at=study.created_at)
    assert get("/dicomweb/studies").json() == []
    get(f"{AT}/metadata", status=404)


def test_a_key_without_the_scope_reads_no_name(client, user, study):
    house = user.memberships.get().organisation
    key, text = a_key(house, scopes=["study.view"])
    Study.objects.update(uploaded_by=key.account.user)
    rows = client.get("/dicomweb/studies", headers=by_key(text)).json()
    assert rows[0]["00100010"] == {"vr": "PN"}
    told = client.get(f"{AT}/metadata", headers=by_key(text))
    whole = b"".join(told.streaming_content) + json.dumps(rows).encode()
    for name in (b"Jane", b"P-1", b"A-77", b"House"):
        assert name not in whole


def test_an_identity_that_was_corrected_is_told_as_it_is_now(get, study, user):
    identity = {"name": "Roe^Mary", "record_number": "P-9", "birth_date": "", "sex": "F"}
    patient_change(by=user, patient=study.patient, seen=1, identity=identity)
    (row,) = get("/dicomweb/studies").json()
    assert row["00100010"]["Value"] == [{"Alphabetic": "Roe^Mary"}]
    (one, *_rest) = json.loads(b"".join(get(f"{IN}/metadata").streaming_content))
    assert one["00100020"]["Value"] == ["P-9"]
    answer = get(f"{IN}/instances/1.2.3.4.1", status=409)
    assert answer.json()["code"] == "identity_corrected"


def test_a_search_costs_the_same_for_more_rows_and_is_written_down(get, user, study):
    def cost() -> int:
        with CaptureQueriesContext(connection) as seen:
            get("/dicomweb/studies")
        return len(seen)

    get("/dicomweb/studies")
    one = cost()
    for n in range(3):
        more = dicom_dataset(
            StudyInstanceUID=f"1.5.{n}", SeriesInstanceUID=f"1.6.{n}", SOPInstanceUID=f"1.7.{n}"
        )
        told_study(user, [dicom_file(more)])
    get("/dicomweb/studies")  # the keys of those patients are read once
    assert cost() == one
    event = AuditEvent.objects.filter(action="record.list_api").latest("at")
    assert event.reason == "dicomweb studies"
