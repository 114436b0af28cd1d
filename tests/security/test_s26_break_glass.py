"""S26: emergency access keeps each figure of SECURITY §3."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import AuditEvent, Membership, Notice
from accounts.roles import ADMINISTRATOR, AUDITOR, CLINICIAN, RADIOLOGIST, TECHNICIAN
from accounts.vault.fields import blind_index
from imaging import selectors
from imaging.models import BreakGlass, Patient
from imaging.services.glass import glass_break, glass_close, glass_review, glasses_tend
from tests.accounts.factories import (
    PASSWORD,
    DepartmentFactory,
    MembershipFactory,
    OrganisationFactory,
    StrangerFactory,
    UserFactory,
    verify,
)
from tests.imaging.factories import ImageFactory, JobFactory, ResultFactory

pytestmark = pytest.mark.django_db
REASON = "Unconscious, needs a comparison now"
RECORD = "MRN-4711"


@pytest.fixture
def house():
    return OrganisationFactory()


@pytest.fixture
def auditor(house):
    return UserFactory(organisation=house, role=AUDITOR)


@pytest.fixture
def result(house):
    found = ResultFactory(user=UserFactory(organisation=house))
    index = blind_index(house, "record_number", RECORD)
    Patient.objects.filter(pk=found.patient_id).update(mrn_index=index)
    return found


@pytest.fixture
def clinician(house):
    return UserFactory(organisation=house, role=CLINICIAN)


def fresh(user):
    """The same person as the next request would read them."""
    return type(user).objects.get(pk=user.pk)


def open_address(result) -> str:
    return reverse("imaging:glass-open", args=[result.patient_id])


def test_a_clinician_opens_one_patient_and_no_other(client, house, result, clinician):
    other = ResultFactory(user=UserFactory(organisation=house))
    verify(client, clinician)
    assert client.get(result.get_absolute_url()).status_code == 404
    assert client.get(open_address(result)).status_code == 200
    opened = client.post(open_address(result), {"reason": REASON})
    assert opened.url == reverse("imaging:patient-detail", args=[result.patient_id])
    for page in (opened.url, result.get_absolute_url(), result.image.study.get_absolute_url()):
        assert client.get(page).status_code == 200
    pixels = reverse("imaging:image-pixels", args=[result.image_id])
    assert client.get(pixels).status_code == 200
    assert client.get(other.get_absolute_url()).status_code == 404
    assert list(selectors.results_visible_to(fresh(clinician))) == [result]


def test_an_administrator_sees_pixels_only_under_glass(client, house, result):
    administrator = UserFactory(organisation=house, role=ADMINISTRATOR)
    verify(client, administrator)
    pixels = reverse("imaging:image-pixels", args=[result.image_id])
    assert client.get(pixels).status_code == 403
    client.post(open_address(result), {"reason": REASON})
    assert client.get(pixels).status_code == 200
    assert client.get(result.get_absolute_url()).status_code == 200
    assert client.get(reverse("imaging:run-create")).status_code == 403
    BreakGlass.objects.update(opened_at=now() - timedelta(minutes=61))
    assert client.get(pixels).status_code == 403


def test_it_shows_no_more_than_reading(client, result, clinician):
    verify(client, clinician)
    client.post(open_address(result), {"reason": REASON})
    form = client.get(reverse("imaging:run-create"), {"image": result.image_id})
    assert form.context["images"] == []


@pytest.mark.parametrize("reason", ["", "too short", " " * 40, "a              b"])
def test_the_reason_has_fifteen_characters(client, result, clinician, reason):
    verify(client, clinician)
    assert client.post(open_address(result), {"reason": reason}).status_code == 422
    with pytest.raises(ValidationError, match="at least 15"):
        glass_break(by=clinician, patient=result.patient, reason=reason)
    assert not BreakGlass.objects.exists()


def test_an_old_proof_is_asked_again(client, result, clinician):
    client.force_login(clinician)
    answer = client.post(open_address(result), {"reason": REASON})
    assert answer.status_code == 302
    assert "reauthenticate" in answer.url
    assert not BreakGlass.objects.exists()


def test_the_form_itself_asks_for_no_proof(client, result, clinician):
    """In an emergency the reason comes first; the proof is asked for once, and nothing is lost."""
    client.force_login(clinician)
    assert client.get(open_address(result)).status_code == 200
    asked = client.post(open_address(result), {"reason": REASON})
    proved = client.post(asked.url, {"password": PASSWORD}, follow=True)
    assert proved.redirect_chain[-1][0] == reverse(
        "imaging:patient-detail", args=[result.patient_id]
    )
    assert BreakGlass.objects.get().reason == REASON


def test_reading_is_no_right_to_run_again(client, house, result, clinician):
    job = JobFactory(run=result.job.run, image=result.image, failed=True)
    radiologist = UserFactory(organisation=house)
    Membership.objects.filter(user=radiologist).update(
        department=DepartmentFactory(organisation=house)
    )
    retry = reverse("imaging:job-retry", args=[job.pk])
    for person in (clinician, radiologist):
        verify(client, person)
        client.post(open_address(result), {"reason": REASON})
        assert client.get(result.job.run.get_absolute_url()).status_code == 200
        assert client.post(retry).status_code == 404
    verify(client, result.job.run.requested_by)
    assert client.post(retry).status_code == 302


def test_it_lasts_an_hour_and_says_so_on_every_page(client, result, clinician):
    verify(client, clinician)
    client.post(open_address(result), {"reason": REASON})
    pages = [reverse("analytics:dashboard"), reverse("imaging:study-list"),
             result.get_absolute_url(), reverse("account_email")]  # fmt: skip
    for page in pages:
        text = client.get(page).content.decode()
        assert "Emergency access is open" in text, page
        assert "60 min left" in text
    BreakGlass.objects.update(opened_at=now() - timedelta(minutes=60, seconds=1))
    assert client.get(result.get_absolute_url()).status_code == 404
    assert "Emergency access is open" not in client.get(pages[0]).content.decode()


def test_it_is_given_back_early_by_its_owner_alone(client, house, result, clinician):
    glass = glass_break(by=clinician, patient=result.patient, reason=REASON)
    close = reverse("imaging:glass-close", args=[glass.pk])
    client.force_login(UserFactory(organisation=house))
    assert client.post(close).status_code == 404
    verify(client, clinician)
    assert client.get(result.get_absolute_url()).status_code == 200
    client.post(close)
    assert client.get(result.get_absolute_url()).status_code == 404
    glass_close(by=clinician, glass=glass)
    assert AuditEvent.objects.filter(action="breakglass.end").count() == 1


def test_the_auditor_is_told_in_the_same_transaction_without_a_name(
    house, auditor, result, clinician, django_capture_on_commit_callbacks, mailoutbox
):
    with django_capture_on_commit_callbacks(execute=True):
        glass_break(by=clinician, patient=result.patient, reason=REASON)
    notice = Notice.objects.get(to=auditor)
    assert notice.kind == "break_glass"
    assert (mailoutbox[0].to, REASON in mailoutbox[0].body) == ([auditor.email], False)


def test_without_an_auditor_the_administrators_are_told(house, result, clinician):
    administrator = UserFactory(organisation=house, role=ADMINISTRATOR)
    glass_break(by=clinician, patient=result.patient, reason=REASON)
    assert Notice.objects.filter(to=administrator, kind="break_glass").exists()


def test_the_reason_is_sealed_and_in_no_line_of_the_trail(result, clinician):
    glass = glass_break(by=clinician, patient=result.patient, reason=REASON)
    table = BreakGlass._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT reason FROM {table}")
        assert REASON not in cursor.fetchone()[0]
    glass.refresh_from_db()
    assert glass.reason == REASON
    event = AuditEvent.objects.get(action="breakglass.start")
    assert event.reason == ""
    assert event.patient == result.patient_id


def test_opened_twice_it_is_one(result, clinician):
    glasses = {glass_break(by=clinician, patient=result.patient, reason=REASON).pk for _ in "ab"}
    assert len(glasses) == 1
    assert AuditEvent.objects.filter(action="breakglass.start").count() == 1


@pytest.mark.parametrize("role", [TECHNICIAN, AUDITOR])
def test_these_roles_may_not(client, house, result, role):
    user = UserFactory(organisation=house, role=role)
    verify(client, user)
    assert client.post(open_address(result), {"reason": REASON}).status_code == 403
    with pytest.raises(PermissionDenied):
        glass_break(by=user, patient=result.patient, reason=REASON)


def test_another_organisation_is_as_unknown(client, result):
    verify(client, UserFactory(role=CLINICIAN))
    assert client.post(open_address(result), {"reason": REASON}).status_code == 404


def test_it_ends_with_the_role(client, result, clinician):
    glass_break(by=clinician, patient=result.patient, reason=REASON)
    verify(client, clinician)
    assert client.get(result.get_absolute_url()).status_code == 200
    clinician.memberships.update(until=now())
    assert client.get(result.get_absolute_url()).status_code == 403


def test_who_sees_the_patient_anyway_needs_none(client, result):
    verify(client, result.job.run.requested_by)
    assert client.get(open_address(result)).url == reverse(
        "imaging:patient-detail", args=[result.patient_id]
    )


def test_a_radiologist_of_another_department_opens_it(client, house, result):
    department = DepartmentFactory(organisation=house)
    reader = MembershipFactory(organisation=house, role=RADIOLOGIST, department=department).user
    verify(client, reader)
    assert client.get(result.get_absolute_url()).status_code == 404
    client.post(open_address(result), {"reason": REASON})
    assert client.get(result.get_absolute_url()).status_code == 200


# --- review


def test_the_auditor_reviews_it_once(client, auditor, result, clinician):
    glass = glass_break(by=clinician, patient=result.patient, reason=REASON)
    verify(client, auditor)
    queue = reverse("imaging:glass-list")
    assert REASON in client.get(queue).content.decode()
    review = reverse("imaging:glass-review", args=[glass.pk])
    client.post(review, {"verdict": "objected"})
    glass.refresh_from_db()
    assert glass.verdict == ""
    client.post(review, {"verdict": "objected", "comment": "There was time to ask"})
    client.post(review, {"verdict": "approved"})
    glass.refresh_from_db()
    assert (glass.verdict, glass.comment) == ("objected", "There was time to ask")
    assert glass.reviewed_by == auditor
    assert AuditEvent.objects.filter(action="breakglass.review").count() == 1


def test_nobody_reviews_their_own_nor_anothers_house(house, result, clinician):
    glass = glass_break(by=clinician, patient=result.patient, reason=REASON)
    MembershipFactory(user=clinician, organisation=house, role=AUDITOR)
    with pytest.raises(ValidationError, match="their own"):
        glass_review(by=fresh(clinician), glass=glass, verdict="approved")
    for by in (UserFactory(role=AUDITOR), UserFactory(organisation=house)):
        with pytest.raises(PermissionDenied):
            glass_review(by=by, glass=glass, verdict="approved")
    with pytest.raises(IntegrityError), transaction.atomic():
        BreakGlass.objects.update(verdict="approved", reviewed_by=clinician, reviewed_at=now())
    with pytest.raises(IntegrityError), transaction.atomic():
        BreakGlass.objects.update(verdict="approved")


def test_the_queue_is_ones_own_houses(client, result, clinician):
    glass = glass_break(by=clinician, patient=result.patient, reason=REASON)
    verify(client, UserFactory(role=AUDITOR))
    assert REASON not in client.get(reverse("imaging:glass-list")).content.decode()
    review = reverse("imaging:glass-review", args=[glass.pk])
    assert client.post(review, {"verdict": "approved"}).status_code == 404


def test_after_72_hours_it_escalates_once(house, auditor, result, clinician):
    administrator = UserFactory(organisation=house, role=ADMINISTRATOR)
    glass_break(by=clinician, patient=result.patient, reason=REASON)
    assert glasses_tend() == 0
    BreakGlass.objects.update(opened_at=now() - timedelta(hours=72, seconds=1))
    assert glasses_tend() == 2  # it ran out as well
    assert glasses_tend() == 0
    for person in (auditor, administrator):
        assert Notice.objects.filter(to=person, kind="break_glass_escalated").count() == 1
    ended, late = (AuditEvent.objects.get(action=f"breakglass.{what}") for what in
                   ("end", "escalate"))  # fmt: skip
    assert (ended.reason, late.actor) == ("ran out", None)


def test_a_reviewed_one_does_not_escalate(auditor, result, clinician):
    glass = glass_break(by=clinician, patient=result.patient, reason=REASON)
    glass_review(by=auditor, glass=glass, verdict="approved")
    BreakGlass.objects.update(opened_at=now() - timedelta(hours=80), closed_at=now())
    assert glasses_tend() == 0


# --- finding somebody whom one may not see


def test_the_search_says_only_whether_the_number_exists(client, result, clinician):
    verify(client, clinician)
    page = client.post(reverse("imaging:patient-find"), {"number": f" {RECORD.lower()} "})
    text = page.content.decode()
    assert "There is a record with this number" in text
    assert open_address(result) in text
    assert RECORD not in page.wsgi_request.get_full_path()
    none = client.post(reverse("imaging:patient-find"), {"number": "MRN-4712"})
    assert "There is no record" in none.content.decode()
    events = AuditEvent.objects.filter(action="record.search")
    assert sorted(one.reason for one in events) == ["found 0", "found 1"]


def test_another_organisations_number_does_not_exist(client, result):
    verify(client, UserFactory(role=CLINICIAN))
    page = client.post(reverse("imaging:patient-find"), {"number": RECORD})
    assert "There is no record" in page.content.decode()


def test_an_administrator_finds_assigns_and_sees_no_patient(client, house, result, clinician):
    Patient.objects.filter(pk=result.patient_id).first()
    verify(client, UserFactory(organisation=house, role=ADMINISTRATOR))
    assign = reverse("imaging:assignment-list", args=[result.patient_id])
    found = client.post(reverse("imaging:patient-find"), {"number": RECORD}).content.decode()
    assert assign in found
    assert client.post(assign, {"user": clinician.pk}).status_code == 302
    assert clinician.name in client.get(assign).content.decode()
    detail = reverse("imaging:patient-detail", args=[result.patient_id])
    assert client.get(detail).status_code == 403
    assert list(selectors.results_visible_to(fresh(clinician))) == [result]
    assignment = clinician.assignments.get()
    client.post(reverse("imaging:assignment-end", args=[assignment.pk]))
    assert not selectors.results_visible_to(fresh(clinician)).exists()


@pytest.mark.parametrize("wrong", ["stranger", "radiologist"])
def test_a_patient_is_given_to_a_clinician_of_the_house_only(client, house, result, wrong):
    verify(client, UserFactory(organisation=house, role=ADMINISTRATOR))
    user = StrangerFactory() if wrong == "stranger" else UserFactory(organisation=house)
    assign = reverse("imaging:assignment-list", args=[result.patient_id])
    assert client.post(assign, {"user": user.pk}).status_code == 422


def test_a_department_gives_its_own_patients_only(client, house, result):
    chest = DepartmentFactory(organisation=house)
    member = MembershipFactory(organisation=house, role=TECHNICIAN, department=chest).user
    own = ImageFactory(study__organisation=house, study__department=chest)
    client.force_login(member)
    statuses = [
        client.get(reverse("imaging:assignment-list", args=[pk])).status_code
        for pk in (own.patient_id, result.patient_id)
    ]
    assert statuses == [200, 404]
