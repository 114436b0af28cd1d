"""S24: what another organisation gains moves no number, list or file of this one."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from accounts.roles import ADMINISTRATOR, CLINICIAN, RADIOLOGIST, RESEARCHER
from accounts.vault.fields import blind_index
from analytics.selectors import dashboard_of
from imaging.models import Result
from reports.choosing import choose
from reports.making import export_chunks
from tests.accounts.factories import MembershipFactory, OrganisationFactory, UserFactory, verify
from tests.imaging.factories import (
    AssignmentFactory,
    JobFactory,
    PatientFactory,
    ResultFactory,
    RunFactory,
    StudyFactory,
    UploadFactory,
)
from tests.reports.factories import ExportFactory

pytestmark = pytest.mark.django_db
CHANGING = re.compile(r'(name="(csrfmiddlewaretoken|token|csrf)" (value|content)="[^"]*"|'
                      r'<time[^>]*>[^<]*</time>|class="mono">[0-9a-f]{16}<)')  # fmt: skip
PAGES = ("analytics:dashboard", "imaging:study-list", "imaging:run-list", "reports:export-list",
         "imaging:model-list", "people:first")  # fmt: skip


def gained(like: Result, count: int = 100) -> None:
    """Another organisation's work: studies, runs, uploads, people, and a result by that model."""
    house = OrganisationFactory()
    person = UserFactory(organisation=house)
    StudyFactory.create_batch(count, organisation=house, uploaded_by=person)
    models = [one.model_version for one in like.job.run.members.all()]
    runs = RunFactory.create_batch(count, requested_by=person, versions=models)
    result = ResultFactory(job=JobFactory(run=runs[0], succeeded=True))
    UploadFactory.create_batch(count, user=person, organisation=house)
    MembershipFactory.create_batch(5, organisation=house)
    PatientFactory(organisation=house, mrn_index=blind_index(house, "record_number", "A-1"))
    ExportFactory(results=[result])


def shown(client) -> dict[str, str]:
    answers = {name: client.get(reverse(name)) for name in PAGES}
    found = {name: CHANGING.sub("", one.content.decode()) for name, one in answers.items()}
    find = client.post(reverse("imaging:patient-find"), {"number": "A-1"})
    return found | {"find": CHANGING.sub("", find.content.decode())}


@pytest.mark.parametrize("role", [RADIOLOGIST, CLINICIAN, ADMINISTRATOR])
def test_no_page_moves(client, role):
    house = OrganisationFactory()
    result = ResultFactory(user=UserFactory(organisation=house))
    member = UserFactory(organisation=house, role=role)
    if role == CLINICIAN:
        AssignmentFactory(patient=result.patient, organisation=house, user=member)
    verify(client, member)
    before = shown(client)
    dashboard = dashboard_of(member)
    gained(like=result)
    after = shown(client)
    assert [name for name in before if before[name] != after[name]] == []
    assert dashboard_of(member).meters == dashboard.meters
    assert "There is no record" in after["find"]


def test_no_file_moves():
    result = ResultFactory()
    user = result.job.run.requested_by
    export = ExportFactory(results=[result])
    before = b"".join(export_chunks(export))
    chosen = {"results": [], "studies": [result.image.study_id], "runs": [result.job.run_id]}
    gained(like=result)
    assert choose(user, action="export.create_bulk", **chosen).results == [result]
    assert b"".join(export_chunks(export)) == before


def test_a_researcher_sees_nothing_identified(client):
    house = OrganisationFactory()
    result = ResultFactory(user=UserFactory(organisation=house))
    verify(client, UserFactory(organisation=house, role=RESEARCHER))
    for name in ("imaging:study-list", "imaging:run-list", "reports:export-list"):
        assert client.get(reverse(name)).status_code == 403
    for name, pk in {
        "imaging:study-detail": result.image.study_id, "imaging:result-detail": result.pk,
        "imaging:image-pixels": result.image_id, "imaging:patient-detail": result.patient_id,
    }.items():  # fmt: skip
        assert client.get(reverse(name, args=[pk])).status_code == 403
