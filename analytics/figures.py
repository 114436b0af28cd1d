"""A figure: a chart, its table and its cells for a spreadsheet, or why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.utils.formats import number_format
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from accounts.csv_cells import MARK, csv_line, safe
from imaging.measures.small_cells import LEAST

TEXT, COUNT, SHARE, SECONDS, RATIO, VALUE = "text", "count", "share", "seconds", "ratio", "value"


@dataclass(frozen=True, slots=True)
class Column:
    """The head of one column of a table, and what kind of number stands below it."""

    label: str
    kind: str = COUNT


@dataclass(frozen=True, slots=True)
class Figure:
    """What a panel shows. `rows` hold numbers as they are; None: too few to say.

    svg     the chart, from analytics.charts, which escapes what it is told.
    n       how many results it counts: below five there is no chart and no table.
    """

    key: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence]
    n: int
    svg: str = ""
    sub: str = ""
    note: str = ""
    legend: Sequence[tuple[str, str]] = ()
    least: int = LEAST
    wide: bool = field(default=False)

    @property
    def is_enough(self) -> bool:
        return self.n >= self.least

    @property
    def drawing(self) -> SafeString:
        return mark_safe(self.svg)  # nosec B308 B703: charts.py escapes each word

    @property
    def lines(self) -> list[list[tuple[str, str, str]]]:
        """The table as people read it: of each cell its words, its kind and its column's name."""
        return [
            [(text_of(value, column.kind), column.kind, column.label)
             for value, column in zip(row, self.columns, strict=True)]
            for row in self.rows
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kpi:
    """One number of the head, against the same number of the days before."""

    title: str
    value: str
    unit: str = ""
    change: str = ""
    tone: str = ""  # up: better, bad: worse, "": neither
    beside: str = ""
    svg: str = ""

    @property
    def drawing(self) -> SafeString:
        return mark_safe(self.svg)  # nosec B308 B703: numbers only


@dataclass(frozen=True, slots=True)
class Flag:
    """A sentence about a number that moved, and the chart that shows it."""

    said: str
    page: str
    figure: str

    @property
    def url_name(self) -> str:
        return f"analytics:{self.page}"


@dataclass(frozen=True, slots=True)
class Page:
    """What one page of the figures shows.

    rule      when a number is told, and that none was.
    few       what cannot be told yet, each with its count.
    can_tell  something could be compared.
    """

    kpis: Sequence[Kpi]
    figures: Sequence[Figure]
    flags: Sequence[Flag] = ()
    said: str = ""
    rule: str = ""
    few: Sequence[str] = ()
    can_tell: bool = False


def too_few(n: int) -> str:
    return _("Not enough data (n = %(n)s)") % {"n": n}


def share(part: int, whole: int) -> float | None:
    """Return part of whole, 0 to 1; None where the whole is too small to tell."""
    return part / whole if whole >= LEAST else None


def text_of(value, kind: str) -> str:
    """Return a cell in the reader's language."""
    if value is None:
        return _("too few")
    if kind == SHARE:
        return _("%(n)s%%") % {"n": number_format(100 * value, 0)}
    if kind == SECONDS:
        return duration(value)
    if kind == RATIO:
        return number_format(value, 2)
    if kind == VALUE:
        return number_format(value, 1, force_grouping=True)
    if kind == COUNT:
        return number_format(value, 0, force_grouping=True)
    return str(value)


def duration(seconds: float) -> str:
    """Return 0.4 s, 58 s, 2 min 12 s, 3 h 5 min, 2 d 4 h."""
    if seconds < 0.1:
        return _("%(n)s ms") % {"n": round(1000 * seconds)}
    if seconds < 10:
        return _("%(n)s s") % {"n": number_format(seconds, 1)}
    whole = round(seconds)
    if whole < 60:
        return _("%(n)s s") % {"n": whole}
    if whole < 3600:
        return _("%(m)s min %(s)s s") % {"m": whole // 60, "s": whole % 60}
    minutes = round(seconds / 60)
    if minutes < 2880:
        return _("%(h)s h %(m)s min") % {"h": minutes // 60, "m": minutes % 60}
    hours = round(seconds / 3600)
    return _("%(d)s d %(h)s h") % {"d": hours // 24, "h": hours % 24}


def short_duration(seconds: float) -> str:
    """Return a step of a chart's scale: 30 s, 1.5 min, 2 min, 6 h, 3 d."""
    for size, said in ((86_400, _("%(n)s d")), (3600, _("%(n)s h")), (60, _("%(n)s min"))):
        if seconds >= size and seconds % size == 0:
            return said % {"n": int(seconds // size)}
        if seconds > size and 2 * seconds % size == 0:
            return said % {"n": number_format(seconds / size, 1)}
    return _("%(n)s s") % {"n": number_format(seconds)}


def figures_csv(figures: Sequence[Figure], said: str) -> Iterator[bytes]:
    """Yield a file of `figures`, one below the other; `said` is the scope in words."""
    yield MARK + csv_line([safe(settings.RESEARCH_NOTICE)])
    yield csv_line([safe(said)])
    for figure in figures:
        yield csv_line([])
        yield csv_line([safe(str(figure.title)), "n", figure.n])
        if not figure.is_enough:
            yield csv_line([safe(too_few(figure.n))])
            continue
        yield csv_line([safe(f"{one.label}{_UNITS.get(one.kind, '')}") for one in figure.columns])
        for row in figure.rows:
            yield csv_line([_cell(value) for value in row])


_UNITS = {SECONDS: " (s)", SHARE: " (0 to 1)"}


def _cell(value) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, float):
        return round(value, 4)
    return value if isinstance(value, int) else safe(str(value))
