"""Plans in the admin: what keeps one from being deleted, and a decision that came too late."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.core.exceptions import ValidationError
from django.urls import reverse

from accounts import admin_plans
from accounts.models import Plan, PlanRequest
from tests.accounts.factories import OrganisationFactory, PlanFactory, StrangerFactory, verify

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client):
    user = StrangerFactory(is_staff=True, is_superuser=True)
    verify(client, user)
    return user


def page(client, plan) -> str:
    return client.get(reverse("admin:accounts_plan_delete", args=[plan.pk])).content.decode()


def test_a_plan_in_use_names_who_has_it_and_what_to_do(client, operator):
    house = OrganisationFactory(name="St. Anna")
    text = page(client, house.plan)
    assert "1 organisation has it. Give it another plan first:" in text
    assert f'href="{reverse("admin:accounts_organisation_change", args=[house.pk])}"' in text
    client.post(reverse("admin:accounts_plan_delete", args=[house.plan.pk]), {"post": "yes"})
    assert Plan.objects.filter(pk=house.plan.pk).exists()


def test_a_plan_that_was_asked_for_stays_and_says_why(client, operator):
    plan, house = PlanFactory(), OrganisationFactory(name="St. Anna")
    PlanRequest.objects.create(organisation=house, plan=plan, asked_by=operator)
    text = page(client, plan)
    assert "1 request names it, and requests are kept." in text
    assert "Give it another plan" not in text
    assert "St. Anna" in text


def test_a_plan_that_nobody_has_is_deleted(client, operator):
    plan = PlanFactory()
    assert "cannot be deleted" not in page(client, plan)
    client.post(reverse("admin:accounts_plan_delete", args=[plan.pk]), {"post": "yes"})
    assert not Plan.objects.filter(pk=plan.pk).exists()


def test_plans_are_not_deleted_by_the_dozen(client, operator):
    OrganisationFactory()
    listed = client.get(reverse("admin:accounts_plan_changelist")).content.decode()
    assert "delete_selected" not in listed


def test_a_decision_that_came_too_late_is_told_once_and_not_as_done(client, operator, monkeypatch):
    asked = PlanRequest.objects.create(
        organisation=OrganisationFactory(), plan=PlanFactory(), asked_by=operator
    )

    def late(**kwargs):
        raise ValidationError("This request is no longer open.")

    monkeypatch.setattr(admin_plans, "plan_request_decide", late)
    there = reverse("admin:accounts_planrequest_change", args=[asked.pk])
    answer = client.post(there, {"decision": "grant", "answer": ""})
    said = [(one.level_tag, str(one)) for one in get_messages(answer.wsgi_request)]
    assert said == [("error", "This request is no longer open.")]
    assert (answer.status_code, answer.url) == (302, there)
    assert not LogEntry.objects.exists()
