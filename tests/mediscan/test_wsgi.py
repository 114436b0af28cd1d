"""The web process keeps no picture that it has drawn."""

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


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's habit")
def test_large_arrays_go_back_to_the_system():
    found = subprocess.run(
        [sys.executable, "-c", DRAW],
        env={"DJANGO_SETTINGS_MODULE": "mediscan.settings.test"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert float(found.stdout) < 5
