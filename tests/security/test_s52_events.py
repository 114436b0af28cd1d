"""S52: each act of SECURITY.md §8 leaves exactly one entry, and the entry is complete."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.timezone import now

from accounts import audit
from accounts.audit.actions import ACTIONS
from accounts.audit.rows import canonical
from accounts.models import AuditEvent, Notice
from accounts.services import clock
from accounts.services.signins import signin_start
from accounts.vault.damage import damage_note, damages_tell
from accounts.vault.purposes import purpose_verify
from imaging import tasks
from imaging.registry.states import model_activate, model_quarantine, model_retire
from imaging.services import jobs
from imaging.services.supervisor import _note, _note_start
from tests.accounts.factories import PASSWORD, UserFactory
from tests.imaging.factories import (
    ImageFactory,
    JobFactory,
    ModelVersionFactory,
    ResultFactory,
    RunFactory,
    stored,
)
from tests.reports.factories import ExportFactory

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def inside(client, user):
    client.force_login(user)
    return client


def only(action: str, *, web: bool = True) -> AuditEvent:
    """Return the one entry of `action`; it must be complete."""
    event = AuditEvent.objects.get(action=action)
    assert purpose_verify("audit", canonical(event.as_text()), event.kid, bytes.fromhex(event.hmac))
    assert event.dicom == ACTIONS[action].dicom
    assert event.version
    assert event.at
    assert event.outcome in ("ok", "refused", "failed")
    if web:
        assert event.ip == "127.0.0.1"
        assert len(event.request_id) == 16
        assert event.session
        assert event.actor is not None
        assert event.role
    return event


# --- signing in and out


def test_login_and_logout(client, user):
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    assert only("session.start").target == f"user:{user.pk}"
    client.post(reverse("account_logout"))
    assert only("session.end", web=False).actor == user


def test_failure_and_throttle(client, user):
    form = {"login": user.email, "password": "wrong"}
    client.post(reverse("account_login"), form)
    event = only("session.refuse", web=False)
    assert (event.outcome, event.target) == ("refused", f"user:{user.pk}")
    assert event.ip
    for _ in range(6):
        client.post(reverse("account_login"), form)
    assert only("session.throttle", web=False).outcome == "refused"


def test_a_new_device(user):
    signin_start(user=user, device="Firefox on Linux", is_known=False)
    signin_start(user=user, device="curl", is_known=False)
    assert only("device.new", web=False).reason == "curl"


def test_a_disowned_sign_in(inside, user):
    event = signin_start(user=user, device="curl", is_known=True)
    inside.post(reverse("trail:disown", args=[event.pk]))
    only("login.doubt")


# --- reading


def test_a_denial(inside):
    inside.get(reverse("people:first"))
    event = only("access.refuse")
    assert event.outcome == "refused"
    assert "people:first" in event.reason


def test_a_study_an_image_a_result_are_each_one_view(inside, user):
    result = ResultFactory(user=user)
    image = result.image
    inside.get(reverse("imaging:study-detail", args=[image.study_id]))
    assert only("study.view").patient == image.patient_id
    for start in (0, 16, 32):
        headers = {"range": f"bytes={start}-{start + 15}"}
        response = inside.get(reverse("imaging:image-pixels", args=[image.pk]), headers=headers)
        assert response.status_code == 206
    assert only("image.view").target == f"image:{image.pk}"
    inside.get(reverse("imaging:result-detail", args=[result.pk]))
    assert only("result.view").target == f"result:{result.pk}"


def test_another_session_is_another_view(client, user):
    image = ImageFactory(user=user)
    for _ in range(2):
        client.force_login(user)
        client.get(reverse("imaging:image-pixels", args=[image.pk]))
        client.logout()
    assert AuditEvent.objects.filter(action="image.view").count() == 2


def test_a_list_and_what_was_chosen_in_it(inside):
    inside.get(reverse("imaging:study-list"), {"modality": "xray"})
    assert only("record.list").reason == "modality"


def test_a_picture_taken_away(inside, user):
    result = ResultFactory(user=user)
    address = reverse("imaging:result-layer", args=[result.pk, "mask"])
    inside.get(address)
    assert not AuditEvent.objects.filter(action="image.download").exists()
    inside.get(address, {"download": ""})
    assert only("image.download").reason == "mask"


def test_a_result_printed(inside, user):
    result = ResultFactory(user=user)
    address = reverse("imaging:result-print", args=[result.pk])
    assert inside.get(address).status_code == 405
    assert not AuditEvent.objects.filter(action="result.print").exists()
    answer = inside.post(f"{address}?t=0.5&mode=mask")
    assert answer.url == f"{result.get_absolute_url()}?t=0.5&mode=mask#print"
    event = only("result.print")
    assert (event.target, event.patient) == (f"result:{result.pk}", result.patient_id)
    assert inside.get(answer.url).status_code == 200


# --- work


def test_an_upload(inside, queued):
    file = SimpleUploadedFile("x.txt", b"no picture at all, only words", "text/plain")
    inside.post(reverse("imaging:upload-create"), {"files": [file]})
    assert only("upload.create").outcome == "ok"
    assert only("upload.refuse").outcome == "refused"


def test_a_cancelled_run_and_a_retried_job(inside, user, queued):
    run = RunFactory(requested_by=user)
    JobFactory(run=run)
    inside.post(reverse("imaging:run-cancel", args=[run.pk]))
    only("run.cancel")
    job = JobFactory(run=RunFactory(requested_by=user), failed=True)
    inside.post(reverse("imaging:job-retry", args=[job.pk]))
    only("job.retry")


def test_a_job_that_dies_three_times_is_told_to_administrators(user, queued):
    organisation = user.memberships.get().organisation
    administrator = UserFactory(organisation=organisation, role="administrator")
    job = JobFactory(run=RunFactory(requested_by=user))
    for death in range(1, 4):
        claimed = jobs.job_claim(str(job.pk))
        jobs.job_died(claimed)
        requeued = AuditEvent.objects.filter(action="job.requeue").count()
        assert requeued == min(death, 2)
    assert only("job.fail", web=False).outcome == "failed"
    assert Notice.objects.get(to=administrator).kind == "dead_job"


def test_what_the_worker_writes_says_so(user, queued, monkeypatch):
    job = JobFactory(run=RunFactory(requested_by=user))
    failure = tasks.InferenceError("no such thing")
    monkeypatch.setattr(tasks.analysis, "job_analyse", lambda job: (_ for _ in ()).throw(failure))
    tasks.run_job(str(job.pk))
    assert only("job.fail", web=False).role == "worker"


# --- models, keys, the trail, the system


def test_the_steps_of_a_model(user):
    administrator = UserFactory(role="administrator")
    model = ModelVersionFactory(state="checked")
    model_activate(user=user, model=model)
    assert only("model.active", web=False).target == f"modelversion:{model.pk}"
    model_quarantine(model=model, problem="its file differs")
    event = only("model.quarantined", web=False)
    assert (event.outcome, event.reason) == ("failed", "its file differs")
    assert Notice.objects.get(to=administrator).kind == "model_quarantined"
    model_retire(user=user, model=model)
    only("model.retired", web=False)


def test_a_failed_decryption_is_told_to_auditors_once(user):
    image = ImageFactory(user=user)
    auditor = UserFactory(organisation=image.organisation, role="auditor")
    for _ in range(2):
        damage_note(image.pixels, "file")
        damages_tell()
    assert AuditEvent.objects.filter(action="vault.damage", outcome="failed").count() == 2
    assert Notice.objects.filter(to=auditor, kind="failed_decryption").count() == 1


def test_the_trail_itself(client):
    auditor = UserFactory(role="auditor")
    client.force_login(auditor)
    client.get(reverse("trail:list"))
    only("audit.view")
    client.post(reverse("trail:verify"))
    only("audit.verify")


def test_an_export_of_the_trail(verified_client):
    client = verified_client(UserFactory(role="auditor"))
    client.post(reverse("trail:export"), {"format": "json"})
    only("audit.export")


def test_an_export_is_downloaded(inside, user):
    result = ResultFactory(user=user)
    blob = stored(result.organisation, b"a,b", "export")
    done = {"status": "succeeded", "finished_at": now(), "blob": blob}
    export = ExportFactory(results=[result], **done)
    inside.get(reverse("reports:export-download", args=[export.pk]))
    assert only("export.download").target == f"export:{export.pk}"


def test_start_and_stop_with_the_version():
    for action in ("system.start", "system.stop"):
        _note(action)
        event = only(action, web=False)
        assert (event.role, event.reason[:7]) == ("worker", "worker:")


def test_settings_and_the_clock_at_a_start(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: now() - timedelta(minutes=1))
    _note_start()
    for action in ("configuration.change", "clock.jump"):
        assert AuditEvent.objects.get(action=action).role == "worker"


# --- no act is declared in vain


def test_every_declared_act_is_written_somewhere():
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for room in ("accounts", "imaging", "reports", "mediscan")
        for path in (ROOT / room).glob("**/*.py")
        if path.name not in ("actions.py", "roles.py")
    )
    built = r"^(user|organisation|department|membership|plan)\.(create|change|delete)$"  # the admin
    states = ("model.",)  # from the state's own name
    silent = [
        name
        for name in ACTIONS
        if f'"{name}"' not in code and not re.match(built, name) and not name.startswith(states)
    ]
    assert silent == []


def test_a_failed_audit_write_stops_its_change(user, monkeypatch):
    def broken(*args, **kwargs):
        raise OSError("no space")

    monkeypatch.setattr(audit.record.__globals__["AuditEvent"], "save", broken)
    model = ModelVersionFactory(state="checked")
    with pytest.raises(OSError, match="no space"):
        model_activate(user=user, model=model)
    model.refresh_from_db()
    assert model.state == "checked"
