"""U24: a page that polls outlives a restart of the web process, and is silent when all is done."""

from __future__ import annotations

import pytest
from django.test import testcases
from django.urls import reverse
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from imaging.models import Job, JobStatus
from tests.browser.conftest import session_cookie
from tests.imaging.factories import JobFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SILENCE_MS = 5_000


class OneRequest(testcases.QuietWSGIRequestHandler):
    """Hangs up after each answer: no line outlives its server."""

    def handle(self) -> None:
        self.close_connection = True
        self.handle_one_request()


class SamePort(testcases.LiveServerThread):
    """A server that takes its port again at once."""

    def _create_server(self, connections_override=None):
        return self.server_class(
            (self.host, self.port),
            OneRequest,
            allow_reuse_address=True,
            connections_override=connections_override,
        )


@pytest.fixture
def server(monkeypatch, transactional_db):
    """Return a function that starts a server of its own on a port; those that run are stopped."""
    monkeypatch.setattr(testcases, "LiveServerThread", SamePort)
    started = []

    def start(port: int = 0) -> LiveServer:
        started.append(LiveServer(f"localhost:{port}"))
        started[-1]._live_server_modified_settings.enable()
        return started[-1]

    yield start
    for one in started:
        if one.thread.is_alive():
            one.stop()
        one._live_server_modified_settings.disable()


def test_polling_survives_a_restart_and_ends_with_the_last_state(browser, server):
    job = JobFactory()
    first = server()
    page = browser.new_context().new_page()
    page.context.add_cookies([session_cookie(job.run.requested_by, first.url)])
    lost = []
    page.on("requestfailed", lambda request: lost.append(request.failure))
    page.goto(first.url + reverse("imaging:run-detail", args=[job.run_id]))
    expect(page.locator("#run-status[hx-get]")).to_be_attached()
    port = first.thread.port
    first.stop()
    for _ in range(60):
        if len(lost) >= 2:
            break
        page.wait_for_timeout(250)
    assert len(lost) >= 2, "the page asked on while nobody answered"
    Job.objects.filter(pk=job.pk).update(status=JobStatus.CANCELLED, finished_at=job.created_at)
    server(port)
    expect(page.locator("#run-status:not([hx-get])")).to_be_attached()
    expect(page.locator("#run-status")).to_contain_text("Cancelled")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(SILENCE_MS)
    assert asked == []
    page.context.close()
