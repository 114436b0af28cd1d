"""What a page costs: paint, shift and blocked time as the browser saw them, bytes as sent."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from django.contrib.staticfiles import finders

OWN_JS, OWN_CSS = "/static/js/", "/static/css/"
WATCH = """
window.paid = {lcp: 0, cls: 0, tbt: 0, moved: []};
const seen = (type, note) => new PerformanceObserver((list) => list.getEntries().forEach(note))
  .observe({type, buffered: true});
seen("largest-contentful-paint", (one) => { paid.lcp = one.startTime; });
seen("longtask", (one) => { paid.tbt += Math.max(0, one.duration - 50); });
seen("layout-shift", (one) => {
  if (one.hadRecentInput) return;
  paid.cls += one.value;
  const nodes = one.sources.map(({node}) => node && `${node.nodeName} ${node.className}`);
  paid.moved.push(`${one.value.toFixed(4)} ${nodes.join(", ")}`);
});
"""
PAID = """() => ({...window.paid,
  files: performance.getEntriesByType("resource").map((one) => one.name)})"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds, milliseconds, bytes after gzip: `js` and `css` are the house's own."""

    lcp_s: float
    cls: float
    tbt_ms: float
    js: int
    css: int
    moved: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"LCP {self.lcp_s:.2f} s, CLS {self.cls:.4f}, blocked {self.tbt_ms:.0f} ms, "
            f"JS {self.js / 1000:.1f} KB, CSS {self.css / 1000:.1f} KB"
        )


def cost_of(page) -> Cost:
    """Ask before any picture is taken: that scrolls. The context was given WATCH before."""
    for _ in range(20):
        paid = page.evaluate(PAID)
        if paid["lcp"]:
            break
        page.wait_for_timeout(100)  # the observer is told a little later
    files = {urlsplit(name).path for name in paid["files"]}
    return Cost(
        paid["lcp"] / 1000, paid["cls"], paid["tbt"],
        sum(sent(one) for one in files if one.startswith(OWN_JS)),
        sum(sent(one) for one in files if one.startswith(OWN_CSS)),
        tuple(paid["moved"]),
    )  # fmt: skip


@cache
def sent(path: str) -> int:
    """Return how many bytes of a file of ours travel: WhiteNoise sends gzip's best or better."""
    found = finders.find(path.removeprefix("/static/"))
    return len(gzip.compress(Path(found).read_bytes(), 9, mtime=0))
