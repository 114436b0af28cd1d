"""Statements per page with a few studies and with thousands: they must not grow."""

from __future__ import annotations

import time
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from accounts.selectors import home_organisation
from accounts.vault import keys
from bench.inside import EMAIL
from bench.inside.crowd import Crowd
from bench.pictures import SIDE
from imaging.measures.measuring import measure as measures_of
from imaging.models import Result, Run, Study
from imaging.samples import chest_phantom
from imaging.types import Volume
from reports.models import Export

LOOKS = 5


def measure(few: int, many: int) -> list[dict[str, Any]]:
    """Return for each page its statements and processor milliseconds at `few` and at `many`.

    At `many`, the newest run and the newest study have grown as well.
    """
    user = User.objects.get(email=EMAIL)
    crowd = Crowd(user, home_organisation(user), _table())
    client = Client()
    client.force_login(user)
    crowd.grow(few)
    small = {name: _look(client, url) for name, url in _pages().items()}
    begun = time.monotonic()
    for _ in range((many - few) // 1000):
        crowd.grow(1000)
    crowd.grow((many - few) % 1000, last_images=few)
    grown_s = round(time.monotonic() - begun, 1)
    if Study.objects.count() != many:
        raise RuntimeError(f"{Study.objects.count()} studies, not {many}")
    large = {name: _look(client, url) for name, url in _pages().items()}
    return [
        {"page": name, "few": small[name], "many": large[name], "grown_s": grown_s}
        for name in small
    ]


def _pages() -> dict[str, str]:
    """The addresses of the newest of everything; the largest run, where there are several."""
    worklist = reverse("imaging:study-list")
    study, run = Study.objects.first(), Run.objects.order_by("created_at").last()
    result, export = Result.objects.first(), Export.objects.first()
    return {
        "dashboard": reverse("analytics:dashboard"),
        "worklist": worklist,
        "worklist, X-ray": f"{worklist}?modality=xray",
        "worklist, one severity": f"{worklist}?severity={result.severity}",
        "worklist, not analysed": f"{worklist}?view=new",
        "worklist, failed": f"{worklist}?view=failed",
        "study": study.get_absolute_url(),
        "runs": reverse("imaging:run-list"),
        "run": run.get_absolute_url(),
        "result": result.get_absolute_url(),
        "exports": reverse("reports:export-list"),
        "export": export.get_absolute_url(),
        "models": reverse("imaging:model-list"),
    }


def _look(client: Client, url: str) -> dict[str, float]:
    """Open a page once to warm up, then count without a remembered key; the best of some times."""
    _open(client, url)
    _forget_keys()
    with CaptureQueriesContext(connection) as captured:
        _open(client, url)
    return {"statements": len(captured), "cpu_ms": min(_timed(client, url) for _ in range(LOOKS))}


def _forget_keys() -> None:
    """Begin as a fresh process does: no key in memory, none expected."""
    keys.cache.clear()
    keys._seen.__dict__.clear()


def _timed(client: Client, url: str) -> float:
    started = time.process_time()
    _open(client, url)
    return round((time.process_time() - started) * 1000, 1)


def _open(client: Client, url: str) -> None:
    answer = client.get(url)
    if answer.status_code != 200:
        raise RuntimeError(f"{url} answered {answer.status_code}")


def _table() -> list[dict]:
    """A threshold table as the engine writes it, of the phantom's own brightness."""
    picture = chest_phantom(SIDE)[None]
    return measures_of(picture, Volume(picture, modality="DX", raster=True), None, 0.5)["table"]
