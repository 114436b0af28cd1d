"""The administrator's pages of rules, and the same by API: theirs only, off until looked at."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from accounts.models import AuditEvent
from accounts.roles import ADMINISTRATOR, AUDITOR, RADIOLOGIST
from imaging.models import Rule, RuleMatch, Run
from imaging.services.rule_matches import matches_note, rules_obey
from imaging.services.rules import rule_change, rule_remove
from tests.accounts.api.calls import bearer, pair_of
from tests.accounts.factories import (
    DepartmentFactory,
    OrganisationFactory,
    UserFactory,
    verify,
)
from tests.imaging.factories import (
    EnsembleFactory,
    ImageFactory,
    RuleFactory,
    StudyFactory,
    UploadFactory,
)

pytestmark = pytest.mark.django_db
LIST, NEW = reverse("imaging:rule-list"), reverse("imaging:rule-new")


@pytest.fixture
def house():
    return OrganisationFactory()


@pytest.fixture
def head(house):
    return UserFactory(organisation=house, role=ADMINISTRATOR)


@pytest.fixture
def admin(client, head):
    """The client of an administrator who has just shown password and code."""
    return verify(client, head)


@pytest.fixture
def call(client, head):
    headers = bearer(pair_of(client, head)["access"])

    def send(method, route, status, *, pk=None, **body):
        there = reverse(f"api:{route}", args=[pk] if pk else [])
        sent = json.dumps(body, default=str) if body else ""
        answer = client.generic(method, there, sent, "application/json", headers=headers)
        assert answer.status_code == status, answer.content
        return answer.json() if answer.content else None

    return send


def there(name: str, rule) -> str:
    return reverse(f"imaging:rule-{name}", args=[rule.pk])


def text_of(answer) -> str:
    return answer.content.decode()


def order(**changes) -> dict:
    made = {"name": "Chests", "modality": "xray", "body_part": "chest", "department": ""}
    return made | {"ensemble": EnsembleFactory().pk} | changes


def test_a_new_rule_is_off_and_says_what_it_fits(admin, house, head):
    study = StudyFactory(organisation=house)
    for part in ("CHEST", "chest ", "FOOT"):
        ImageFactory(study=study, header=json.dumps({"body_part": part}))
    ImageFactory(header=json.dumps({"body_part": "CHEST"}))  # of another house
    answer = admin.post(NEW, order(), follow=True)
    rule = Rule.objects.get()
    assert answer.redirect_chain == [(there("detail", rule), 302)]
    assert (rule.is_on, rule.body_part, rule.created_by) == (False, "CHEST", head)
    page = " ".join(text_of(answer).split())
    assert "2 images · 1 study" in page
    assert "Nothing fitted yet" in page
    assert AuditEvent.objects.get(action="rule.create").organisation == house


def test_it_is_switched_on_and_off_changed_and_removed(admin, house):
    rule = RuleFactory(organisation=house, is_on=False)
    admin.post(there("switch", rule), {"on": "1"})
    assert Rule.objects.get().is_on
    admin.post(there("switch", rule), {"on": "0"})
    assert not Rule.objects.get().is_on
    assert admin.post(there("edit", rule), order(name="Feet")).status_code == 302
    assert Rule.objects.get().name == "Feet"
    assert "cannot be undone" in text_of(admin.get(there("remove", rule)))
    assert Rule.objects.get().removed_at is None
    admin.post(there("remove", rule))
    assert admin.get(there("detail", rule)).status_code == 404
    assert "Nothing runs by itself" in text_of(admin.get(LIST))
    acts = AuditEvent.objects.filter(action__startswith="rule.").values_list("action", flat=True)
    assert sorted(acts) == ["rule.change"] * 3 + ["rule.delete"]


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("name", "", "required"),
        ("name", "Taken", "of this name already"),
        ("body_part", "CH\\EST", "letters, digits"),
        ("ensemble", "", "required"),
        ("modality", "ct", "was made for X-ray"),
        ("modality", "us", "valid choice"),
    ],
)
def test_a_wrong_form_is_422_and_says_what(admin, house, field, value, word):
    RuleFactory(organisation=house, name="Taken")
    answer = admin.post(NEW, order(**{field: value}))
    assert answer.status_code == 422
    assert word in text_of(answer)
    assert Rule.objects.count() == 1


def test_what_is_anothers_is_no_choice(admin, house):
    theirs = OrganisationFactory()
    for field, row in (
        ("department", DepartmentFactory(organisation=theirs)),
        ("ensemble", EnsembleFactory(organisation=theirs)),
        ("ensemble", EnsembleFactory(organisation=house, state="proposed")),
    ):
        assert admin.post(NEW, order(**{field: row.pk})).status_code == 422
    assert not Rule.objects.exists()


def test_a_stranger_finds_nothing_and_a_wrong_role_is_refused(admin, client, house):
    foreign = RuleFactory()
    for name in ("detail", "edit", "remove"):
        assert admin.get(there(name, foreign)).status_code == 404
    assert admin.post(there("switch", foreign), {"on": "0"}).status_code == 404
    assert foreign.name not in text_of(admin.get(LIST))
    for role in (RADIOLOGIST, AUDITOR):
        other = verify(client, UserFactory(organisation=house, role=role))
        assert other.get(LIST).status_code == 403
    client.logout()
    assert client.get(LIST).status_code == 302


def test_the_page_says_what_it_did_and_why_not(admin, house, queued, monkeypatch):
    monkeypatch.setattr("imaging.services.members.manifest_problem", lambda model: "")
    rule = RuleFactory(organisation=house)
    sender = UserFactory(organisation=house, role=RADIOLOGIST)
    for is_on in (True, False):
        upload = UploadFactory(user=sender, finished=True)
        images = [ImageFactory(study__organisation=house) for _ in range(2)]
        for image in images:
            matches_note(upload, [image])
        Rule.objects.filter(pk=rule.pk).update(is_on=is_on)
        rules_obey(upload.pk)
    page = text_of(admin.get(there("detail", rule)))
    run = Run.objects.get()
    assert str(run.pk)[:8] in page
    assert "switched off before" in page
    listed = " ".join(text_of(admin.get(LIST)).split())
    assert listed.count('30 days">2</td>') == 1
    assert listed.count('Refused">2</td>') == 1
    reader = verify(type(admin)(), sender)
    assert f"started by the rule “{rule.name}”" in text_of(reader.get(run.get_absolute_url()))
    rule_remove(by=sender, rule=rule)
    assert f"started by the rule “{rule.name}”" in text_of(reader.get(run.get_absolute_url()))


def test_an_ensemble_that_serves_no_more_is_not_switched_on(admin, house):
    rule = RuleFactory(organisation=house, is_on=False)
    rule.ensemble.delete()
    answer = admin.post(there("switch", rule), {"on": "1"}, follow=True)
    assert text_of(answer).count("serves no more") == 2
    assert not Rule.objects.get().is_on


def test_a_list_of_many_costs_what_one_costs(admin, house, django_assert_max_num_queries):
    RuleFactory.create_batch(12, organisation=house)
    with django_assert_max_num_queries(14):
        admin.get(LIST)


def test_twice_removed_is_once(house, head):
    rule = RuleFactory(organisation=house)
    assert rule_remove(by=head, rule=rule)
    assert not rule_remove(by=head, rule=rule)
    with pytest.raises(Exception, match="was removed"):
        rule_change(by=head, rule=rule, is_on=True)


def test_the_whole_life_of_one_by_api(call, house):
    ensemble, room = EnsembleFactory(), DepartmentFactory(organisation=house)
    body = {"organisation": house.pk, "name": "Chests", "modality": "xray",
            "body_part": "chest", "department": room.pk, "ensemble": ensemble.pk}  # fmt: skip
    made = call("POST", "rule-list", 201, **body)
    assert (made["is_on"], made["body_part"], made["department"]) == (False, "CHEST", str(room.pk))
    assert [row["id"] for row in call("GET", "rule-list", 200)["results"]] == [made["id"]]
    assert call("PATCH", "rule-detail", 200, pk=made["id"], is_on=True)["is_on"]
    changed = call("PATCH", "rule-detail", 200, pk=made["id"], department=None)
    assert (changed["department"], changed["is_on"]) == (None, True)
    call("DELETE", "rule-detail", 204, pk=made["id"])
    call("GET", "rule-detail", 404, pk=made["id"])


def test_by_api_what_is_wrong_is_named(call, house):
    body = {"organisation": house.pk, "name": "C", "modality": "ct",
            "ensemble": EnsembleFactory().pk}  # fmt: skip
    assert "was made for" in call("POST", "rule-list", 422, **body)["detail"]
    foreign = EnsembleFactory(organisation=OrganisationFactory())
    body |= {"modality": "xray", "ensemble": foreign.pk}
    assert "approved" in call("POST", "rule-list", 422, **body)["detail"]
    body["organisation"] = OrganisationFactory().pk
    assert call("POST", "rule-list", 400, **body)["errors"][0]["field"] == "organisation"
    call("GET", "rule-detail", 404, pk=RuleFactory().pk)
    assert not RuleMatch.objects.exists()
