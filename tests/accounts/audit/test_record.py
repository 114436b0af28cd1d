"""Each act leaves one whole, signed row, and nothing but declared acts."""

import ast
import uuid
from pathlib import Path

import pytest
from django.urls import reverse

from accounts import audit
from accounts.audit.actions import ACTIONS, GROUPS
from accounts.audit.context import RequestFacts, session_hash
from accounts.audit.rows import COLUMNS, canonical
from accounts.models import AuditEvent
from accounts.vault.purposes import purpose_unseal, purpose_verify
from tests.accounts.factories import PASSWORD, OrganisationFactory, UserFactory
from tests.imaging.factories import ResultFactory

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.django_db


def test_a_login_is_a_whole_row(client):
    user = UserFactory()
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    event = AuditEvent.objects.get(action="session.start")
    assert (event.actor, event.target, event.outcome) == (user, f"user:{user.pk}", "ok")
    assert (event.role, event.ip, event.dicom) == ("radiologist", "127.0.0.1", "110114:110122")
    assert event.session == session_hash(client.session.session_key)
    assert len(event.request_id) == 16
    assert event.version


def test_a_view_of_a_record_names_the_patient_by_pseudonym(client):
    result = ResultFactory()
    user = result.job.run.requested_by
    client.force_login(user)
    client.get(reverse("imaging:result-detail", args=[result.pk]))
    event = AuditEvent.objects.get(action="result.view")
    assert event.patient == result.patient_id
    assert event.organisation == result.organisation


def test_the_row_is_signed_and_any_other_value_breaks_the_signature():
    event = audit.record(UserFactory(), "plan.change", reason="name")
    stored = AuditEvent.objects.get(pk=event.pk)

    def is_genuine(values):
        mac = bytes.fromhex(stored.hmac)
        return purpose_verify("audit", canonical(values), stored.kid, mac)

    values = stored.as_text()
    assert is_genuine(values)
    for place in range(len(COLUMNS)):
        assert not is_genuine([*values[:place], values[place] + "x", *values[place + 1 :]])


def test_the_signature_covers_every_column():
    names = {field.attname for field in AuditEvent._meta.concrete_fields}
    assert names == {*COLUMNS, "hmac"}


def test_changed_values_are_hashed_and_sealed():
    event = audit.record(None, "plan.change", before={"role": "clinician"}, after={"role": "x"})
    stored = AuditEvent.objects.get(pk=event.pk)
    assert len({stored.before, stored.after}) == 2
    assert "clinician" not in stored.sealed
    assert "clinician" in purpose_unseal("audit", stored.sealed, stored.pk.hex)


def test_the_context_fills_in_what_a_worker_is():
    with audit.acting(RequestFacts(role="worker", request_id="abc")):
        event = audit.record(None, "job.requeue")
    assert (event.role, event.request_id) == ("worker", "abc")
    assert audit.record(None, "job.requeue").role == ""


def test_the_organisation_is_the_targets_own_unless_given():
    organisation = OrganisationFactory()
    event = audit.record(None, "plan.change", organisation=organisation)
    assert event.organisation == organisation


def test_an_undeclared_act_is_refused():
    with pytest.raises(ValueError, match=r"accounts/audit/actions\.py"):
        audit.record(None, "plan.forge")


def test_every_act_of_the_house_is_declared():
    """The words that the code hands to `record` stand in the list."""
    undeclared = [
        f"{path.relative_to(ROOT)}: {action}"
        for room in ("accounts", "imaging", "reports", "analytics", "mediscan")
        for path in (ROOT / room).glob("**/*.py")
        for action in _recorded(ast.parse(path.read_text(encoding="utf-8")))
        if action not in ACTIONS
    ]
    assert not undeclared


def _recorded(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "record":
            for argument in node.args[1:2]:
                if isinstance(argument, ast.Constant):
                    yield argument.value


def test_every_act_has_a_group_words_and_a_code_of_the_standard():
    for name, action in ACTIONS.items():
        assert action.group in GROUPS
        assert action.words
        assert len(name) <= 64
        assert all(part.isdigit() and len(part) == 6 for part in action.dicom.split(":")), name


def test_a_row_cannot_be_saved_again_or_deleted():
    event = audit.record(None, "plan.change")
    with pytest.raises(TypeError):
        event.save()
    with pytest.raises(TypeError):
        event.delete()


def test_session_hashes_do_not_give_the_key_away():
    key = uuid.uuid4().hex
    assert key not in session_hash(key)
    assert session_hash(None) == ""
