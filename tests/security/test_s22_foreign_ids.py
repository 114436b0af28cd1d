"""S22: another's id is as a random one, byte for byte, wherever an id can be put."""

from __future__ import annotations

import re
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.roles import ADMINISTRATOR, CLINICIAN
from imaging.formats.png import encode_png
from imaging.models import Ensemble, Run, Upload
from reports.models import Export
from tests.accounts.factories import DepartmentFactory, MembershipFactory, UserFactory, verify
from tests.imaging.factories import (
    EnsembleFactory,
    ImageFactory,
    ModelVersionFactory,
    ResultFactory,
    UploadFactory,
    UploadItemFactory,
    ramp,
)
from tests.reports.factories import ExportFactory

pytestmark = pytest.mark.django_db
CHANGING = re.compile(
    rb'(name="(csrfmiddlewaretoken|token|csrf)" (value|content)="[^"]*"|class="mono">[0-9a-f]{16}<)'
)
PATHS = {  # address: the row of a result that its id names
    "imaging:study-detail": lambda r: r.image.study_id,
    "imaging:patient-detail": lambda r: r.patient_id,
    "imaging:assignment-list": lambda r: r.patient_id,
    "imaging:run-detail": lambda r: r.job.run_id,
    "imaging:run-status": lambda r: r.job.run_id,
    "imaging:image-thumbnail": lambda r: r.image_id,
    "imaging:image-pixels": lambda r: r.image_id,
    "imaging:result-detail": lambda r: r.pk,
}


@pytest.fixture
def result():
    """Another organisation's."""
    return ResultFactory()


@pytest.fixture
def user(client):
    person = UserFactory()
    verify(client, person)
    return person


def body(answer) -> bytes:
    """What came back, without what differs from one request to the next."""
    return CHANGING.sub(b"", answer.getvalue())


def same(first, second) -> bool:
    return (first.status_code, body(first)) == (second.status_code, body(second))


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-3"}, {"HX-Request": "true"}])
def test_in_the_path(client, user, result, name, headers):
    foreign, unknown = (
        client.get(reverse(name, args=[pk]), headers=headers)
        for pk in (PATHS[name](result), uuid.uuid4())
    )
    assert foreign.status_code == 404
    assert same(foreign, unknown)


@pytest.mark.parametrize("name", ["ensemble", "mask"])
def test_in_the_path_of_maps_and_layers(client, user, result, name):
    route = "imaging:result-map" if name == "ensemble" else "imaging:result-layer"
    foreign, unknown = (
        client.get(reverse(route, args=[pk, name]), headers={"Range": "bytes=0-1"})
        for pk in (result.pk, uuid.uuid4())
    )
    assert foreign.status_code == 404
    assert same(foreign, unknown)


@pytest.mark.parametrize("name", ["export-detail", "export-status", "export-download"])
def test_of_an_export_of_ones_own_organisation_too(client, user, name):
    colleague = MembershipFactory(organisation=user.memberships.get().organisation).user
    export = ExportFactory(results=[ResultFactory(user=colleague)])
    foreign, unknown = (
        client.get(reverse(f"reports:{name}", args=[pk])) for pk in (export.pk, uuid.uuid4())
    )
    assert foreign.status_code == 404
    assert same(foreign, unknown)


@pytest.mark.parametrize("name", ["export-cancel", "export-delete"])
def test_of_an_act_on_anothers_export_too(client, user, name):
    colleague = MembershipFactory(organisation=user.memberships.get().organisation).user
    export = ExportFactory(results=[ResultFactory(user=colleague)])
    foreign, unknown = (
        client.post(reverse(f"reports:{name}", args=[pk])) for pk in (export.pk, uuid.uuid4())
    )
    assert foreign.status_code == 404
    assert same(foreign, unknown)
    export.refresh_from_db()
    assert export.status == "queued"


@pytest.mark.parametrize("name", ["image", "study", "upload"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_in_the_query_and_the_body_of_a_run(client, user, result, name, method):
    item = UploadItemFactory(upload=UploadFactory(finished=True), accepted=True)
    pks = {"image": result.image_id, "study": result.image.study_id, "upload": item.upload_id}
    ModelVersionFactory()
    foreign, unknown = (
        getattr(client, method)(reverse("imaging:run-create"), {name: pk, "choose": "1"})
        for pk in (pks[name], uuid.uuid4())
    )
    assert foreign.context["images"] == []
    assert same(foreign, unknown)


def test_in_a_run_beside_ones_own_image(client, user, result, queued):
    own, model = ImageFactory(user=user), ModelVersionFactory()
    saved = EnsembleFactory(organisation=result.organisation)
    client.post(
        reverse("imaging:run-create"),
        {"image": [own.pk, result.image_id], "member": model.pk, "threshold": "0.5",
         "ensemble": saved.pk},
    )  # fmt: skip
    run = Run.objects.get(requested_by=user)
    assert [job.image for job in run.jobs.all()] == [own]
    assert run.ensemble is None
    assert Ensemble.objects.get() == saved


@pytest.mark.parametrize("name", ["result", "study", "run"])
def test_in_an_export(client, user, result, queued, name):
    pks = {"result": result.pk, "study": result.image.study_id, "run": result.job.run_id}
    foreign, unknown = (
        client.post(reverse("reports:export-create"), {name: pk, "kind": "pdf"})
        for pk in (pks[name], uuid.uuid4())
    )
    assert (foreign.status_code, foreign.url) == (unknown.status_code, unknown.url)
    assert not Export.objects.exists()


def test_in_a_selection_beside_ones_own(client, user, result, queued):
    own = ResultFactory(user=user)
    form = {"result": [own.pk, result.pk], "kind": "csv"}
    client.post(reverse("reports:export-create"), form)
    assert [item.result for item in Export.objects.get().items.all()] == [own]


def test_in_the_filters_of_the_worklist(client, user, result):
    ImageFactory(user=user)
    study = result.image.study
    page = reverse("imaging:study-list")
    foreign, unknown = (
        client.get(page, {"after": f"{study.created_at.isoformat()}_{pk}"})
        for pk in (study.pk, uuid.UUID(int=study.pk.int ^ 1))
    )
    assert same(foreign, unknown)
    assert str(study.pk).encode() not in body(foreign)


def test_as_the_department_of_an_upload(client, user, queued):
    house = user.memberships.get().organisation
    DepartmentFactory(organisation=house)
    strange = DepartmentFactory()

    def send(department):
        picture = SimpleUploadedFile("a.png", encode_png(ramp()[0]))
        form = {"files": [picture], "modality": "xray", "place": f"{house.pk}:{department}"}
        return client.post(reverse("imaging:upload-create"), form)

    random = uuid.uuid4()
    foreign, unknown = send(strange.pk), send(random)
    assert foreign.status_code == unknown.status_code == 422
    echoed = body(foreign).replace(str(strange.pk).encode(), str(random).encode())
    assert echoed == body(unknown)
    assert not Upload.objects.exists()


def test_as_the_clinician_who_is_given_a_patient(client):
    administrator = UserFactory(role=ADMINISTRATOR)
    house = administrator.memberships.get().organisation
    verify(client, administrator)
    patient = ImageFactory(study__organisation=house).patient
    there = reverse("imaging:assignment-list", args=[patient.pk])
    strange = UserFactory(role=CLINICIAN)
    foreign, unknown = (client.post(there, {"user": pk}) for pk in (strange.pk, uuid.uuid4()))
    assert foreign.status_code == 422
    assert same(foreign, unknown)


@pytest.mark.parametrize("name", ["membership-change", "membership-end", "invitation-withdraw"])
def test_of_anothers_people(client, name):
    verify(client, UserFactory(role=ADMINISTRATOR))
    foreign, unknown = (
        client.post(reverse(f"people:{name}", args=[pk]), {"until": ""})
        for pk in (MembershipFactory().pk, uuid.uuid4())
    )
    assert foreign.status_code == 404
    assert same(foreign, unknown)
