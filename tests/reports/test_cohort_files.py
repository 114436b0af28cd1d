"""A researcher's files of a cohort: by step-up, in the background, without identity."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from datetime import timedelta

import nibabel
import numpy as np
import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.timezone import localdate
from openpyxl import load_workbook

from accounts.models import AuditEvent, Blob, Notice
from accounts.roles import RESEARCHER
from accounts.vault.storage import blob_open
from imaging.models import Cohort, Result
from imaging.services.refusals import NotPossible
from imaging.services.shredding import patient_shred
from reports import tasks
from reports.cohort_exports import cohort_export_create
from reports.cohort_table import COHORT_COLUMNS, COHORT_HEAD
from reports.files import SHEET
from reports.models import Export, ExportStatus
from reports.selectors import exports_visible_to
from reports.services import export_create
from reports.xlsx import heading
from tests.accounts.factories import MembershipFactory, OrganisationFactory, verify
from tests.imaging.factories import (
    CohortFactory,
    ImageFactory,
    JobFactory,
    ResultFactory,
    RunFactory,
    ramp,
)

pytestmark = pytest.mark.django_db
CANARIES = (b"Zqname", b"ZQRECORD", b"1931", b"2004-01-19", b"20040119", b"ZQACCESSION",
            b"Zqtitle", b"Zqfile", b"Zqrun")  # fmt: skip


@pytest.fixture
def house():
    return OrganisationFactory()


@pytest.fixture
def researcher(house):
    return MembershipFactory(organisation=house, role=RESEARCHER).user


def pictured(house, **more):
    return ImageFactory(
        study__organisation=house,
        study__patient__name="Zqname^Jane",
        study__patient__record_number="ZQRECORD-1",
        study__patient__birth_date="1931-07-29",
        study__accession_number="ZQACCESSION1",
        study__title="Zqtitle",
        study__studied_at="2004-01-19 07:27",
        source__name="Zqfile.dcm",
        header='{"patient_name": "Zqname^Jane", "study_date": "20040119"}',
        **more,
    )


@pytest.fixture
def cohort(house, researcher):
    """A picture with a result, a volume without one, and one that is held back."""
    image, volume, held = pictured(house), pictured(house, array=ramp((4, 24, 32))), pictured(house)
    run = RunFactory(organisation=house, requested_by=image.study.uploaded_by, title="Zqrun")
    run.frozen["name"] = "lungs"
    run.save()
    ResultFactory(job=JobFactory(run=run, image=image, succeeded=True))
    return CohortFactory(
        organisation=house, readers=[researcher], images=[image, volume], held=[held]
    )


def made(export) -> bytes:
    tasks.make_export(str(export.pk))
    export.refresh_from_db()
    assert export.status == ExportStatus.SUCCEEDED, export.error
    return blob_open(export.blob).read()


def ask(user, cohort, kind) -> Export:
    return cohort_export_create(user=user, cohort=cohort, kind=kind)


def test_the_table_holds_numbers_under_pseudonyms(researcher, cohort, queued):
    export = ask(researcher, cohort, "anon-csv")
    assert queued == [("reports.tasks.make_export", str(export.pk))]
    content = made(export)
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    first, second = cohort.images.filter(state="free").order_by("position")
    assert [row["study"] for row in rows] == [first.study_name, second.study_name]
    assert (rows[0]["ensemble"], rows[0]["area_percent"]) == ("lungs", "26.04")
    assert [row["year"] for row in rows] == ["", ""]  # one patient would be known by it
    assert (rows[1]["ensemble"], rows[1]["slices"]) == ("", "4")
    assert not [word for word in CANARIES if word in content]
    assert Notice.objects.get(to=researcher).kind == "cohort_export_finished"


def table_of(content: bytes):
    return load_workbook(io.BytesIO(content))["Measures"]


def test_the_workbook_says_what_the_table_says(researcher, cohort, queued):
    content = made(ask(researcher, cohort, "anon-csv")).decode("utf-8-sig")
    workbook = made(ask(researcher, cohort, "anon-xlsx"))
    sheet = table_of(workbook)
    assert [cell.value for cell in sheet[1]] == [heading(one) for one in COHORT_COLUMNS]
    rows = list(csv.reader(io.StringIO(content)))
    assert rows[0] == list(COHORT_HEAD)
    assert sheet.max_row == len(rows) == 3
    for told, line in zip(rows[1:], sheet.iter_rows(min_row=2, values_only=True), strict=True):
        for text, value in zip(told, line, strict=True):
            assert (float(text) if isinstance(value, int | float) else text or None) == value
    assert sheet.cell(2, COHORT_HEAD.index("area_percent") + 1).value == 26.04
    everything = zipfile.ZipFile(io.BytesIO(workbook))
    inside = b"".join(everything.read(name) for name in everything.namelist())
    assert not [word for word in CANARIES if word in inside]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "{=1}", "http://x.example/"])
def test_what_was_typed_stays_text_in_the_workbook(researcher, cohort, queued, text):
    run = Result.objects.get().job.run
    run.frozen["name"] = text
    run.save()
    sheet = table_of(made(ask(researcher, cohort, "anon-xlsx")))
    cell = sheet.cell(2, COHORT_HEAD.index("ensemble") + 1)
    assert (cell.data_type, cell.value, cell.hyperlink) == ("s", text, None)


@pytest.mark.parametrize(("patients", "year"), [(4, None), (5, "2004")])
def test_the_workbook_tells_no_year_of_few(house, researcher, queued, patients, year):
    images = [pictured(house) for _ in range(patients)]
    cohort = CohortFactory(organisation=house, readers=[researcher], images=images)
    sheet = table_of(made(ask(researcher, cohort, "anon-xlsx")))
    at = COHORT_HEAD.index("year") + 1
    assert [sheet.cell(row, at).value for row in range(2, patients + 2)] == [year] * patients


def test_a_year_is_told_where_five_patients_share_it(house, researcher, queued):
    images = [pictured(house) for _ in range(5)]
    cohort = CohortFactory(organisation=house, readers=[researcher], images=images)
    content = made(ask(researcher, cohort, "anon-csv"))
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
    assert [row["year"] for row in rows] == ["2004"] * 5


def test_the_zip_holds_pictures_volumes_and_masks_drawn_anew(researcher, cohort, queued):
    content = made(ask(researcher, cohort, "anon-zip"))
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.testzip() is None
    first, second = cohort.images.filter(state="free").order_by("position")
    assert archive.namelist() == [
        f"{first.study_name}/0001.png", f"{first.study_name}/0001-mask-1.png",
        f"{second.study_name}/0002.nii.gz",
    ]  # fmt: skip
    everything = content
    for name in archive.namelist():
        member = archive.read(name)
        everything += name.encode() + member
        if name.endswith(".gz"):
            everything += gzip.decompress(member)
    assert not [word for word in CANARIES if word in everything]
    volume = nibabel.Nifti1Image.from_bytes(gzip.decompress(archive.read(archive.namelist()[2])))
    assert np.array_equal(np.asarray(volume.dataobj).T, ramp((4, 24, 32)))
    assert bytes(volume.header["descrip"]).strip(b"\0") == b""
    assert archive.read(archive.namelist()[2])[4:8] == bytes(4)  # gzip: no time


def test_it_is_made_once_however_often_it_is_rung(researcher, cohort, queued):
    export = ask(researcher, cohort, "anon-csv")
    made(export)
    tasks.make_export(str(export.pk))
    assert AuditEvent.objects.filter(action="export.succeed").count() == 1


def test_a_cohort_that_closed_meanwhile_gives_no_file(researcher, cohort, queued):
    export = ask(researcher, cohort, "anon-csv")
    Cohort.objects.update(until=localdate() - timedelta(days=1))
    tasks.make_export(str(export.pk))
    export.refresh_from_db()
    assert (export.status, export.blob) == (ExportStatus.FAILED, None)
    assert "closed" in export.error
    assert Notice.objects.get(to=researcher).kind == "cohort_export_failed"


def test_what_is_no_cohort_file_and_what_is_no_clinical_one(house, researcher, cohort, queued):
    with pytest.raises(NotPossible, match="no such kind"):
        ask(researcher, cohort, "csv")
    result = ResultFactory()
    with pytest.raises(NotPossible, match="no such kind"):
        export_create(user=researcher, kind="anon-zip", results=[result])
    with pytest.raises(NotPossible, match="No picture"):
        ask(researcher, CohortFactory(organisation=house, readers=[researcher]), "anon-csv")
    with pytest.raises(IntegrityError, match="export_of_a_cohort"), transaction.atomic():
        Export.objects.create(organisation=house, user=researcher, kind="anon-xlsx")


# --- pages


def test_asking_takes_a_fresh_proof_and_the_file_is_taken_away(client, researcher, cohort, queued):
    client.force_login(researcher)
    address = reverse("reports:cohort-export", args=[cohort.pk])
    assert "reauthenticate" in client.post(address, {"kind": "anon-csv"}).url
    assert not Export.objects.exists()
    verify(client, researcher)
    client.post(address, {"kind": "anon-csv"})
    export = Export.objects.get()
    download = reverse("reports:cohort-download", args=[export.pk])
    assert client.get(download).status_code == 404
    content = made(export)
    answer = client.get(download)
    assert answer.getvalue() == content
    assert f"cohort-{str(export.pk)[:8]}.csv" in answer["Content-Disposition"]
    assert AuditEvent.objects.get(action="export.download").target == f"export:{export.pk}"
    page = client.get(reverse("reports:cohort-files", args=[cohort.pk])).content.decode()
    assert download in page
    client.post(reverse("reports:cohort-file-delete", args=[export.pk]))
    assert client.get(download).status_code == 404
    assert not exports_visible_to(researcher).exists()


def test_a_file_is_closed_with_the_cohort_and_when_a_picture_left_it(
    client, researcher, cohort, queued
):
    verify(client, researcher)
    export = ask(researcher, cohort, "anon-csv")
    made(export)
    download = reverse("reports:cohort-download", args=[export.pk])
    assert client.get(download).status_code == 200
    cohort.images.filter(position=2).delete()
    assert client.get(download).status_code == 403
    Cohort.objects.update(until=localdate() - timedelta(days=1))
    assert client.get(download).status_code == 404
    assert client.get(reverse("reports:cohort-files", args=[cohort.pk])).status_code == 404


def test_the_workbook_is_its_researchers_alone(client, house, researcher, cohort, queued):
    ask_at = reverse("reports:cohort-export", args=[cohort.pk])
    assert "login" in client.post(ask_at, {"kind": "anon-xlsx"}).url
    verify(client, MembershipFactory(role=RESEARCHER).user)
    assert client.post(ask_at, {"kind": "anon-xlsx"}).status_code == 404
    verify(client, MembershipFactory(organisation=house).user)
    assert client.post(ask_at, {"kind": "anon-xlsx"}).status_code == 403
    verify(client, researcher)
    client.post(ask_at, {"kind": "anon-xlsx"})
    export = Export.objects.get()
    content = made(export)
    answer = client.get(reverse("reports:cohort-download", args=[export.pk]))
    assert (answer.getvalue(), answer["Content-Type"]) == (content, SHEET)
    assert f"cohort-{str(export.pk)[:8]}.xlsx" in answer["Content-Disposition"]
    assert AuditEvent.objects.get(action="export.download").target == f"export:{export.pk}"
    client.logout()
    away = client.get(reverse("reports:cohort-download", args=[export.pk]))
    assert "login" in away.url


def test_a_colleague_of_the_same_cohort_does_not_see_the_file(client, house, cohort, researcher):
    other = MembershipFactory(organisation=house, role=RESEARCHER).user
    cohort.readers.create(user=other)
    export = ask(researcher, cohort, "anon-csv")
    verify(client, other)
    assert client.get(reverse("reports:cohort-download", args=[export.pk])).status_code == 404
    page = client.get(reverse("reports:cohort-files", args=[cohort.pk])).content.decode()
    assert str(export.pk)[:8] not in page


def test_an_erasure_takes_the_files_that_hold_the_patient(researcher, cohort, queued):
    export = ask(researcher, cohort, "anon-zip")
    made(export)
    volume = cohort.images.get(position=2).image  # it has no result
    patient_shred(volume.organisation_id, volume.patient_id)
    assert not Export.objects.filter(pk=export.pk).exists()
    assert not Blob.objects.filter(pk=export.blob_id).exists()
    assert cohort.images.count() == 2
