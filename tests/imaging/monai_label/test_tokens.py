"""Who comes in by an address of /ml/: its owner, for an hour, in one place, and nobody else."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils.timezone import now

from accounts.models import AuditEvent, LabelToken, Membership
from accounts.services.api_keys import api_key_create, api_key_revoke
from accounts.services.label_tokens import (
    MOST_LIVE,
    TokenExists,
    label_token_create,
    label_token_revoke,
    label_tokens_forget,
)
from imaging.services.glass import glass_break
from mediscan.logs import JsonLine, PlainLine, Redacted
from tests.accounts.factories import DepartmentFactory, MembershipFactory, UserFactory
from tests.imaging.factories import ImageFactory, StudyFactory
from tests.imaging.monai_label.calls import Caller, token_of

pytestmark = pytest.mark.django_db
NOBODYS = "x" * 43
ADDRESSES = (
    ("GET", "/auth/"), ("GET", "/auth/token/valid"), ("POST", "/auth/token"), ("GET", "/info/"),
    ("PUT", "/session/"), ("GET", "/session/x"), ("DELETE", "/session/x"), ("POST", "/infer/x"),
    ("GET", "/datastore/"), ("GET", "/datastore/image"), ("HEAD", "/datastore/image"),
    ("GET", "/datastore/image/info"), ("GET", "/datastore/label"), ("PUT", "/datastore/label"),
    ("GET", "/datastore/label/info"), ("POST", "/activelearning/waiting"), ("GET", "/train/"),
    ("POST", "/train/x"), ("GET", "/batch/infer/x"), ("GET", "/info"), ("GET", "/nothing"),
)  # fmt: skip


def refused(client, at: str) -> set[tuple[int, str]]:
    """What every address says to this token: statuses and codes."""
    said = set()
    for method, path in ADDRESSES:
        answer = client.generic(method, at + path)
        code = "" if method == "HEAD" else answer.json()["code"]
        said.add((answer.status_code, code))
    return said


def test_no_address_opens_to_a_token_that_is_nobodys(client):
    assert refused(client, f"/ml/{NOBODYS}") == {(401, "token_invalid"), (401, "")}


def test_a_session_of_a_page_and_no_token_open_nothing(verified_client, user):
    client = verified_client(user)
    for method, path in ADDRESSES:
        if not path.startswith("/auth/"):
            assert client.generic(method, f"/ml{path}").status_code == 401, path


def ended(user, token: LabelToken, how: str) -> None:
    if how == "token_expired":
        LabelToken.objects.update(expires_at=now() - timedelta(seconds=1))
    elif how == "token_revoked":
        label_token_revoke(token=token, by=user)
    elif how == "account":
        type(user).objects.filter(pk=user.pk).update(auth_version=user.auth_version + 1)
    else:
        type(user).objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize("how", ["token_expired", "token_revoked", "account", "disabled"])
def test_a_token_that_ended_opens_nothing_and_the_trail_says_so_once(client, user, how):
    secret = token_of(user)
    Caller(secret).get("/info/")
    ended(user, LabelToken.objects.get(), how)
    code = how if how.startswith("token") else "token_revoked"
    assert refused(client, f"/ml/{secret}") == {(401, code), (401, "")}
    told = AuditEvent.objects.filter(action="label_token.refuse")
    assert [(one.outcome, one.reason) for one in told] == [("refused", code)]


def test_who_lost_the_role_is_refused_at_once(ml, user):
    Membership.objects.filter(user=user).update(until=now())
    answer = ml.get("/info/", status=403)
    assert "Radiologist" in answer.json()["detail"]


def test_a_token_stands_in_its_place_alone():
    member = MembershipFactory()
    user, house = member.user, member.organisation
    chest, head = DepartmentFactory.create_batch(2, organisation=house)
    MembershipFactory(user=user)  # another house
    for department in (chest, head, None):
        ImageFactory(study=StudyFactory(organisation=house, department=department))
    everywhere = Caller(token_of(user, organisation=house))
    in_chest = Caller(token_of(user, chest, organisation=house))
    assert everywhere.get("/info/").json()["datastore"]["total"] == 3
    assert in_chest.get("/info/").json()["datastore"]["total"] == 1
    of_head = str(head.pk)
    assert of_head not in in_chest.get("/datastore/", output="all").content.decode()


def test_an_emergency_access_shows_nothing_here(user):
    clinician = UserFactory(organisation=MembershipFactory().organisation, role="clinician")
    house = clinician.memberships.first().organisation
    image = ImageFactory(study=StudyFactory(organisation=house))
    caller = Caller(token_of(clinician))
    glass_break(by=clinician, patient=image.patient, reason="found unconscious, no chart here")
    caller.get("/datastore/image/info", status=404, image=str(image.pk))


def test_an_api_key_signs_in_and_gives_no_more_than_it_has(client, user):
    house = user.memberships.first().organisation
    key, text = api_key_create(
        organisation=house, name="Slicer", scopes=["result.view", "run.submit"], networks=[],
        expires_at=now() + timedelta(days=1), by=user,
    )  # fmt: skip
    assert client.get("/ml/auth/").json()["enabled"] is True
    sent = {"username": "Slicer", "password": text, "grant_type": "password"}
    answer = client.post("/ml/auth/token", sent_as_form(sent), FORM)
    assert answer.status_code == 200, answer.content
    secret = answer.json()["access_token"]
    bearer = {"Authorization": f"{answer.json()['token_type']} {secret}"}
    assert client.get("/ml/auth/token/valid", headers=bearer).json()["username"] == "Slicer"
    lacking = client.get("/ml/info/", headers=bearer)
    assert (lacking.status_code, "study.view" in lacking.json()["detail"]) == (403, True)
    assert Caller(secret).get("/auth/").json()["enabled"] is False
    api_key_revoke(key=key, by=user)
    assert client.get("/ml/auth/token/valid", headers=bearer).json()["code"] == "key_revoked"


FORM = "application/x-www-form-urlencoded"


def sent_as_form(fields: dict[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in fields.items())


@pytest.mark.parametrize(("text", "status", "code"), [
    ("", 400, "invalid"), ("nonsense", 401, "key_invalid"),
    (f"{'a' * 12}.{'b' * 43}", 401, "key_invalid"),
])  # fmt: skip
def test_what_is_no_key_makes_no_token(client, text, status, code):
    answer = client.post("/ml/auth/token", sent_as_form({"username": "x", "password": text}), FORM)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not LabelToken.objects.exists()


def test_a_form_sent_twice_makes_one_and_too_many_are_refused(user):
    house = user.memberships.first().organisation
    token, _ = label_token_create(user=user, organisation=house)
    with pytest.raises(TokenExists):
        label_token_create(user=user, organisation=house, pk=token.pk)
    for _more in range(MOST_LIVE - 1):
        label_token_create(user=user, organisation=house)
    with pytest.raises(ValidationError, match="10 addresses are open"):
        label_token_create(user=user, organisation=house)


def test_the_secret_is_kept_as_a_hash_and_old_rows_go(user):
    secret = token_of(user)
    (row,) = LabelToken.objects.values_list()
    assert not any(secret in str(value) for value in row)
    assert label_tokens_forget() == 0
    LabelToken.objects.update(expires_at=now() - timedelta(days=8))
    assert label_tokens_forget() == 1


def test_using_it_is_written_down_once_for_an_address(ml):
    for _again in range(3):
        ml.get("/auth/token/valid")
    actions = AuditEvent.objects.filter(action__startswith="label_token")
    assert sorted(actions.values_list("action", flat=True)) == [
        "label_token.create", "label_token.use",
    ]  # fmt: skip


def test_no_line_of_the_log_holds_the_secret(ml, user, caplog):
    """Of the request, of what is not found, of a fault; by both forms and by the server's own."""
    secret = ml.at.removeprefix("/ml/")
    formatters = (JsonLine(), PlainLine("%(levelname)s %(message)s"))
    with caplog.at_level(logging.DEBUG):
        ml.get("/info/")
        ml.get("/nothing", status=404)
        ml.get("/datastore/image/info", status=404, image="x")
        logging.getLogger("django.request").error("fault at %s", f"{ml.at}/info/")
    assert any(secret in record.getMessage() for record in caplog.records), "there is what to hide"
    lines = [one.format(record) for record in caplog.records for one in formatters]
    for record in caplog.records:
        Redacted().filter(record)
        lines.append(record.getMessage())
    assert [line for line in lines if secret in line] == []
    assert any("/ml/***/info/" in line for line in lines)


def test_no_line_of_the_trail_holds_the_secret(ml):
    ml.get("/datastore/", output="all")
    ml.get("/nothing", status=404)
    secret = ml.at.removeprefix("/ml/")
    for event in AuditEvent.objects.values():
        assert secret not in str(event)
