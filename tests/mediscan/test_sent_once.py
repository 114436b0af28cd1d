"""Idempotency-Key: whatever creates takes one, and what is sent twice under it is done once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import ApiKey, AuditEvent, KeptAnswer, WebhookEndpoint
from accounts.roles import ADMINISTRATOR, RADIOLOGIST
from accounts.services.kept_answers import answers_forget
from accounts.services.tokens import tokens_issue
from accounts.vault import keys
from imaging.models import Deletion
from mediscan.docs import described
from tests.security.matrix import OWN, World, build

pytestmark = pytest.mark.django_db
WITHOUT = {  # POST that takes no key: why once more does no harm, or why it must be done anew
    "auth/register": "the answer is always the same, and an address is written to once",
    "auth/setup-2fa": "a secret that is not confirmed yet is given again",
    "auth/setup-2fa/verify": "a code is good once",
    "auth/token": "a sign-in: nothing is made but tokens, and a repeat must show the proof anew",
    "auth/token/refresh": "each refresh token is good once; a repeat is a stolen one",
    "v1/token/": "as auth/token",
    "v1/token/refresh/": "as auth/token/refresh",
    "v1/token/revoke/": "signed out twice is signed out",
    "v1/deletions/{id}/approve/": "a state that is reached once: later it is 422, in words",
    "v1/deletions/{id}/decline/": "as approve",
    "v1/deletions/{id}/restore/": "as approve",
    "v1/deletions/{id}/withdraw/": "as approve",
    "v1/jobs/{id}/retry/": "a job that is live stays as it is",
    "v1/runs/{id}/cancel/": "cancelled twice is cancelled",
    "v1/patients/search/": "it reads: what is looked for must not stand in an address",
    "v1/reviews/": "it says which version was seen: a repeat is 409 with the latest",
    "v1/uploads/": "a file is known by its SHA-256: a repeat is answered as a duplicate",
    "v1/uploads/open/": "an open upload of the same files goes on",
    "v1/uploads/{id}/pieces/": "a piece has its offset and hash: once more does no harm",
    "v1/uploads/{id}/close/": "closed twice is 409, and was read once",
}


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker) -> Iterator[World]:
    keys.cache.clear()
    with django_db_blocker.unblock(), transaction.atomic():
        yield build()
        transaction.set_rollback(True)
    keys.cache.clear()


@pytest.fixture
def post(client, world, queued):
    """Send as somebody of the world, who has just signed in."""

    tokens = {
        role: tokens_issue(user=world.users[role], second_factor=True).access
        for role in (ADMINISTRATOR, RADIOLOGIST)
    }

    def send(role, route, body=None, *, args=(), key="act-1"):
        headers = {"Authorization": f"Bearer {tokens[role]}", "Idempotency-Key": key}
        there = reverse(f"api:{route}", args=args)
        sent = json.dumps(body or {}, default=str)
        return client.post(there, sent, content_type="application/json", headers=headers)

    return send


def test_each_post_takes_a_key_or_says_why_not():
    posts = {
        path.removeprefix("/api/"): [one["name"] for one in told["post"].get("parameters", [])]
        for path, told in described()["paths"].items()
        if "post" in told
    }
    keyed = {path for path, names in posts.items() if "Idempotency-Key" in names}
    assert posts.keys() - keyed == WITHOUT.keys()


def house(world: World):
    return world.rows["organisation", OWN]


ACTS = {  # route: (role, body, whose id stands in the address)
    "key-list": (ADMINISTRATOR, lambda w: {
        "organisation": house(w), "machine": "PACS", "scopes": ["run.view"]}, ""),
    "webhook-list": (ADMINISTRATOR, lambda w: {
        "organisation": house(w), "url": "https://ris.example.org/x",
        "events": ["job.succeeded"]}, ""),
    "webhook-rotate": (ADMINISTRATOR, lambda w: {}, "webhook"),
    "webhook-test": (ADMINISTRATOR, lambda w: {}, "webhook"),
    "webhook-delivery-resend": (ADMINISTRATOR, lambda w: {}, "delivery"),
    "department-list": (ADMINISTRATOR, lambda w: {"organisation": house(w), "name": "Knee"}, ""),
    "invitation-list": (ADMINISTRATOR, lambda w: {
        "organisation": house(w), "email": "kim@example.org", "role": "clinician"}, ""),
    "rule-list": (ADMINISTRATOR, lambda w: {
        "organisation": house(w), "name": "Chest", "modality": "xray",
        "ensemble": w.rows["ensemble", OWN]}, ""),
    "deletion-list": (RADIOLOGIST, lambda w: {
        "study": w.rows["study", OWN], "reason": "twice"}, ""),
    "export-list": (RADIOLOGIST, lambda w: {
        "kind": "csv", "results": [w.rows["result", OWN]]}, ""),
    "report-pdf": (RADIOLOGIST, lambda w: {}, "signed"),
}  # fmt: skip


def test_every_act_with_kept_answers_is_tried_here():
    kept = {told["post"]["operationId"] for told in described()["paths"].values()
            if "post" in told and "Idempotency-Key" in json.dumps(told["post"])}  # fmt: skip
    own_rows = {"runs_create", "ct_analyze_create", "mri_analyze_create", "xray_analyze_create"}
    assert len(kept - own_rows) == len(ACTS)


@pytest.mark.parametrize("route", ACTS)
def test_sent_twice_is_done_once_and_answered_alike(post, world, route):
    role, body, kind = ACTS[route]
    Deletion.objects.filter(pk=world.rows["deletion", OWN]).delete()
    args = [world.id_of(kind, OWN, role)] if kind else []
    first = post(role, route, body(world), args=args)
    assert first.status_code in (200, 201, 202), first.content
    events = AuditEvent.objects.count()
    again = post(role, route, body(world), args=args)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.get("Location") == first.get("Location")
    assert AuditEvent.objects.count() == events + 1
    assert AuditEvent.objects.filter(action="answer.repeat").count() == 1
    other = post(role, route, body(world) | {"and": "more"}, args=args)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def hook(world: World) -> dict:
    return ACTS["webhook-list"][1](world)


def test_a_secret_is_kept_sealed_and_for_a_day(post, world):
    secret = post(ADMINISTRATOR, "webhook-list", hook(world)).json()["secret"]
    row = KeptAnswer.objects.get()
    assert row.sealed.startswith("v1.")
    assert secret not in f"{vars(row)}"
    assert answers_forget() == 0
    KeptAnswer.objects.update(created_at=now() - timedelta(hours=25))
    other = post(ADMINISTRATOR, "webhook-list", hook(world)).json()["secret"]
    assert other != secret
    KeptAnswer.objects.update(created_at=now() - timedelta(hours=25))
    assert answers_forget() == 1


def test_a_refusal_keeps_nothing_and_can_be_mended_under_its_key(post, world):
    wrong = hook(world) | {"url": "http://ris.example.org/"}
    assert post(ADMINISTRATOR, "webhook-list", wrong).status_code == 422
    assert not KeptAnswer.objects.exists()
    assert post(ADMINISTRATOR, "webhook-list", hook(world)).status_code == 201


def test_a_key_is_of_one_person_and_of_one_address(post, world):
    before = ApiKey.objects.count(), WebhookEndpoint.objects.count()
    assert post(ADMINISTRATOR, "webhook-list", hook(world)).status_code == 201
    elsewhere = post(ADMINISTRATOR, "key-list", ACTS["key-list"][1](world))
    assert elsewhere.json()["code"] == "idempotency_key_reused"
    result = {"kind": "csv", "results": [world.rows["result", OWN]]}
    assert post(RADIOLOGIST, "export-list", result).status_code == 202
    assert (ApiKey.objects.count(), WebhookEndpoint.objects.count() - 1) == before


def test_who_lost_the_role_is_told_nothing_again(post, world):
    assert post(ADMINISTRATOR, "key-list", ACTS["key-list"][1](world)).status_code == 201
    world.users[ADMINISTRATOR].memberships.update(until=now())
    assert post(ADMINISTRATOR, "key-list", ACTS["key-list"][1](world)).status_code == 403


def test_a_key_that_cannot_be_one_is_refused_by_name(post, world):
    refused = post(ADMINISTRATOR, "webhook-list", hook(world), key="a" * 256)
    assert refused.status_code == 400
    assert [one["field"] for one in refused.json()["errors"]] == ["Idempotency-Key"]
    assert not KeptAnswer.objects.exists()
