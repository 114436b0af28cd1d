"""PURE: numbers to SVG, coloured by class, with a title and a description for who cannot see it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

WIDE, NARROW = (760, 236), (440, 232)
LEFT, TOP, FOOT = 44, 10, 32  # room for the ticks' words, above, and for the names below
GAP = 1  # between the parts of one column
MOST_NAMES = 6
_STEPS = (1, 2, 5, 10)
_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 43200)
_DAY = 86_400

Number = float | int | None  # None: nothing is drawn there


@dataclass(frozen=True, slots=True)
class Words:
    """What a chart is called, and what a person reads who does not see it."""

    key: str
    title: str
    description: str


@dataclass(frozen=True, slots=True)
class Part:
    """One series: the class of its colour, and a value for each column."""

    colour: str
    values: Sequence[Number]


@dataclass(frozen=True, slots=True)
class Line:
    """One row of horizontal bars: its name, what stands at its end, (class, value) of each part."""

    name: str
    said: str
    parts: Sequence[tuple[str, float]]


def columns(
    words: Words,
    names: Sequence[str],
    parts: Sequence[Part],
    *,
    tick: Callable[[float], str],
    top: float | None = None,
    mark: float | None = None,
    wide: bool = False,
) -> str:
    """Return stacked columns; `top` is the end of the scale where it is known, 100 for shares.

    `mark` is a limit that is drawn across, if the columns come anywhere near it.
    """
    size = WIDE if wide else NARROW
    totals = [sum(part.values[at] or 0 for part in parts) for at in range(len(names))]
    high = max(totals, default=0)
    mark = mark if mark and high * 4 >= mark else None
    marks = _ticks(max(high, mark or 0)) if top is None else [0, top / 2, top]
    height = _scale(size, marks[-1])
    step = (size[0] - LEFT) / max(1, len(names))
    broad = min(step * 0.7, 60)
    body = [*_grid(size, marks, tick), *_names(size, names, step)]
    for at in range(len(names)):
        x, below = LEFT + step * at + (step - broad) / 2, 0.0
        for part in parts:
            value = part.values[at] or 0
            if value:
                y0, y1 = height(below), height(below + value)
                body.append(_bar(part.colour, x, y1, broad, max(0.5, y0 - y1 - GAP), 1.5))
                below += value
    if mark:
        y = height(mark)
        body.append(f'<line class="tgt" x1="{LEFT}" x2="{size[0]}" y1="{y:.1f}" y2="{y:.1f}"/>')
    return _svg(words, size, body, wide)


def band(
    words: Words,
    names: Sequence[str],
    low: Sequence[Number],
    high: Sequence[Number],
    *,
    tick: Callable[[float], str],
    wide: bool = False,
) -> str:
    """Return a line with the band up to `high` above it, in seconds; a gap where there is None."""
    size = WIDE if wide else NARROW
    marks = _second_ticks(max((one for one in high if one is not None), default=0))
    height = _scale(size, marks[-1])
    step = (size[0] - LEFT) / max(1, len(names))
    body = [*_grid(size, marks, tick), *_names(size, names, step)]
    for run in _runs(low):
        there = [(LEFT + step * (at + 0.5), at) for at in run]
        over = [(x, height(high[at] or 0)) for x, at in there]
        under = [(x, height(low[at] or 0)) for x, at in there]
        body.append(f'<polygon class="band" points="{_points([*over, *reversed(under)])}"/>')
        body += _line("l1", under)
    return _svg(words, size, body, wide)


def course(
    words: Words,
    names: Sequence[str],
    values: Sequence[Number],
    *,
    tick: Callable[[float], str],
    usual: tuple[float, float] | None = None,
    said: str = "",
    ends: tuple[float, float] | None = None,
) -> str:
    """Return a line over time; `usual` is where it lay at first, low and high, called `said`.

    The scale holds `ends`; without them it is never so fine that a tenth looks like a cliff.
    """
    known = [one for one in values if one is not None] + list(usual or ())
    middle = sum(known) / len(known) if known else 0
    known += ends or (0.95 * middle, 1.05 * middle)
    marks = _ticks(max(known), min(known))
    height = _scale(NARROW, marks[-1], marks[0])
    step = (NARROW[0] - LEFT) / max(1, len(names))
    body = [*_grid(NARROW, marks, tick), *_names(NARROW, names, step)]
    if usual:
        y0, y1 = height(usual[0]), height(usual[1])
        body.append(_bar("band", LEFT, y1, NARROW[0] - LEFT, max(1.0, y0 - y1), 0))
        middle = height(sum(usual) / 2)
        body.append(
            f'<line class="tgt" x1="{LEFT}" x2="{NARROW[0]}" y1="{middle:.1f}" y2="{middle:.1f}"/>'
        )
        body.append(_text("lab", NARROW[0], y1 - 5, said, "end"))
    for run in _runs(values):
        body += _line("l1", [(LEFT + step * (at + 0.5), height(values[at] or 0)) for at in run])
    return _svg(words, NARROW, body, wide=False)


def rows(words: Words, lines: Sequence[Line], *, whole: float | None = None) -> str:
    """Return horizontal bars, each of 100 percent; with `whole`, of one scale that ends there."""
    width, each = 342, 52
    body = []
    for place, line in enumerate(lines):
        y, x = place * each, 0.0
        total = whole or sum(value for _colour, value in line.parts)
        body.append(_text("lab", 0, y + 14, _short(line.name, line.said), "start"))
        body.append(_text("", width, y + 14, line.said, "end"))
        for colour, value in line.parts:
            broad = width * value / total if total else 0.0
            if not broad:
                continue
            body.append(_bar(colour, x, y + 21, max(1.0, broad - 2), 22, 3))
            if whole is None and broad >= 34:
                ink = "onc" if colour == "f4" else "onl"
                share = f"{100 * value / total:.0f}%"
                body.append(_text(ink, x + broad / 2 - 1, y + 36, share, "middle"))
            x += broad
    return _svg(words, (width, max(1, len(lines)) * each), body, wide=False)


def matrix(words: Words, names: Sequence[str], cells: Mapping[tuple[int, int], float]) -> str:
    """Return a square of shares of 1, each pair of `names` at its row and column, both ways."""
    left, high = 118, 38
    broad = (342 - left) / max(1, len(names))
    body = []
    for row, name in enumerate(names):
        letter, y = chr(65 + row), 22 + row * high
        body.append(_text("lab", 0, y + 22, letter, "start"))
        body.append(_text("", 15, y + 22, _clipped(name, 15), "start"))
        body.append(_text("lab", left + broad * (row + 0.5), 14, letter, "middle"))
        for column in range(len(names)):
            value = cells.get((row, column), cells.get((column, row)))
            shade = 0 if value is None else max(0, min(5, int((value - 0.4) * 10)))
            x = left + broad * column
            body.append(_bar(f"q{shade}", x + 1.5, y, broad - 3, high - 3, 4))
            ink = "on" if shade > 3 else "onl"
            there = "–" if value is None else f"{value:.2f}"
            body.append(_text(ink, x + broad / 2, y + 22, there, "middle"))
    return _svg(words, (342, 26 + high * len(names)), body, wide=False)


def spark(values: Sequence[Number]) -> str:
    """Return a line without a scale, for beside a number that says it all; "" below two points."""
    known = [(at, value) for at, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return ""
    low, high = min(v for _, v in known), max(v for _, v in known)
    across, span = 92 / (len(values) - 1), (high - low) or 1
    points = [(2 + at * across, 31 - 27 * (value - low) / span) for at, value in known]
    x, y = points[-1]
    return (
        '<svg class="sp" viewBox="0 0 96 34" aria-hidden="true" focusable="false">'
        f'<polyline class="l1" points="{_points(points)}"/>'
        f'<circle class="f1" cx="{x:.1f}" cy="{y:.1f}" r="3"/></svg>'
    )


def _svg(words: Words, size: tuple[int, int], body: Sequence[str], wide: bool) -> str:
    key = escape(words.key)
    return (
        f'<svg class="ch{" wide" if wide else ""}" viewBox="0 0 {size[0]} {size[1]}" role="img"'
        f' aria-labelledby="{key}-t {key}-d"><title id="{key}-t">{escape(words.title)}</title>'
        f'<desc id="{key}-d">{escape(words.description)}</desc>{"".join(body)}</svg>'
    )


def _scale(size: tuple[int, int], top: float, low: float = 0) -> Callable[[float], float]:
    bottom, span = size[1] - FOOT, (top - low) or 1
    return lambda value: bottom - (bottom - TOP) * (value - low) / span


def _grid(
    size: tuple[int, int], marks: Sequence[float], tick: Callable[[float], str]
) -> Iterator[str]:
    height = _scale(size, marks[-1], marks[0])
    for mark in marks:
        y = height(mark)
        yield f'<line class="gl" x1="{LEFT}" x2="{size[0]}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield _text("", LEFT - 8, y + 4, tick(mark), "end")


def _names(size: tuple[int, int], names: Sequence[str], step: float) -> Iterator[str]:
    every = max(1, math.ceil(len(names) / MOST_NAMES))
    for at in range(0, len(names), every):
        yield _text("", LEFT + step * (at + 0.5), size[1] - 8, names[at], "middle")


def _line(colour: str, points: Sequence[tuple[float, float]]) -> Iterator[str]:
    if len(points) > 1:
        yield f'<polyline class="{colour}" points="{_points(points)}"/>'
        return
    for x, y in points:
        yield f'<circle class="f1" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'


def _runs(values: Sequence[Number]) -> list[list[int]]:
    """Return the stretches without a gap, as the places of their values."""
    known = [at for at, value in enumerate(values) if value is not None]
    breaks = [0, *(i + 1 for i, (a, b) in enumerate(pairwise(known)) if b > a + 1), len(known)]
    return [known[start:end] for start, end in pairwise(breaks) if end > start]


def _ticks(top: float, low: float = 0) -> list[float]:
    """Return three to six round numbers from at most `low` to at least `top`."""
    span = (top - min(0, low) if low <= top * 0.5 else top - low) or 1
    start = low if low > top * 0.5 else min(0, low)
    size = 10 ** math.floor(math.log10(span / 4)) if span > 0 else 1
    step = next(size * one for one in _STEPS if size * one * 4 >= span)
    if step < 1 and float(top).is_integer() and float(low).is_integer():
        step = 1  # people and pictures come whole
    first = math.floor(start / step)
    last = max(math.ceil(top / step), first + 1)
    return [round(step * one, 10) for one in range(first, last + 1)]


def _second_ticks(top: float) -> list[float]:
    step = next((one for one in _SECONDS if one * 5 >= top), None)
    if step is None:
        step = _DAY * math.ceil(top / 5 / _DAY)
    return [step * one for one in range(max(1, math.ceil(top / step)) + 1)]


def _bar(colour: str, x: float, y: float, width: float, height: float, round_: float) -> str:
    return (
        f'<rect class="{colour}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}"'
        f' height="{height:.1f}" rx="{round_:g}"/>'
    )


def _text(ink: str, x: float, y: float, said: str, anchor: str) -> str:
    drawn = f' class="{ink}"' if ink else ""
    return f'<text{drawn} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(said)}</text>'


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _short(name: str, said: str) -> str:
    """Leave room for what stands at the end of the line; the table has the whole name."""
    return _clipped(name, max(10, 38 - len(said)))


def _clipped(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1].rstrip()}…"
