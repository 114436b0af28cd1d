"""Lines of the benchmark, as JSON and as people read them."""

import json
from io import StringIO

import pytest
from rich.console import Console

from bench import report
from bench.ratios import Goal, Round
from bench.rows import doubted, equal_row, medians, ratio_row, value_row

ROUNDS = [Round(100, 111, 101), Round(101, 113, 100)]
CONTEXT = {
    "cpu": "A processor", "affinity": 2, "load": [0.1, 0.5], "steal_percent": 0.0,
    "commit": "abc1234+", "data": "drawn phantom",
}  # fmt: skip


def some_rows() -> list[dict]:
    return [
        ratio_row("inference", "P1", ("forwards", "worker"), ROUNDS, Goal(1.25), rss_mb={"b": 7}),
        value_row("memory", "P4", "web worker", 160.123, "MiB", Goal(150)),
        value_row("e2e", "P9", "batch of 3", 1.5, "images/s"),
        equal_row("pages", "G1", "worklist", ("10 studies", "50 studies"), (9, 12),
                  cpu_ms={"a": 1.0, "b": 2.0}),
    ]  # fmt: skip


def test_a_ratio_is_written_with_its_control_limit_and_verdict():
    row = some_rows()[0]
    assert row["rounds"] == 2
    assert row["ratio"] == {"median": 1.114, "min": 1.104, "max": 1.124}
    assert row["control"] == {"min": 0.99, "max": 1.01}
    assert (row["limit"], row["verdict"], row["rss_mb"]) == (1.25, "met", {"b": 7})
    assert json.loads(json.dumps(row, allow_nan=False)) == row


@pytest.mark.parametrize(
    ("value", "goal", "word"),
    [(150, Goal(150), "met"), (150.1, Goal(150), "missed"), (1e9, None, ""),
     (1.8, Goal(1.8, at_least=True), "met")],
)  # fmt: skip
def test_a_value_is_judged_only_by_a_goal(value, goal, word):
    assert value_row("memory", "P4", "web", value, "MiB", goal)["verdict"] == word


@pytest.mark.parametrize(("counts", "word"), [((9, 9), "met"), ((9, 12), "missed")])
def test_statements_must_not_grow(counts, word):
    row = equal_row("pages", "G1", "worklist", ("10", "5,000"), counts)
    assert row["verdict"] == word
    assert bool(row["why"]) == (word == "missed")


def test_a_busy_machine_withholds_the_verdicts_on_times_alone():
    rows = doubted(some_rows(), ["load per core 2.0 before the start"])
    assert [row["verdict"] for row in rows] == ["noisy", "missed", "", "missed"]
    assert rows[0]["why"] == "load per core 2.0 before the start"
    assert doubted(some_rows(), []) == some_rows()


def test_medians_take_both_sides_of_the_control():
    found = [
        {"a": {"wall_ms": 1}, "b": {"wall_ms": 9}, "control": {"wall_ms": 3}},
        {"a": {"wall_ms": 5}, "b": {"wall_ms": 7}, "control": {"wall_ms": 4}},
    ]
    assert medians(found, "wall_ms") == {"a": 3.5, "b": 8.0}


def test_the_table_shows_losses_and_why():
    console = Console(width=200, record=True, file=StringIO())
    report.show(console, some_rows(), CONTEXT)
    text = console.export_text()
    for words in (
        "1.11 (1.10–1.12); A/A 0.99–1.01", "160.12 MiB", "missed", "9 and 12 (1 and 2 ms)",
        "G1 worklist: 9 and 12 are not the same", "load 0.1 before", "abc1234+",
        "with 10 studies and with 50 studies",
    ):  # fmt: skip
        assert words in text


def test_the_profile_shows_the_dearest_place_first():
    console = Console(width=100, record=True, file=StringIO())
    report.show_profile(console, {"cheap": [9, 1], "dear": [3, 3], "nothing": [0.1, 0.1]})
    lines = [line for line in console.export_text().splitlines() if "│" in line]
    assert [line.split("│")[1].strip() for line in lines] == ["dear", "cheap", "all"]
