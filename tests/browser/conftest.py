"""The system's Chromium with WebGL drawn in software; skipped where there is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.test import Client
from django.utils.module_loading import import_string
from playwright.sync_api import Page, expect

from tests.accounts.factories import verify

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright keeps a loop running

FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"]
WEBGL = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
NO_GPU = ["--disable-gpu", "--disable-software-rasterizer"]
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)
REFUSED_FORM = tuple(
    f"Failed to load resource: the server responded with a status of {code}" for code in (409, 422)
)


def launched(playwright, flags: list[str]):
    binary = shutil.which("chromium")
    if binary is None:
        pytest.skip("no chromium on this machine: apt install chromium")
    return playwright.chromium.launch(executable_path=binary, args=FLAGS + flags)


@pytest.fixture(scope="session")
def browser(playwright):
    browser = launched(playwright, WEBGL)
    yield browser
    browser.close()


@pytest.fixture
def browser_without_gpu(playwright):
    browser = launched(playwright, NO_GPU)
    yield browser
    browser.close()


@pytest.fixture
def visit(live_server, browser) -> Iterator[Callable[..., Page]]:
    """Return a function that opens an address, signed in as `user`.

    When the test ends, the pages must have complained of nothing: no error or
    warning on the console (what the policy blocks is one), no exception.
    """
    contexts, complaints = [], []

    def go(
        address: str, *, user=None, verified=False, width=1440, height=900, using=None, **options
    ) -> Page:
        size = {"width": width, "height": height}
        context = (using or browser).new_context(viewport=size, **options)
        contexts.append(context)
        if user is not None:
            context.add_cookies([session_cookie(user, live_server.url, verified=verified)])
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: complaints.extend(complaint_in(message)))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(live_server.url + address)
        return page

    yield go
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def work(queued) -> Callable[[], None]:
    """Return a function that does what the queue holds, here and now, until it is empty."""

    def do() -> None:
        while queued:
            task, *args = queued.pop(0)
            import_string(task)(*args)

    return do


def session_cookie(user, url: str, *, verified: bool = False) -> dict[str, str]:
    """Sign `user` in; `verified`: with a second factor, both proofs shown just now."""
    client = Client()
    if verified:
        verify(client, user)
    else:
        client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    return {"name": name, "value": client.cookies[name].value, "url": url}


def complaint_in(message) -> list[str]:
    """A form that was refused or overtaken is no complaint: its 422 or 409 is meant."""
    if message.type not in ("error", "warning") or message.text.startswith(REFUSED_FORM):
        return []
    return [f"{message.type}: {message.text}"]
