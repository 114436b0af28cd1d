"""The web process keeps no picture that it has drawn, and no library of the worker's."""

import subprocess
import sys

import pytest

DRAW = """
import mediscan.wsgi
import psutil
from threading import Thread
import numpy as np

def draw():
    for count, bytes_each in ((1, 4 << 20), (6, 1 << 20)):
        pictures = [np.ones(bytes_each, np.uint8) for _ in range(count)]
        del pictures

rss = lambda: psutil.Process().memory_info().rss / 2**20
before = rss()
threads = [Thread(target=draw) for _ in range(8)]
[one.start() for one in threads]
[one.join() for one in threads]
print(rss() - before)
"""

LOOK = """
import sys
import mediscan.wsgi
from django.template.loader import get_template
from django.urls import reverse
reverse("account_login"), get_template("account/login.html"), get_template("reports/report.html")
heavy = ("xhtml2pdf", "xlsxwriter", "reportlab", "pypdf", "fontTools", "lxml", "PIL", "pandas",
         "torch", "cv2")
print([name for name in heavy if name in sys.modules])
"""


def test_nothing_that_only_the_worker_needs_is_loaded():
    assert _said_by(LOOK).strip() == "[]"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's habit")
def test_large_arrays_go_back_to_the_system():
    assert float(_said_by(DRAW)) < 5


def _said_by(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"DJANGO_SETTINGS_MODULE": "mediscan.settings.test"},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
