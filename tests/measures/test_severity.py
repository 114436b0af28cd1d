import subprocess
import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.measures.severity import Rule, assess, hundredths

ORGAN = Rule.default("organ")

TRUTH_TABLE = [  # MEASURES §9: area %, circularity, word
    (4.99, 0.76, "low"),
    (4.99, 0.75, "moderate"),
    (4.994, 0.80, "low"),
    (4.995, 0.80, "moderate"),
    (5.00, 1.00, "moderate"),
    (3.00, 0.45, "moderate"),
    (3.00, None, "low"),
    (3.00, 0.44, "high"),
    (25.00, 0.76, "moderate"),
    (25.004, 0.90, "moderate"),
    (25.01, 0.99, "high"),
    (30.00, None, "high"),
    (10.00, None, "moderate"),
]


def word(area, circularity, rule=ORGAN, **more):
    return assess(
        rule, lesion_px=100, area_hundredths=hundredths(area), circularity=circularity, **more
    ).word


@pytest.mark.parametrize(("area", "circularity", "expected"), TRUTH_TABLE)
def test_truth_table(area, circularity, expected):
    assert word(area, circularity) == expected


def test_no_pixel_is_no_finding():
    found = assess(ORGAN, lesion_px=0, area_hundredths=0, circularity=None)
    assert found == ("no finding", "No lesion was found at this threshold.")


def test_all_outside_the_denominator_is_not_assessed_and_says_so():
    found = assess(ORGAN, lesion_px=9, area_hundredths=None, circularity=0.9)
    assert found == ("not assessed", "All of the finding lies outside the organ.")


def test_a_refusal_comes_before_everything():
    found = assess(
        ORGAN, lesion_px=0, area_hundredths=0, circularity=None, not_assessed="Refused by the gate."
    )
    assert found == ("not assessed", "Refused by the gate.")


@pytest.mark.parametrize(
    ("area", "circularity", "sentence"),
    [
        (27.31, 0.5, "High, because the area, 27.31 % of the organ, is above 25.00 %."),
        (3, 0.2, "High, because circularity 0.20 is below 0.45."),
        (30, 0.2, "High, because the area, 30.00 % of the organ, is above 25.00 % and circularity "
                  "0.20 is below 0.45."),
        (3, None, "Low by area alone: the area, 3.00 % of the organ, is below 5.00 %."),
        (3, 0.8, "Low: the area, 3.00 % of the organ, is below 5.00 %, and circularity 0.80 is "
                 "above 0.75."),
        (5, 0.6, "Moderate: the area, 5.00 % of the organ, is from 5.00 to 25.00 %, and "
                 "circularity 0.60 is from 0.45 to 0.75."),
    ],
)  # fmt: skip
def test_the_reason_names_what_decided(area, circularity, sentence):
    found = assess(ORGAN, lesion_px=9, area_hundredths=hundredths(area), circularity=circularity)
    assert found.reason == sentence


@pytest.mark.parametrize(
    ("basis", "area"),
    [("organ", (5, 25)), ("foreground", (2.5, 12.5)), ("whole image", (1.5, 7.5))],
)
def test_default_cuts_by_denominator(basis, area):
    rule = Rule.default(basis)
    assert (rule.basis, rule.area, rule.circularity) == (basis, area, (0.45, 0.75))


areas = st.integers(min_value=0, max_value=10_000)
shapes = st.none() | st.floats(min_value=0, max_value=1)


@given(areas, shapes)
def test_every_pair_gives_the_one_word_that_the_requirement_allows(area, shape):
    found = assess(ORGAN, lesion_px=1, area_hundredths=area, circularity=shape).word
    printed = None if shape is None else hundredths(shape)
    small, large = area < 500, area > 2500
    round_, ragged = printed is None or printed > 75, printed is not None and printed < 45
    allowed = {
        "high": large or ragged,
        "low": small and round_ and not ragged,
        "moderate": not (large or ragged) and not (small and round_),
    }
    assert [name for name, holds in allowed.items() if holds] == [found]


@given(areas, areas, st.floats(min_value=0, max_value=1))
def test_more_area_is_never_milder(one, other, shape):
    order = ["low", "moderate", "high"]
    small, large = sorted((one, other))
    words = [
        assess(ORGAN, lesion_px=1, area_hundredths=area, circularity=shape).word
        for area in (small, large)
    ]
    assert order.index(words[0]) <= order.index(words[1])


@pytest.mark.parametrize(
    ("value", "expected"), [(4.994, 499), (4.995, 500), (0.285, 29), (0.745, 75), (0, 0), (1, 100)]
)
def test_rounding_is_half_up_of_the_printed_number(value, expected):
    assert hundredths(value) == expected


@given(st.decimals(min_value=0, max_value=100, places=3))
def test_rounding_agrees_with_decimal_arithmetic(value):
    assert hundredths(float(value)) == int(Decimal(str(value)) * 100 + Decimal("0.5"))


def test_json_round_trip():
    rule = Rule(basis="organ", area=(4, 20), circularity=(0.3, 0.6))
    assert Rule.from_json(rule.to_json()) == rule


def test_a_rule_in_json_may_leave_its_cuts_to_the_defaults():
    assert Rule.from_json({"basis": "organ"}) == ORGAN


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"rule": "other", "version": 1}, "no severity rule"),
        ({"rule": "area-circularity", "version": 2}, "no severity rule"),
        ({"basis": "lung"}, "not by “lung”"),
        ({"area": [5]}, "two cuts"),
        ({"area": [25, 5]}, "must rise"),
        ({"area": [5, 5]}, "must rise"),
        ({"area": [-1, 5]}, "must rise"),
        ({"area": [5, 101]}, "must rise"),
        ({"circularity": [0.5, 1.01]}, "must rise"),
        ({"circularity": [float("nan"), 0.5]}, "must rise"),
        ({"cuts": [1, 2]}, "does not know cuts"),
    ],
)
def test_rules_that_are_refused(data, said):
    with pytest.raises(ValueError, match=said):
        Rule.from_json(data)


@pytest.mark.parametrize("module", ["severity", "threshold", "size", "numbers"])
def test_the_web_process_may_import_it_without_numpy(module):
    code = (
        f"import sys, imaging.measures.{module}; "
        "sys.exit(any(name in sys.modules for name in ('numpy', 'scipy', 'cv2', 'skimage')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
