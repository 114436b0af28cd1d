"""S57: schemathesis over each operation as each role: no fault of ours, nothing undescribed.

Ordinary: few examples, always the same ones. Deep, with S57_EXAMPLES of them (200 unsaid):
`make security`, or pytest -m slow_security tests/security/test_s57_schemathesis.py
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.test import Client
from django.utils.timezone import now
from hypothesis import strategies as st
from schemathesis.core.failures import FailureGroup
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi import checks

from accounts.roles import INTEGRATOR, ROLES
from accounts.services.api_keys import api_key_create
from accounts.services.tokens import tokens_issue
from accounts.throttle.programs import PerAccount
from accounts.tokens.scopes import SCOPES
from accounts.vault import keys
from mediscan.docs import described
from tests.security.matrix import OWN, World, build

pytestmark = pytest.mark.django_db
FEW, MANY = 1, int(os.environ.get("S57_EXAMPLES", "200"))
KINDS = {  # the room of an address: whose row of the world its id names
    "patients": "patient", "studies": "study", "series": "series", "images": "image",
    "uploads": "upload", "runs": "run", "jobs": "job", "results": "result", "reviews": "review",
    "reports": "signed", "exports": "export", "deletions": "deletion", "models": "model",
    "ensembles": "ensemble", "memberships": "membership", "invitations": "invitation",
    "departments": "department", "keys": "key", "webhooks": "webhook",
    "webhook-deliveries": "delivery", "rules": "rule",
}  # fmt: skip
ASKED: Counter[str] = Counter()  # requests by role
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker) -> Iterator[World]:
    keys.cache.clear()
    with django_db_blocker.unblock(), transaction.atomic():
        yield build()
        transaction.set_rollback(True)
    keys.cache.clear()


@pytest.fixture(scope="module")
def schema():
    application = get_wsgi_application()
    found = schemathesis.openapi.from_dict(described())
    found.app = application
    return found


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """Let no request close the connection that holds the world, as Django's own client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture(autouse=True)
def quiet(monkeypatch, queued, settings):
    """No flood limit, no queue, nobody waits, and tokens that outlive the test."""
    monkeypatch.setattr(PerAccount, "allow_request", lambda *asked: True)
    monkeypatch.setattr("imaging.services.members.manifest_problem", lambda model: "")
    monkeypatch.setattr("accounts.api.waiting.MOST_S", 0)
    monkeypatch.setattr("accounts.services.tokens.ACCESS_LIFETIME", timedelta(hours=24))
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 86_400


@contextmanager
def undone() -> Iterator[None]:
    """Take back whatever is done within; a durable block may lie in it, as in Django's tests."""
    block = transaction.atomic()
    block._from_testcase = True
    with block:
        yield
        transaction.set_rollback(True)


def credentials(world: World, role: str) -> dict[str, str]:
    """A token with both factors, just signed in; of an integrator its key with every scope."""
    user = world.users[role]
    if role != INTEGRATOR:
        pair = tokens_issue(user=user, second_factor=True)
        return {"Authorization": f"Bearer {pair.access}"}
    _key, text = api_key_create(
        organisation=user.memberships.get().organisation, name="Fuzzer", scopes=list(SCOPES),
        networks=[], expires_at=now() + timedelta(days=1), by=user,
    )  # fmt: skip
    return {"Authorization": f"Api-Key {text}"}


def told(operation, world: World, role: str, headers: dict[str, str], examples: int) -> list[str]:
    """Return what is wrong with one operation, in schemathesis's words."""
    kind = KINDS.get(operation.path.removeprefix("/api/v1/").split("/")[0])
    row = str(world.id_of(kind, OWN, role)) if kind else ""

    @hypothesis.settings(
        max_examples=examples, derandomize=True, database=None, deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )  # fmt: skip
    @hypothesis.given(
        case=st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode)),
        is_real=st.booleans() if examples > FEW else st.just(True),
    )
    def ask(case, is_real):
        if row and is_real and "id" in (case.path_parameters or {}):
            case.path_parameters["id"] = row
        ASKED[role] += 1
        with undone():
            answer = case.call(headers=headers)
        case.validate_response(answer, checks=CHECKS)

    try:
        ask()
    except FailureGroup as group:
        return [f"{operation.method.upper()} {operation.path}: {one}" for one in group.exceptions]
    return []


def walked(schema, world: World, role: str, examples: int) -> list[str]:
    headers = credentials(world, role)
    found = []
    for result in schema.get_all_operations():
        found += told(result.ok(), world, role, headers, examples)
    here = Client().get("/api/v1/me/", headers=headers)
    assert here.status_code == 200, f"{role} was signed out: what came last says nothing"
    return found


@pytest.mark.parametrize("role", ROLES)
def test_each_operation_answers_as_it_is_described(schema, world, role):
    found = walked(schema, world, role, FEW)
    assert not found, "\n\n".join(found)


@pytest.mark.slow_security
@pytest.mark.parametrize("role", ROLES)
def test_each_operation_answers_so_whatever_is_sent(schema, world, role):
    found = walked(schema, world, role, MANY)
    print(f"{role}: {ASKED[role]} requests")
    assert not found, "\n\n".join(found)
