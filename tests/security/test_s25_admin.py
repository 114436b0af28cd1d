"""S25: the admin obeys tenancy, by page, by POST, by forged id and in bulk."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.urls import reverse

from accounts import audit
from accounts.models import Department, Membership, Organisation, PlanRequest, User
from accounts.roles import ADMINISTRATOR, AUDITOR, CLINICIAN, RADIOLOGIST, RESEARCHER, TECHNICIAN
from tests.accounts.factories import (
    DepartmentFactory,
    MembershipFactory,
    OrganisationFactory,
    StrangerFactory,
    UserFactory,
    enrol,
    verify,
)
from tests.imaging.factories import JobFactory, ModelVersionFactory, ResultFactory
from tests.reports.factories import ExportFactory

pytestmark = pytest.mark.django_db
TENANT = {"user", "organisation", "membership", "department", "plan", "planrequest",
          "auditevent", "modelversion", "modelupload", "ensemble", "run", "job", "upload",
          "export"}  # fmt: skip


@pytest.fixture
def house():
    return OrganisationFactory(name="Our house")


@pytest.fixture
def administrator(client, house):
    user = UserFactory(organisation=house, role=ADMINISTRATOR)
    verify(client, user)
    return user


@pytest.fixture
def strangers():
    """One row of every table in another organisation."""
    result = ResultFactory()
    there = result.organisation
    Organisation.objects.filter(pk=there.pk).update(name="Another house")
    DepartmentFactory(organisation=there, name="Their ward")
    ExportFactory(results=[result])
    PlanRequest.objects.create(
        organisation=there, plan=there.plan, asked_by=result.job.run.requested_by
    )
    audit.record(result.job.run.requested_by, "result.view", result)
    return there


def address(model, what: str, *args) -> str:
    meta = model._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{what}", args=args)


def tables():
    return [model for model in admin.site._registry if model._meta.model_name in TENANT]


def test_no_queue_factor_or_session_table_is_in_the_admin(client, administrator):
    names = {model._meta.model_name for model in admin.site._registry}
    assert not names & {"schedule", "task", "success", "failure", "ormq", "authenticator",
                        "session", "usersession", "breakglass", "patient", "study"}  # fmt: skip
    assert client.get("/admin/django_q/schedule/add/").status_code == 404


@pytest.mark.parametrize("role", [ADMINISTRATOR, AUDITOR])
def test_every_list_shows_the_own_house_only(client, house, strangers, role):
    verify(client, UserFactory(organisation=house, role=role))
    for model in tables():
        page = client.get(address(model, "changelist"))
        assert page.status_code == 200, model
        text = page.content.decode()
        assert "Another house" not in text, model
        assert "Their ward" not in text, model
        rows = page.context["cl"].queryset
        assert not rows.filter(pk__in=foreign(model, strangers)).exists(), model


def foreign(model, there) -> list:
    """The ids of the other organisation's rows of a table."""
    paths = {User: "memberships__organisation", Organisation: "pk"}
    if model._meta.model_name in ("modelversion", "modelupload"):
        return []
    if model._meta.model_name == "plan":
        return [there.plan_id]
    return list(
        model.objects.filter(**{paths.get(model, "organisation"): there.pk})
        .values_list("pk", flat=True)
    )  # fmt: skip


def test_a_forged_id_is_as_an_unknown_one(client, administrator, strangers):
    for model in tables():
        for pk in foreign(model, strangers):
            for what in ("change", "delete", "history"):
                there = address(model, what, pk)
                for answer in (client.get(there), client.post(there, {"post": "yes"})):
                    assert answer.status_code in (302, 403, 404), (model, what)
                    assert answer.status_code != 302 or answer.url == reverse("admin:index")
    assert Department.objects.filter(name="Their ward").exists()
    assert Membership.objects.filter(organisation=strangers).exists()


@pytest.mark.parametrize("role", [ADMINISTRATOR, AUDITOR])
def test_what_the_house_does_not_own_is_an_operators(client, house, role):
    verify(client, UserFactory(organisation=house, role=role))
    for model in set(admin.site._registry) - set(tables()):
        assert client.get(address(model, "changelist")).status_code == 403, model


@pytest.mark.parametrize("role", [RADIOLOGIST, CLINICIAN, TECHNICIAN, RESEARCHER])
def test_no_other_role_comes_in(client, house, role):
    verify(client, UserFactory(organisation=house, role=role))
    assert client.get(reverse("admin:index"), follow=True).status_code == 403


def test_without_a_factor_an_administrator_is_asked_for_one(client, house):
    client.force_login(UserFactory(organisation=house, role=ADMINISTRATOR))
    answer = client.get(reverse("admin:index"), follow=True)
    assert answer.redirect_chain[-1][0].startswith("/accounts/")


def test_an_auditor_changes_nothing(client, house):
    verify(client, UserFactory(organisation=house, role=AUDITOR))
    member, job = MembershipFactory(organisation=house), JobFactory(failed=True)
    form = {"user": StrangerFactory().pk, "organisation": house.pk, "role": CLINICIAN}
    assert client.post(address(Membership, "add"), form).status_code == 403
    assert client.post(address(Membership, "change", member.pk), form).status_code == 403
    assert client.post(address(Membership, "delete", member.pk), {"post": "yes"}).status_code == 403
    assert client.post(address(Department, "add"), {"name": "x"}).status_code == 403
    bulk = {"action": "delete_selected", "_selected_action": [member.pk], "post": "yes"}
    client.post(address(Membership, "changelist"), bulk)
    assert Membership.objects.filter(pk=member.pk).exists()
    retry = {"action": "retry", "_selected_action": [job.pk]}
    client.post(address(type(job), "changelist"), retry)
    job.refresh_from_db()
    assert job.status == "failed"


@pytest.mark.parametrize("role", [ADMINISTRATOR, AUDITOR])
def test_only_an_operator_takes_a_factor_away(client, house, role):
    verify(client, UserFactory(organisation=house, role=role))
    member = UserFactory(organisation=house)
    enrol(member)
    act = {"action": "remove_factors", "_selected_action": [member.pk]}
    client.post(address(User, "changelist"), act)
    assert member.authenticator_set.exists()


# --- an administrator's forms


def given(client, **fields):
    return client.post(address(Membership, "add"), fields)


def test_an_administrator_adds_a_role_to_a_member_of_the_house(client, house, administrator):
    member = UserFactory(organisation=house)
    answer = given(client, user=member.pk, organisation=house.pk, role=CLINICIAN)
    assert answer.status_code == 302
    assert member.memberships.filter(role=CLINICIAN).exists()
    member.refresh_from_db()
    assert member.auth_version == 1


def test_forged_choices_are_refused(client, house, administrator, strangers):
    member, foreign_person = UserFactory(organisation=house), UserFactory()
    there = Department.objects.get(name="Their ward")
    before = Membership.objects.count()
    for fields in (
        {"user": foreign_person.pk, "organisation": house.pk, "role": CLINICIAN},
        {"user": member.pk, "organisation": strangers.pk, "role": CLINICIAN},
        {"user": member.pk, "organisation": house.pk, "role": CLINICIAN, "department": there.pk},
        {"user": member.pk, "organisation": house.pk, "role": AUDITOR},
        {"user": administrator.pk, "organisation": house.pk, "role": RADIOLOGIST},
    ):
        answer = given(client, **fields)
        assert answer.status_code == 200, fields
        assert answer.context["errors"], fields
    assert Membership.objects.count() == before


def test_nobody_ends_their_own_role_nor_the_auditors_alone_or_in_bulk(client, house, administrator):
    own = administrator.memberships.get()
    auditor = MembershipFactory(organisation=house, role=AUDITOR)
    other = MembershipFactory(organisation=house)
    for one in (own, auditor):
        gone = client.post(address(Membership, "delete", one.pk), {"post": "yes"})
        assert gone.status_code == 403
    for chosen in ([own.pk, other.pk], [auditor.pk]):
        bulk = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
        client.post(address(Membership, "changelist"), bulk)
    assert Membership.objects.filter(pk__in=[own.pk, auditor.pk, other.pk]).count() == 3
    bulk = {"action": "delete_selected", "_selected_action": [other.pk], "post": "yes"}
    client.post(address(Membership, "changelist"), bulk)
    assert not Membership.objects.filter(pk=other.pk).exists()


def test_bulk_with_foreign_ids_deletes_nothing(client, administrator, strangers):
    foreign_ids = foreign(Membership, strangers)
    bulk = {"action": "delete_selected", "_selected_action": foreign_ids, "post": "yes"}
    client.post(address(Membership, "changelist"), bulk)
    assert Membership.objects.filter(pk__in=foreign_ids).count() == len(foreign_ids)


def test_autocomplete_and_filters_name_nobody_elsewhere(client, house, administrator, strangers):
    stranger = UserFactory(email="someone@elsewhere.example")
    query = {"app_label": "accounts", "model_name": "membership", "field_name": "user",
             "term": "elsewhere"}  # fmt: skip
    found = client.get(reverse("admin:autocomplete"), query)
    assert found.json()["results"] == []
    searched = client.get(address(User, "changelist"), {"q": stranger.email})
    assert searched.context["cl"].result_count == 0
    page = client.get(address(Membership, "changelist"), {"organisation__id__exact": strangers.pk})
    assert "Another house" not in page.content.decode()


def test_an_administrator_reads_no_password_hash_and_makes_no_operator(
    client, house, administrator
):
    member = UserFactory(organisation=house)
    page = client.get(address(User, "change", member.pk)).content.decode()
    assert member.email in page
    assert "is_superuser" not in page
    assert member.password not in page
    assert "password" not in page.split("<fieldset", 1)[1].split("</fieldset>")[0].lower()
    forged = {"email": member.email, "name": "x", "is_superuser": "on", "is_staff": "on"}
    assert client.post(address(User, "change", member.pk), forged).status_code == 403
    there = reverse("admin:auth_user_password_change", args=[member.pk])
    assert client.post(there, {"password1": "a" * 20, "password2": "a" * 20}).status_code == 403
    member.refresh_from_db()
    assert not member.is_superuser


def test_an_administrator_activates_no_model_here(client, administrator):
    model = ModelVersionFactory(state="checked")
    act = {"action": "activate", "_selected_action": [model.pk]}
    client.post(address(type(model), "changelist"), act)
    model.refresh_from_db()
    assert model.state == "checked"


def test_an_operator_names_the_auditor_and_not_themselves(client, house):
    operator = StrangerFactory(is_superuser=True, is_staff=True)
    verify(client, operator)
    person = StrangerFactory()
    assert given(client, user=person.pk, organisation=house.pk, role=AUDITOR).status_code == 302
    refused = given(client, user=operator.pk, organisation=house.pk, role=RADIOLOGIST)
    assert refused.status_code == 200
    assert not operator.memberships.exists()
    twice = given(client, user=person.pk, organisation=house.pk, role=ADMINISTRATOR)
    assert "auditor and administrator" in twice.content.decode()
