"""The admin: operators manage people and plans, see no patient, and change no trail."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.urls import reverse

from accounts import audit
from accounts.models import AuditEvent, Membership, Plan, User
from imaging.models import Image, Job, JobStatus, ModelState, Patient, Result, Study
from tests.accounts.factories import (
    OrganisationFactory,
    PlanFactory,
    StrangerFactory,
    UserFactory,
    verify,
)
from tests.imaging.factories import JobFactory, ModelVersionFactory, ResultFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client):
    user = StrangerFactory(is_staff=True, is_superuser=True)
    verify(client, user)
    return user


def page(client, model: str, what: str = "changelist", *args):
    return client.get(reverse(f"admin:{model}_{what}", args=args))


@pytest.mark.parametrize("model", [Patient, Study, Image, Result])
def test_no_patient_in_the_admin(model):
    assert model not in admin.site._registry


def test_every_list_opens_for_an_operator(client, operator):
    ResultFactory()
    for model in admin.site._registry:
        label = f"{model._meta.app_label}_{model._meta.model_name}"
        assert page(client, label).status_code == 200, label


def test_every_row_opens_for_an_operator(client, operator):
    ResultFactory()
    for model in admin.site._registry:
        if row := model.objects.first():
            label = f"{model._meta.app_label}_{model._meta.model_name}"
            assert page(client, label, "change", row.pk).status_code == 200, label


def test_a_person_without_staff_rights_may_not_come_in(client):
    client.force_login(UserFactory())
    response = client.get(reverse("admin:accounts_user_changelist"), follow=True)
    assert response.status_code == 403


def test_the_anonymous_go_to_the_one_login_page(client):
    response = page(client, "accounts_user")
    assert response.status_code == 302
    assert reverse("account_login") in response.url


def test_an_operator_adds_a_person_who_must_change_the_password(client, operator):
    secret = "a long enough passphrase"
    form = {"email": "New@Example.org", "name": "New", "password1": secret, "password2": secret}
    response = client.post(reverse("admin:accounts_user_add"), form)
    assert response.status_code == 302
    user = User.objects.get(email="new@example.org")
    assert user.must_change_password
    assert user.check_password(secret)
    assert user.emailaddress_set.get().verified
    assert AuditEvent.objects.filter(action="user.create", actor=operator).exists()


def test_an_operator_changes_a_plan_and_the_trail_says_so(client, operator):
    plan = PlanFactory()
    form = {"name": "Gold", "slug": plan.slug, "runs_per_month": 5}
    client.post(reverse("admin:accounts_plan_change", args=[plan.pk]), form)
    assert Plan.objects.get(pk=plan.pk).runs_per_month == 5
    event = AuditEvent.objects.get(action="plan.change")
    assert (event.actor, event.reason) == (operator, "name, runs_per_month")


def membership_rows(organisation, *rows: dict) -> dict:
    """The organisation's form as the admin sends it, with its members as inline rows."""
    form = {"name": organisation.name, "plan": organisation.plan_id}
    form |= {"memberships-TOTAL_FORMS": len(rows), "memberships-INITIAL_FORMS": 0}
    for number, row in enumerate(rows):
        form |= {f"memberships-{number}-{name}": value for name, value in row.items()}
        form["memberships-INITIAL_FORMS"] += "id" in row
    return form


def test_roles_given_and_taken_beside_an_organisation_stand_in_the_trail(client, operator):
    organisation, person = OrganisationFactory(), StrangerFactory()
    address = reverse("admin:accounts_organisation_change", args=[organisation.pk])
    row = {"user": person.pk, "organisation": organisation.pk, "role": "clinician"}
    client.post(address, membership_rows(organisation, row))
    membership = person.memberships.get()
    row |= {"id": membership.pk, "role": "technician"}
    client.post(address, membership_rows(organisation, row))
    client.post(address, membership_rows(organisation, row | {"DELETE": "on"}))
    assert not person.memberships.exists()
    events = AuditEvent.objects.filter(target=f"membership:{membership.pk}").order_by("at")
    assert [(one.action, one.actor) for one in events] == [
        ("membership.create", operator),
        ("membership.change", operator),
        ("membership.delete", operator),
    ]
    told = person.notices.values_list("kind", flat=True)
    assert list(told) == ["role_changed"] * 3


@pytest.mark.parametrize("sent", ["x", "9" * 5_000, "\u0660\u00b2", "0001-01-01T00:00"])
def test_what_is_no_rows_id_is_refused_in_words(client, operator, sent):
    form = {"user": sent, "organisation": sent, "role": "clinician"}
    answer = client.post(reverse("admin:accounts_membership_add"), form)
    assert answer.status_code in (200, 422)
    assert {"user", "organisation"} <= answer.context["adminform"].form.errors.keys()
    assert not Membership.objects.filter(role="clinician").exists()


@pytest.mark.parametrize("part", ["year", "month", "day"])
@pytest.mark.parametrize("sent", ["0", "x", str(2**63), "9" * 5_000])
def test_a_day_that_no_calendar_has_leads_back_to_the_list(client, operator, part, sent):
    there = reverse("admin:accounts_auditevent_changelist")
    day = {"at__year": "2026", "at__month": "1", "at__day": "1"} | {f"at__{part}": sent}
    answer = client.get(there, day)
    assert (answer.status_code, answer.url) == (302, f"{there}?e=1")


def test_auditors_hear_of_a_role_that_was_raised_here(client, operator):
    organisation, person = OrganisationFactory(), StrangerFactory()
    auditor = UserFactory(organisation=organisation, role="auditor")
    address = reverse("admin:accounts_membership_add")
    form = {"user": person.pk, "organisation": organisation.pk, "role": "administrator"}
    assert client.post(address, form).status_code == 302
    assert auditor.notices.get().words == "A person was given the role Administrator."
    assert person.notices.get().kind == "role_changed"


def test_a_password_set_by_an_operator_stands_in_the_trail(client, operator):
    person = UserFactory()
    address = reverse("admin:auth_user_password_change", args=[person.pk])
    secret = "another long passphrase"
    client.post(address, {"password1": secret, "password2": "a slip of the hand"})
    assert not AuditEvent.objects.filter(action="password.change").exists()
    client.post(address, {"password1": secret, "password2": secret})
    person.refresh_from_db()
    assert person.check_password(secret)
    assert person.must_change_password
    event = AuditEvent.objects.get(action="password.change")
    assert (event.actor, event.target) == (operator, f"user:{person.pk}")


def test_the_trail_cannot_be_changed_here(client, operator):
    audit.record(operator, "plan.change", operator)
    event = AuditEvent.objects.filter(action="plan.change").get()
    for what in ("change", "delete"):
        url = reverse(f"admin:accounts_auditevent_{what}", args=[event.pk])
        assert client.post(url, {"action": "forged"}).status_code == 403
    assert client.get(reverse("admin:accounts_auditevent_add")).status_code == 403


def test_failed_jobs_are_queued_again_from_the_list(client, operator, queued):
    job = JobFactory(failed=True)
    url = reverse("admin:imaging_job_changelist")
    response = client.post(url, {"action": "retry", "_selected_action": [job.pk]}, follow=True)
    assert "1 job is queued." in response.content.decode()
    assert Job.objects.get().status == JobStatus.QUEUED
    assert queued == [("imaging.tasks.run_job", str(job.pk))]


def test_a_model_is_retired_here_and_activated_by_two_people_elsewhere(client, operator):
    model = ModelVersionFactory()
    url = reverse("admin:imaging_modelversion_changelist")
    text = client.post(
        url, {"action": "retire", "_selected_action": [model.pk]}, follow=True
    ).content.decode()
    model.refresh_from_db()
    assert model.state == ModelState.RETIRED
    assert "1 retired" in text
    client.post(url, {"action": "activate", "_selected_action": [model.pk]})
    model.refresh_from_db()
    assert model.state == ModelState.RETIRED
