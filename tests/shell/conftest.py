"""The system's Chromium for the tests that look at pages; skipped where there is none."""

from __future__ import annotations

import os
import shutil

import pytest

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright keeps a loop running


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    binary = shutil.which("chromium")
    if binary is None:
        pytest.skip("no chromium on this machine: apt install chromium")
    flags = ["--no-sandbox", "--disable-dev-shm-usage"]
    return {**browser_type_launch_args, "executable_path": binary, "args": flags}
