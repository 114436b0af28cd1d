"""`make costs`: what the main pages and the viewer cost here, as a table in Markdown (U11 to U13).

Times are those of the machine: each is said beside its goal, with its spread and the load, and
none is asserted. Printed, and kept in gallery/costs.md.
"""

from __future__ import annotations

import os
import re
from statistics import median, quantiles

import pytest
from django.urls import reverse
from django.utils.timezone import now

from bench.machine import machine
from tests.accounts.factories import UserFactory
from tests.browser.costs import WATCH, cost_of
from tests.browser.gallery_walk import FOLDER
from tests.browser.story import addresses_of_a_working_day, drawn_result, show_thumbnails
from tests.browser.test_pages import ready
from tests.imaging.volumes import NIFTI, volume_result

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ROUNDS, SIDE, VOLUME, STEPS = 5, 1024, (48, 256, 256), 20
LCP_S, CLS, BLOCKED_MS, FIRST_S, STEP_MS = 1.0, 0.01, 150, 1.0, 50  # UX.md, U11 and U13
SEEN = """
(function look() { // the frame in which the viewer has drawn
  if (document.documentElement?.dataset.viewer) window.firstSeen = performance.now();
  else requestAnimationFrame(look);
})();
"""
SENT = """() => [...performance.getEntriesByType("navigation"),
  ...performance.getEntriesByType("resource")].reduce((sum, one) => sum + one.encodedBodySize, 0)"""
LEAF = """async ([steps, by]) => {
  const { slices } = window.mediscanViewer, times = [];
  const frame = () => new Promise(requestAnimationFrame);
  for (let at = 0; at < steps; at += 1) {
    const aim = (slices.shown + by) % slices.config.depth, begun = performance.now();
    await slices.go(aim);
    await frame();
    times.push(performance.now() - begun);
    await new Promise((done) => setTimeout(done, 150)); // a reader looks; neighbours are fetched
  }
  return times;
}"""


def test_what_the_pages_and_the_viewer_cost(visit, tmp_path, queued):
    user = UserFactory()
    lines, loads = [], [os.getloadavg()[0]]
    pages = pages_of(user, tmp_path)
    page = visit("/help/", user=user)
    origin = re.match(r"https?://[^/]+", page.url)[0]
    page.add_init_script(WATCH + SEEN)
    firsts = {}
    for name, address in pages.items():
        lines.append(_cost(page, name, origin + address, firsts))
    lines += ["", "| viewer | median | 95th percentile | goal | |", "|---|---|---|---|---|"]
    for name, times in firsts.items():
        lines.append(_times(f"first image, {name}", times, "s", FIRST_S, 2))
    _opened(page, origin + pages["volume result"])
    lines += [_leafing(page, "slice step, fetched ahead", 1), _leafing(page, "slice step, far", 17)]
    loads.append(os.getloadavg()[0])
    _keep([*_head(loads), *lines])


def pages_of(user, folder) -> dict[str, str]:
    """Make the rows behind each kind of page; return their addresses."""
    day = addresses_of_a_working_day(user, folder)
    picture = drawn_result(user, folder, size=SIDE)
    volume = volume_result(user, folder, affine=NIFTI, shape=VOLUME)
    show_thumbnails()
    return {
        "worklist": day["worklist"], "upload": day["upload"],
        "result": picture.get_absolute_url(), "volume result": volume.get_absolute_url(),
        "dashboard": "/dashboard/", "analytics": reverse("analytics:overview"),
        "models": day["models"],
    }  # fmt: skip


def _opened(page, address: str) -> None:
    page.goto(address)
    ready(page)
    page.wait_for_load_state("networkidle")


def _cost(page, name: str, address: str, firsts: dict[str, list[float]]) -> str:
    """Open a page ROUNDS times; when a viewer's first image stood is kept in `firsts`."""
    costs = []
    for _ in range(ROUNDS):
        _opened(page, address)
        costs.append(cost_of(page))
        if first := page.evaluate("window.firstSeen || 0"):
            firsts.setdefault(name, []).append(first / 1000)
    lcp = [one.lcp_s for one in costs if one.lcp_s]  # 0: the browser has not told it in two seconds
    assert lcp, f"{name}: no largest contentful paint was told"
    blocked = [one.tbt_ms for one in costs]
    shift = max(one.cls for one in costs)
    missed = median(lcp) >= LCP_S or median(blocked) >= BLOCKED_MS or shift >= CLS
    return (
        f"| {name} | {median(lcp):.2f} ({min(lcp):.2f} to {max(lcp):.2f}; {len(lcp)} told) "
        f"| {shift:.4f} | {median(blocked):.0f} ({min(blocked):.0f} to {max(blocked):.0f}) "
        f"| {costs[0].js / 1000:.1f} | {costs[0].css / 1000:.1f} "
        f"| {page.evaluate(SENT) / 1000:.0f} | {_verdict(missed)} |"
    )


def _leafing(page, name: str, by: int) -> str:
    """Leaf through the volume that is open."""
    return _times(name, page.evaluate(LEAF, [STEPS, by]), "ms", STEP_MS, 0)


def _times(name: str, times: list[float], unit: str, goal: float, digits: int) -> str:
    most = quantiles(times, n=20, method="inclusive")[-1]
    return (
        f"| {name} | {median(times):.{digits}f} {unit} | {most:.{digits}f} {unit} "
        f"| {goal:g} {unit}: {most / goal:.2f} of it | {_verdict(most >= goal)} |"
    )


def _verdict(missed: bool) -> str:
    return "**not met**" if missed else "met"


def _head(loads: list[float]) -> list[str]:
    here = machine()
    return [
        f"{now():%d %B %Y}, {here.cpu}, {here.affinity} cores, no GPU (WebGL drawn in software), "
        f"load {loads[0]:.1f} before and {loads[1]:.1f} after; commit {here.commit}. "
        f"{ROUNDS} openings of each page; result of {SIDE} × {SIDE} px, volume of "
        f"{' × '.join(map(str, VOLUME))} voxels.", "",
        f"| page | LCP s, goal {LCP_S:g} | CLS, goal {CLS} | blocked ms, goal {BLOCKED_MS} "
        "| own JS, KB | own CSS, KB | all, KB as sent | |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip


def _keep(lines: list[str]) -> None:
    said = "\n".join(lines)
    print(f"\n{said}")
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "costs.md").write_text(said + "\n", encoding="utf-8")
