"""S23 for pages: no form takes a column that it does not show; filters go by allow-list."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.db.models import AutoField, Model
from django.urls import reverse

from accounts import roles
from accounts.access import PUBLIC, SIGNED_IN
from accounts.models import Invitation, Organisation, User
from accounts.tokens.scopes import SCOPES
from accounts.vault import keys
from imaging.formats.png import encode_png
from imaging.models import Image, Run
from tests.accounts.contract import agreed
from tests.accounts.factories import DepartmentFactory
from tests.imaging.factories import ImageFactory, JobFactory, ModelVersionFactory, ramp
from tests.security.matrix import ORGANISATION, OWN, World, build
from tests.security.test_s21_matrix import GUARDED, KIND, MORE, NEVER_OWN, methods_of

pytestmark = pytest.mark.django_db
MADE_UP = "00000000-0000-4000-8000-00000000beef"
PEOPLE = ("user", "owner", "uploaded_by", "requested_by", "created_by", "invited_by", "by",
          "reviewed_by", "approved_by", "actor")  # fmt: skip
COLUMNS = {
    "id", "organisation", "department", "role", "is_staff", "is_superuser", "is_active",
    "must_change_password", "auth_version", "status", "state", "severity", "verdict", "plan",
    "patient", "email", "verified", "primary", *PEOPLE,
}  # fmt: skip
UUID = re.compile(r"[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}")
CHANGING = re.compile(
    rb'name="csrf(middlewaretoken)?" (value|content)="[^"]*"|class="mono">[0-9a-f]{16}<'
    rb'|<input type="hidden"[^>]*>'
)
REASON = "A reason that is long enough"

Form = dict[str, object]
FORMS: dict[str, Callable[[World], Form]] = {  # what each form is meant to be sent; else nothing
    "imaging:upload-create": lambda world: {
        "files": SimpleUploadedFile("a.png", encode_png(ramp()[0])), "modality": "xray",
    },
    "imaging:upload-open": lambda world: {
        "modality": "xray", "list": json.dumps([{"name": "a", "size": 1, "fingerprint": "0" * 64}]),
    },
    "imaging:run-create": lambda world: {
        "image": world.id_of("image", OWN, ""), "threshold": "0.5", "member": world.model.pk,
    },
    "imaging:patient-find": lambda world: {"number": "1"},
    "imaging:assignment-list": lambda world: {"user": world.users[roles.CLINICIAN].pk},
    "imaging:glass-open": lambda world: {"reason": REASON},
    "imaging:glass-review": lambda world: {"verdict": "approved"},
    "imaging:erasure-list": lambda world: {
        "patient": world.id_of("patient", OWN, ""), "reason": REASON,
    },
    "imaging:patient-change": lambda world: {"name": "A^B", "sex": "F", "seen": "1"},
    "imaging:study-ask-deletion": lambda world: {"reason": "trial"},
    "imaging:deletion-decline": lambda world: {"answer": "kept"},
    "imaging:review-create": lambda world: {"decision": "accepted", "seen": "1"},
    "imaging:cohort-manage": lambda world: {
        "name": "Chests", "purpose": REASON, "until": "2099-01-01",
        "readers": world.users[roles.RESEARCHER].pk, "modality": "xray", "department": "",
    },
    "imaging:cohort-decide": lambda world: {"answer": "clear"},
    "imaging:gate-override": lambda world: {"reason": REASON},
    "imaging:study-correct": lambda world: {"title": "Chest, standing"},
    "imaging:view-keep": lambda world: {"name": "Mine", "query": "modality=xray"},
    "reports:export-create": lambda world: {
        "kind": "pdf", "result": world.id_of("result", OWN, ""),
    },
    "people:invite": lambda world: {
        "email": "new@example.org", "role": roles.CLINICIAN, "department": "",
    },
    "reports:cohort-export": lambda world: {"kind": "anon-csv"},
    "people:department-create": lambda world: {"name": "Ward 9"},
    "people:department-rename": lambda world: {"name": "Ward 10"},
    "people:membership-change": lambda world: {"until": "2099-01-01"},
    "accounts:api-key-new": lambda world: {
        "id": "00000000-0000-4000-8000-00000000cafe", "name": "PACS", "scopes": list(SCOPES)[:1],
        "organisation": world.id_of("organisation", OWN, ""), "days": "30",
    },
    "imaging:slicer": lambda world: {
        "id": "00000000-0000-4000-8000-00000000ca5e",
        "place": ":".join(str(world.id_of(one, OWN, "")) for one in ("organisation", "department")),
    },
    "accounts:webhook-new": lambda world: {
        "id": "00000000-0000-4000-8000-00000000caff", "url": "https://hooks.example.org/in",
        "organisation": world.id_of("organisation", OWN, ""), "events": ["job.failed"],
    },
    "accounts:webhook-edit": lambda world: {
        "url": "https://hooks.example.org/in", "events": ["job.failed"],
    },
    **dict.fromkeys(("imaging:rule-new", "imaging:rule-edit"), lambda world: {
        "name": "Chests", "modality": "xray", "body_part": "CHEST", "department": "",
        "ensemble": world.id_of("ensemble", OWN, ""),
    }),
    "trail:export": lambda world: {"format": "csv"},
    "trail:find": lambda world: {"email": "nobody@example.org"},
    "account_email": lambda world: {"action_add": "", "email": "two@example.org"},
}  # fmt: skip
CHANGES = {  # those that must leave a mark in a guarded column, or this test compares nothing
    "imaging:upload-create", "imaging:upload-open", "imaging:run-create", "imaging:run-cancel",
    "imaging:job-retry", "imaging:review-create", "imaging:cohort-manage", "imaging:cohort-decide",
    "reports:cohort-export",
    "imaging:assignment-end", "imaging:glass-review", "reports:export-create", "people:invite",
    "people:department-create", "people:membership-end", "people:invitation-withdraw",
    "accounts:api-key-new",
}  # fmt: skip
SENT = [
    *(
        (one.name, one.demand, "<uuid:" in one.pattern)
        for one in GUARDED
        if "POST" in (methods_of(one.view) or ("POST",)) and one.name not in NEVER_OWN
    ),
    ("account_email", SIGNED_IN, False),
]
LISTS = [
    (one.name, one.demand)
    for one in GUARDED
    if "<" not in one.pattern and "GET" in (methods_of(one.view) or ("GET",))
]
SAME = {"imaging:study-list", "imaging:run-list", "reports:export-list", "people:first"}


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker) -> Iterator[World]:
    keys.cache.clear()
    with django_db_blocker.unblock(), transaction.atomic():
        made = build()
        made.model = ModelVersionFactory()
        there = Image.objects.get(pk=made.id_of("image", OWN, ""))
        image = ImageFactory(study=there.study, user=made.users[roles.INTEGRATOR])
        JobFactory(run=Run.objects.get(pk=made.id_of("run", OWN, "")), image=image)
        for _ in range(5):  # a cohort of fewer patients is refused
            ImageFactory(study__organisation=there.organisation)
        made.strange = DepartmentFactory(
            organisation=Organisation.objects.get(pk=made.id_of("organisation", ORGANISATION, ""))
        )
        made.known = {MADE_UP} | {
            str(pk) for one in tables() for pk in one._default_manager.values_list("pk", flat=True)
        }
        yield made
        transaction.set_rollback(True)
    keys.cache.clear()


def extra(world: World, form: Form) -> Form:
    """Return every column that a form might be talked into, but the form's own fields."""
    house = world.id_of("organisation", ORGANISATION, "")
    somebody = world.id_of("person", ORGANISATION, "")
    asked = {
        "id": MADE_UP, "pk": MADE_UP, "organisation": house, "organisation_id": house,
        "department": world.strange.pk, "department_id": world.strange.pk,
        "place": f"{house}:{world.strange.pk}", "patient": world.id_of("patient", ORGANISATION, ""),
        "role": roles.AUDITOR, "is_staff": "on", "is_superuser": "on", "is_active": "",
        "must_change_password": "on", "auth_version": "99", "status": "succeeded",
        "state": "active", "severity": "no_finding", "verified": "on", "primary": "on",
        "verdict": "approved", "plan": "1",
        "created_at": "1999-01-01T00:00:00Z", "email": "eve@example.org",
    }  # fmt: skip
    for name in PEOPLE:
        asked |= {name: somebody, f"{name}_id": somebody}
    return {name: value for name, value in asked.items() if name not in form}


def tables() -> Iterator[type[Model]]:
    for model in apps.get_models():
        ours = model._meta.app_label in ("accounts", "account", "imaging", "reports")
        other = ("Audit", "Attempt", "Notice", "Blob", "Vault", "Heartbeat")  # nobody's to set
        if ours and not model.__name__.startswith(other):
            yield model


def state(world: World) -> dict[str, object]:
    """Return by table what its guarded columns say; ids drawn since are one word."""
    found = {}
    for model in tables():
        rows = model._default_manager.all()
        columns = [f for f in model._meta.concrete_fields if f.name in COLUMNS]
        names = [f.attname for f in columns if not isinstance(f, AutoField)]  # drawn by the base
        found[model.__name__] = Counter(
            tuple(said(world, value) for value in row) for row in rows.values_list(*names)
        )
        fields = {f.name for f in model._meta.concrete_fields}
        if "created_at" in fields:
            found[f"{model.__name__} of 1999"] = rows.filter(created_at__year=1999).count()
    return found


def said(world: World, value: object) -> str:
    return UUID.sub(lambda one: one[0] if one[0] in world.known else "new", str(value))


def person_for(demand: str) -> str:
    return roles.RADIOLOGIST if demand == SIGNED_IN else next(iter(agreed(demand)))


def post(world: World, name: str, demand: str, named: bool, more: Form) -> tuple[int, dict]:
    person = person_for(demand)
    arguments = dict(MORE.get(name, {}))
    if named:
        arguments["pk"] = world.id_of(KIND[name], OWN, person)
    with transaction.atomic():
        form = FORMS.get(name, lambda world: {})(world)
        answer = world.clients[person].post(reverse(name, kwargs=arguments), form | more)
        answer.getvalue()
        left = state(world)
        transaction.set_rollback(True)
    return answer.status_code, left


@pytest.mark.parametrize(("name", "demand", "named"), SENT, ids=[one[0] for one in SENT])
def test_what_a_form_does_not_show_it_does_not_take(world, queued, settings, name, demand, named):
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 86_400
    before = state(world)
    plain = post(world, name, demand, named, {})
    form = FORMS.get(name, lambda world: {})(world)
    sent = post(world, name, demand, named, extra(world, form))
    moved = {table: (sent[1][table], rows) for table, rows in plain[1].items()
             if sent[1][table] != rows}  # fmt: skip
    assert (sent[0], moved) == (plain[0], {})
    assert plain[0] < 400 or name not in CHANGES
    assert (plain[1] != before) or name not in CHANGES


def test_every_form_of_the_list_is_one_of_the_house():
    assert (FORMS.keys() | CHANGES) <= {one[0] for one in SENT}
    assert len(SENT) >= 25
    assert PUBLIC not in {one[1] for one in SENT}


def test_joining_takes_no_rank(client, db):
    form = {
        "email": "eve@example.org", "name": "Eve", "password1": "violet window forest",
        "password2": "violet window forest", "is_staff": "on", "is_superuser": "on",
        "role": roles.AUDITOR, "organisation": MADE_UP, "id": MADE_UP, "auth_version": "9",
        "date_joined": "1999-01-01",
    }  # fmt: skip
    client.post(reverse("account_signup"), form)
    user = User.objects.get(email="eve@example.org")
    assert (user.is_staff, user.is_superuser, user.auth_version) == (False, False, 0)
    assert MADE_UP not in {
        str(user.pk),
        *map(str, Organisation.objects.values_list("pk", flat=True)),
    }
    assert user.date_joined.year > 1999
    assert roles.AUDITOR not in set(user.memberships.values_list("role", flat=True))


def test_a_department_of_another_house_is_no_choice(world):
    client, house = world.clients[roles.ADMINISTRATOR], world.id_of("organisation", OWN, "")
    form = FORMS["people:invite"](world) | {"department": world.strange.pk}
    assert client.post(reverse("people:invite", args=[house]), form).status_code == 422
    assert not Invitation.objects.filter(email=form["email"]).exists()


@pytest.mark.parametrize(("name", "demand"), LISTS, ids=[one[0] for one in LISTS])
def test_order_and_filters_go_by_allow_list(world, name, demand):
    client = world.clients[person_for(demand)]
    unknown = {
        "order": "user__password", "ordering": "-user__password", "sort": "nothing", "o": "-1.99",
        "user__password__startswith": "p", "fields": "password", "organisation__isnull": "False",
        "organisation": world.id_of("organisation", ORGANISATION, ""), "view": "zzz",
        "modality": "'", "severity": "9", "page": "-1", "who": "z", "group": "z",
        "outcome": "z", "object": "z", "since": "z", "until": "z", "ensemble": "z", "image": "z",
    }  # fmt: skip
    with transaction.atomic():
        plain, odd = client.get(reverse(name)), client.get(reverse(name), unknown)
        lost = client.get(reverse(name), {"after": "x_y"})  # a page that says where it is
        bodies = [CHANGING.sub(b"", one.getvalue()) for one in (plain, odd)]
        transaction.set_rollback(True)
    assert odd.status_code < 500 > lost.status_code
    if name in SAME:
        assert odd.status_code == plain.status_code == 200
        assert bodies[0] == bodies[1]
