"""Charts: numbers in the right place, words escaped, no style, nothing where nothing is known."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from analytics.charts import (
    Line,
    Part,
    Words,
    _second_ticks,
    _ticks,
    band,
    columns,
    course,
    matrix,
    rows,
    spark,
)  # fmt: skip

WORDS = Words("key", 'A <b> & "title"', "What it <says>")


def drawn(svg: str) -> ElementTree.Element:
    assert "style=" not in svg
    return ElementTree.fromstring(svg)


def bars(root, colour: str) -> list[dict]:
    return [one.attrib for one in root.iter("rect") if one.get("class") == colour]


def texts(root) -> list[str]:
    return ["".join(one.itertext()) for one in root.iter("text")]


EVERY = {
    "columns": columns(WORDS, ["<i>"], [Part("f1", [3])], tick=str),
    "band": band(WORDS, ["<i>", "b"], [10, 20], [30, 40], tick=str),
    "course": course(WORDS, ["<i>"], [1.5], tick=str, usual=(1, 2), said="<usual>"),
    "rows": rows(WORDS, [Line("<i>", "<n>", [("f1", 3), ("f4", 1)])]),
    "matrix": matrix(WORDS, ["<i>", "b"], {(0, 1): 0.5}),
}


@pytest.mark.parametrize("svg", EVERY.values(), ids=EVERY)
def test_every_chart_has_a_title_and_a_description_and_no_markup_of_its_words(svg):
    root = drawn(svg)
    assert root.get("role") == "img"
    assert root.find("title").text == WORDS.title
    assert root.find("desc").text == WORDS.description
    named = root.get("aria-labelledby").split()
    assert named == [root.find("title").get("id"), root.find("desc").get("id")]
    assert {one.tag for one in root.iter()} <= {
        "svg", "title", "desc", "rect", "line", "text", "polygon", "polyline", "circle",
    }  # fmt: skip


def test_columns_stand_on_each_other_in_proportion():
    root = drawn(
        columns(WORDS, ["a", "b"], [Part("f1", [10, 5]), Part("f2", [10, None])], tick=str)
    )
    first, second = bars(root, "f1")
    (upper,) = bars(root, "f2")
    assert float(first["height"]) + 1 == pytest.approx(2 * (float(second["height"]) + 1), abs=0.2)
    assert float(upper["y"]) + float(upper["height"]) + 1 == pytest.approx(
        float(first["y"]), abs=0.2
    )


def test_a_limit_is_drawn_unless_it_is_far_away():
    near = columns(WORDS, ["a"], [Part("f1", [50])], tick=str, mark=100)
    assert near.count('class="tgt"') == 1
    assert 'class="tgt"' not in columns(WORDS, ["a"], [Part("f1", [5])], tick=str, mark=10_000)


def test_a_line_has_a_gap_where_nothing_is_known():
    svg = band(WORDS, list("abcde"), [1, 2, None, 3, None], [2, 3, None, 4, None], tick=str)
    assert svg.count("<polyline") == 1
    assert svg.count("<circle") == 1  # one point is no line


@pytest.mark.parametrize(
    ("top", "low", "want"),
    [(0, 0, [0, 1]), (4, 0, [0, 1, 2, 3, 4]), (68, 0, [0, 20, 40, 60, 80]), (1, 0, [0, 1]),
     (0.8, 0, [0, 0.2, 0.4, 0.6, 0.8]), (130.5, 120.5, [120, 125, 130, 135])],
)  # fmt: skip
def test_scales_end_on_round_numbers(top, low, want):
    assert _ticks(top, low) == want


@pytest.mark.parametrize(
    ("top", "step"), [(0, 1), (58, 15), (130, 30), (240, 60), (7300, 3600 / 2), (400_000, 86_400)]
)
def test_scales_of_time_step_as_clocks_do(top, step):
    marks = _second_ticks(top)
    assert marks[1] - marks[0] == step
    assert marks[-1] >= top
    assert len(marks) <= 7


def test_rows_of_shares_fill_the_width_and_rows_of_one_scale_do_not():
    root = drawn(rows(WORDS, [Line("a", "", [("f2", 3), ("f4", 1)])]))
    widths = [float(bars(root, colour)[0]["width"]) + 2 for colour in ("f2", "f4")]
    assert widths == [pytest.approx(342 * 0.75), pytest.approx(342 * 0.25)]
    assert {"75%", "25%"} <= set(texts(root))
    root = drawn(rows(WORDS, [Line("a", "5", [("f4", 5)])], whole=10))
    assert float(bars(root, "f4")[0]["width"]) + 2 == pytest.approx(171)
    assert "100%" not in texts(root)


def test_a_matrix_says_each_pair_twice_and_no_model_with_itself():
    said = texts(drawn(matrix(WORDS, ["one", "two"], {(0, 1): 0.876})))
    assert said.count("0.88") == 2
    assert said.count("–") == 2


def test_a_long_name_leaves_room_for_what_stands_beside_it():
    (name, *_) = texts(drawn(rows(WORDS, [Line("n" * 200, "412 results", [("f1", 1)])])))
    assert len(name) <= 38
    assert name.endswith("…")


def test_a_spark_needs_two_points():
    assert spark([1]) == ""
    assert spark([None, 1]) == ""
    assert len(re.findall(r"[\d.]+,[\d.]+", spark([1, None, 3]))) == 2


def test_a_quiet_line_lies_in_the_middle_of_a_scale_and_ends_hold():
    assert len(texts(drawn(course(WORDS, ["a", "b"], [0.78, 0.78], tick=str)))) >= 2 + 2
    said = texts(drawn(course(WORDS, ["a"], [0.78], tick="{:g}".format, ends=(0, 1))))
    assert {"0", "1"} <= set(said)
