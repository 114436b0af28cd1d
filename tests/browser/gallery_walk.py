"""How the gallery looks at a page: its cost, its picture; the table at the end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

from django.conf import settings

from tests.browser.costs import WATCH, Cost, cost_of
from tests.browser.test_pages import faults, ready
from tests.pseudo import RIGHT_TO_LEFT

FOLDER = Path(settings.BASE_DIR) / "gallery"
ROWS = "costs.tsv"
MOST_CLS = 0.01  # UX.md, U11
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Look:
    """How wide, in which theme, in whose language, on paper or not."""

    width: int = 1440
    scheme: str = "light"
    language: str = ""
    is_print: bool = False

    def __str__(self) -> str:
        return "-".join(
            [
                str(self.width),
                self.scheme,
                *filter(None, (self.language,)),
                *["print"][: self.is_print],
            ]
        )

    @property
    def options(self) -> dict:
        return {"width": self.width, "color_scheme": self.scheme}


VIEWS = [Look(width, scheme) for width in (1440, 390) for scheme in ("light", "dark")]
A4_PX = 794
OTHERS = [
    Look(320), Look(language=RIGHT_TO_LEFT), Look(language="de"), Look(A4_PX, is_print=True),
]  # fmt: skip


def walk(page, person: str, pages: dict[str, str], look: Look) -> None:
    """Open each address, note what it cost, save its picture; none breaks a rule or shifts."""
    wrong = {}
    origin = re.match(r"https?://[^/]+", page.url)[0]
    page.add_init_script(WATCH)
    for name, address in pages.items():
        page.goto(origin + address)
        ready(page)
        page.wait_for_load_state("networkidle")
        cost = cost_of(page)
        if look.is_print:
            page.emulate_media(media="print")
        file = UUID.sub("id", re.sub(r"[^a-z0-9]+", "-", f"{person} {name}".lower()).strip("-"))
        path = FOLDER / str(look) / f"{file}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=path, full_page=True)
        page.emulate_media(media="screen")
        _note(path, f"{person}: {name}", cost)
        moved = f"CLS {cost.cls:.4f}: {'; '.join(cost.moved)}"
        if found := faults(page) + [moved][: cost.cls >= MOST_CLS]:
            wrong[name] = found
    assert not wrong, wrong  # said here: this is no test file, where pytest would tell it


def _note(path: Path, name: str, cost: Cost) -> None:
    place = path.relative_to(FOLDER).as_posix()
    print(f"{place}: {cost}")
    with (FOLDER / "index.html").open("a", encoding="utf-8") as index:
        index.write(
            f'<figure><a href="{place}"><img src="{place}" width="360" loading="lazy" alt=""></a>'
            f"<figcaption>{escape(name)}<br>{cost}</figcaption></figure>\n"
        )
    facts = (cost.lcp_s, cost.cls, cost.tbt_ms, cost.js, cost.css)
    with (FOLDER / ROWS).open("a", encoding="utf-8") as rows:
        rows.write("\t".join([place, *(f"{one:.4f}" for one in facts)]) + "\n")


@cache
def begin() -> None:
    """Begin the page of all pictures and the table anew, once."""
    FOLDER.mkdir(exist_ok=True)
    head = '<!doctype html><meta charset="utf-8"><title>MediScan, every page</title>\n'
    (FOLDER / "index.html").write_text(head, encoding="utf-8")
    (FOLDER / ROWS).write_text("", encoding="utf-8")


def table() -> str:
    """What each page cost, the slowest first: bytes of our own files after gzip."""
    lines = (FOLDER / ROWS).read_text(encoding="utf-8").splitlines()
    rows = [(place, *map(float, facts)) for place, *facts in (line.split("\t") for line in lines)]
    said = [f"{'LCP s':>7} {'CLS':>7} {'blocked ms':>10} {'JS KB':>6} {'CSS KB':>6}  page"]
    for place, lcp, cls, tbt, js, css in sorted(rows, key=lambda row: row[1], reverse=True):
        said.append(
            f"{lcp:7.2f} {cls:7.4f} {tbt:10.0f} {js / 1000:6.1f} {css / 1000:6.1f}  {place}"
        )
    most = [max((row[at] for row in rows), default=0) for at in range(1, 6)]
    said.append(f"{len(rows)} pictures; the most: LCP {most[0]:.2f} s, CLS {most[1]:.4f}, "
                f"JS {most[3] / 1000:.1f} KB, CSS {most[4] / 1000:.1f} KB")  # fmt: skip
    return "\n".join(said)
