"""S24, S45, S46: who is a researcher alone meets nobody's identity, by no address of the house."""

from __future__ import annotations

import json
import uuid

import pytest
from django.urls import NoReverseMatch, reverse

from accounts.models import AuditEvent
from accounts.roles import RESEARCHER
from imaging.models import Run
from mediscan.routes import routes
from tests.accounts.factories import MembershipFactory, OrganisationFactory, UserFactory, verify
from tests.imaging.factories import (
    CohortFactory,
    ImageFactory,
    JobFactory,
    ResultFactory,
    ReviewFactory,
    RunFactory,
    UploadFactory,
    UploadItemFactory,
    sealed,
)

pytestmark = pytest.mark.django_db
CANARIES = ("Zqname", "ZQRECORD", "1931-07-29", "2004-01-19", "20040119", "ZQACCESSION", "Zqtitle",
            "Zqfile", "Zqrun", "Zqcomment", "Zqdoctor")  # fmt: skip
LEFT = ("logout", "password", "swagger", "redoc", "schema")  # other people's, or no page at all


@pytest.fixture
def told(client):
    """A picture with all that tells whose it is, in a cohort; a researcher asks."""
    house = OrganisationFactory()
    doctor = UserFactory(organisation=house, name="Zqdoctor", email="zq@example.org")
    image = ImageFactory(
        user=doctor,
        study__patient__name="Zqname^Jane",
        study__patient__record_number="ZQRECORD-1",
        study__patient__birth_date="1931-07-29",
        study__accession_number="ZQACCESSION1",
        study__title="Zqtitle",
        study__studied_at="2004-01-19 07:27",
        source__name="Zqfile.dcm",
        header=json.dumps({"patient_name": "Zqname^Jane", "study_date": "20040119"}),
    )
    upload = UploadFactory(user=doctor, organisation=house, finished=True)
    UploadItemFactory(upload=upload, name="Zqfile.dcm", image=image)
    run = RunFactory(requested_by=doctor, organisation=house, title="Zqrun")
    run.frozen["name"] = ""
    run.save()
    result = ResultFactory(job=JobFactory(run=run, image=image, succeeded=True))
    review = ReviewFactory(result=sealed(result), author=doctor, comment="Zqcomment")
    researcher = MembershipFactory(organisation=house, role=RESEARCHER).user
    cohort = CohortFactory(organisation=house, readers=[researcher], images=[image])
    verify(client, researcher)
    rows = {
        "cohort": cohort, "row": cohort.images.get(), "image": image, "study": image.study,
        "patient": image.patient, "series": image.series, "result": result, "run": result.job.run,
        "job": result.job, "review": review, "upload": upload,
    }  # fmt: skip
    return client, rows


def addresses(rows) -> list[tuple[str, str]]:
    """Every address that one id completes, with each id that there is; and those without one."""
    found = []
    for route in routes():
        if not route.name or any(word in route.pattern for word in LEFT):
            continue
        more = {"result": rows["result"].pk, "name": "original", "plane": "stored", "number": 1,
                "other": rows["result"].pk, "run": rows["run"].pk}  # fmt: skip
        wanted = {name for name in more if f":{name}>" in route.pattern}
        extra = {name: more[name] for name in wanted}
        for pk in [row.pk for row in rows.values()] if ":pk>" in route.pattern else [None]:
            try:
                ids = extra if pk is None else extra | {"pk": pk}
                found.append((route.name, reverse(route.name, kwargs=ids)))
            except NoReverseMatch:
                continue
    return found


def test_no_address_tells_who_it_is(told):
    client, rows = told
    met, wrong = {}, []
    for name, address in addresses(rows):
        answer = client.get(address)
        body = answer.getvalue().decode("utf-8", "replace") + str(dict(answer.headers))
        met[name] = answer.status_code
        wrong += [(name, word) for word in CANARIES if word in body]
    assert wrong == []
    assert len(met) > 60
    for name in ("cohort-detail", "cohort-image", "cohort-picture", "cohort-layer"):
        assert f"imaging:{name}" in met


def test_the_pages_of_the_cohort_are_met_and_tell_no_id_and_no_year_of_so_few(told):
    client, rows = told
    page = client.get(reverse("imaging:cohort-detail", args=[rows["cohort"].pk])).content.decode()
    image = client.get(reverse("imaging:cohort-image", args=[rows["row"].pk])).content.decode()
    for body in (page, image):
        assert "2004" not in body  # fewer than five patients share it
        assert str(rows["study"].pk) not in body
        assert str(rows["image"].pk) not in body
        assert str(rows["patient"].pk) not in body


def test_the_trail_knows_whose_picture_it_was_and_the_researchers_own_page_does_not(told):
    client, rows = told
    client.get(reverse("imaging:cohort-image", args=[rows["row"].pk]))
    page = client.get(reverse("trail:activity")).content.decode()
    assert str(rows["patient"].pk) not in page
    seen = AuditEvent.objects.get(action="cohort.view_image")
    assert seen.patient == rows["patient"].pk


@pytest.mark.parametrize("kind", ["study", "image", "patient", "result", "run", "review"])
def test_an_id_of_the_clinic_is_refused_or_unknown(told, kind):
    client, rows = told
    for name in ("study-detail", "image-thumbnail", "image-pixels", "patient-detail",
                 "result-detail", "run-detail", "review-detail"):  # fmt: skip
        answer = client.get(reverse(f"imaging:{name}", args=[rows[kind].pk]))
        assert answer.status_code in (403, 404)
    for name in ("cohort-image", "cohort-picture"):
        foreign, unknown = (
            client.get(reverse(f"imaging:{name}", args=[pk]))
            for pk in (rows[kind].pk, uuid.uuid4())
        )
        assert (foreign.status_code, unknown.status_code) == (404, 404)


def test_a_run_takes_no_image_by_its_clinical_id(told, queued):
    client, rows = told
    before = Run.objects.count()
    address = reverse("imaging:cohort-run", args=[rows["cohort"].pk])
    client.post(address, {"ensemble": uuid.uuid4(), "image": rows["image"].pk})
    assert Run.objects.count() == before
