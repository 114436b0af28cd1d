"""The house's health as a page: seen from here, seen by the worker, asked again; for whom."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import AuditEvent
from accounts.roles import ADMINISTRATOR, RADIOLOGIST
from imaging.models import Heartbeat
from imaging.services.workers import worker_beat
from mediscan import doctor, examining, tasks, unwell
from mediscan.doctor import Finding
from tests.accounts.factories import StrangerFactory, UserFactory

pytestmark = pytest.mark.django_db
PAGE = reverse("status")


@pytest.fixture
def administrator():
    return UserFactory(role=ADMINISTRATOR)


@pytest.fixture
def looks(monkeypatch):
    """The worker's part of the house, in the words of the test."""
    found = [Finding("devices", "ok", "cpu"),
             Finding("fonts", "fail", "missing: %(names)s", "Restore reports/fonts from the"
                     " repository.", {"names": "NotoSans-Bold.ttf"})]  # fmt: skip
    monkeypatch.setitem(doctor.LOOKS, "devices", lambda: iter(found))
    monkeypatch.setattr(examining, "BY_WORKER", ("devices",))


def page(client, user) -> str:
    client.force_login(user)
    return client.get(PAGE).content.decode()


def test_what_is_seen_from_here_is_fresh_and_carries_its_remedy(client, administrator):
    text = page(client, administrator)
    assert "no worker gave a sign lately" in text
    assert "manage.py worker" in text
    assert "The worker has not looked yet" in text
    worker_beat()
    assert "a worker gave a sign lately" in page(client, administrator)


def test_the_worker_is_asked_once_and_what_it_finds_is_shown(
    client, administrator, looks, queued, django_capture_on_commit_callbacks
):
    client.force_login(administrator)
    for _ in range(2):
        assert client.post(PAGE).url == PAGE
    assert queued == [(examining.TASK,)]
    assert AuditEvent.objects.filter(action="system.examine", actor=administrator).count() == 1
    assert "has not answered yet" in client.get(PAGE).content.decode()
    tasks.house_examine()
    text = client.get(PAGE).content.decode()
    assert "missing: NotoSans-Bold.ttf" in text
    assert "Restore reports/fonts from the repository." in text
    assert "has not answered yet" not in text


def test_an_asking_that_nothing_answered_may_be_repeated(administrator, queued):
    assert examining.examination_ask(by=administrator)
    assert not examining.examination_ask(by=administrator)
    long_ago = now() - examining.PATIENCE - timedelta(seconds=1)
    Heartbeat.objects.filter(name=examining.ASKED).update(at=long_ago)
    assert examining.examination_ask(by=administrator)


def test_a_look_that_breaks_is_a_failure_and_the_page_still_shows(client, administrator, looks,
                                                                  monkeypatch):  # fmt: skip
    def broken():
        raise OSError("no such device")

    monkeypatch.setitem(doctor.LOOKS, "devices", broken)
    tasks.house_examine()
    assert "OSError: no such device" in page(client, administrator)


def test_it_is_said_in_german(client, looks):
    tasks.house_examine()
    text = page(client, UserFactory(role=ADMINISTRATOR, language="de"))
    for words in ("fehlen: NotoSans-Bold.ttf", "Datenbank", "Versagt", "Erneut prüfen"):
        assert words in text


def test_who_may_look(client):
    assert client.get(PAGE).status_code == 302
    client.force_login(UserFactory(role=RADIOLOGIST))
    answer = client.get(PAGE)
    assert answer.status_code == 403
    assert "Administrator" in answer.content.decode()
    client.force_login(StrangerFactory(is_staff=True))
    assert client.get(PAGE).status_code == 200


def test_everybody_is_told_when_nothing_analyses_or_the_disk_is_full(client, monkeypatch):
    assert unwell.unwell() == []
    home, dashboard = "/", reverse("analytics:dashboard")
    assert "Analyses wait" not in client.get(home).content.decode()
    unwell._last.clear()
    monkeypatch.undo()
    monkeypatch.setattr(unwell, "disk_free", lambda place: (1 << 20, place))
    text = client.get(home).content.decode()
    assert "Analyses wait" in text
    assert "nearly full" in text
    assert PAGE not in text
    client.force_login(UserFactory())
    assert "Analyses wait" in client.get(dashboard).content.decode()
    unwell._last.clear()
    worker_beat()
    assert "Analyses wait" not in client.get(dashboard).content.decode()


def test_what_is_found_is_remembered_for_a_while(monkeypatch):
    counted = []
    monkeypatch.setattr(unwell, "look", lambda: counted.append(1) or [unwell.QUEUE])
    unwell._last.clear()
    assert [unwell.unwell(), unwell.unwell()] == [[unwell.QUEUE]] * 2
    assert counted == [1]
