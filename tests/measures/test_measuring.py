import json

import numpy as np
import pytest
from scipy import ndimage

from imaging.measures.circularity import circularity
from imaging.measures.measuring import measure
from imaging.measures.region import region_of
from imaging.measures.severity import Rule
from imaging.measures.threshold import GRID, threshold_level
from imaging.types import Volume
from tests.measures.factories import box_mask, calibrated, ellipsoid, hills, map_of, picture

NULLABLE = (
    "area_hundredths", "area_percent", "area_mm2", "volume_ml", "average_intensity", "mean", "sd",
    "p10", "p50", "p90", "ratio", "z", "circularity", "sphericity",
)  # fmt: skip


def two_boxes():
    """A box of 200 px at 255 and one of 100 px at 100, with a speck of 4 px at 255."""
    q = np.zeros((1, 100, 100), np.uint8)
    q[0, 10:30, 10:20] = 255
    q[0, 60:70, 60:70] = 100
    q[0, 90:92, 90:92] = 255
    return q


def scene(dtype=np.uint8, **more):
    array = np.full((1, 100, 100), 50, dtype)
    array[0, 10:30, 10:20] = 200
    array[0, 40:45, 40:45] = 60  # so that the background has a spread
    return Volume(**{"array": array, "raster": dtype == np.uint8, **more})


def test_a_picture_worked_by_hand():
    found = measure(two_boxes(), scene(), None, 0.5)
    row = found["operating"]
    assert (row["t"], row["level"], row["raw_px"]) == (0.5, 128, 204)
    assert (row["area_px"], row["reference_px"], row["area_hundredths"]) == (200, 10_000, 200)
    assert (row["area_percent"], row["area_text"], row["denominator"]) == (
        2.0, "2.00 %", "whole image",
    )  # fmt: skip
    assert (row["lesions"], row["largest_px"], row["specks"], row["specks_px"]) == (1, 200, 1, 4)
    assert (row["average_intensity"], row["mean"], row["sd"]) == (200, 200, 0)
    assert row["ratio"] == pytest.approx(200 / 50, abs=0.01)
    assert row["circularity"] == pytest.approx(circularity(np.ones((20, 10), dtype=bool)), abs=1e-6)
    assert row["severity"] == "moderate"
    assert "2.00 % of the whole image" in row["severity_reason"]
    assert set(row["reasons"]) == {"area_mm2", "volume_ml", "sphericity"}
    assert found["intensity_range"] == [0, 255]
    assert [lesion["label"] for lesion in found["lesions"]] == ["L1"]


def test_the_table_follows_the_map():
    table = {row["t"]: row for row in measure(two_boxes(), scene(), None, 0.5)["table"]}
    assert [table[t]["lesions"] for t in (0.05, 0.35, 0.4, 0.95)] == [2, 2, 1, 1]
    assert [table[t]["area_px"] for t in (0.05, 0.35, 0.4, 0.95)] == [300, 300, 200, 200]
    assert [table[t]["raw_px"] for t in (0.35, 0.4)] == [304, 204]


def test_the_table_has_nineteen_rows_and_the_operating_one():
    q = hills(0)
    assert [row["t"] for row in measure(q, noise(q), None, 0.5)["table"]] == list(GRID)
    odd = measure(q, noise(q), None, 0.47)
    assert [row["t"] for row in odd["table"]] == sorted([*GRID, 0.47])
    assert odd["operating"] == next(row for row in odd["table"] if row["t"] == 0.47)


def noise(q, dtype=np.uint8, **more):
    array = np.random.default_rng(9).integers(0, 250, q.shape).astype(dtype)
    return Volume(**{"array": array, "raster": dtype == np.uint8, **more})


def naive_row(q, volume, t, min_px, region):
    """The row again, from the whole frame and with numpy's own functions."""
    level = threshold_level(t)
    labels, n = ndimage.label(q >= level, structure=np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=n + 1)
    listed = [k for k in range(1, n + 1) if sizes[k] >= min_px]
    mask = np.isin(labels, listed)
    x = volume.array.astype(float) * volume.slope + volume.intercept
    row = {
        "raw_px": int((q >= level).sum()),
        "area_px": int((mask & region).sum()),
        "lesions": len(listed),
        "largest_px": max((int(sizes[k]) for k in listed), default=0),
        "specks": n - len(listed),
        "specks_px": int((q >= level).sum() - mask.sum()),
    }
    if listed:
        inside, (lo, hi) = x[mask], np.percentile(x, (0.5, 99.5))
        if volume.raster:
            lo, hi = 0, 255
        near = np.hypot(*np.mgrid[-5:6, -5:6]) <= 5
        behind = x[~ndimage.binary_dilation(mask[0], near)[None] & region]
        round_ = [(sizes[k], circularity((labels == k)[0])) for k in listed]
        round_ = [(a, c) for a, c in round_ if c is not None]
        row |= {
            "mean": inside.mean(),
            "sd": inside.std(),
            "p10": np.percentile(inside, 10),
            "p50": np.percentile(inside, 50),
            "p90": np.percentile(inside, 90),
            "average_intensity": (255 * np.clip((inside - lo) / (hi - lo), 0, 1)).mean(),
            "ratio": inside.mean() / behind.mean() if behind.size >= 100 else None,
            "z": (inside.mean() - behind.mean()) / behind.std() if behind.size >= 100 else None,
            "circularity": sum(a * c for a, c in round_) / sum(a for a, _ in round_)
            if round_
            else None,
        }
    return row


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
@pytest.mark.parametrize(("seed", "smooth", "min_px"), [(1, 4.0, None), (2, 2.0, 5), (3, 1.2, 30)])
@pytest.mark.parametrize("organ", [False, True])
def test_every_row_is_what_the_whole_frame_would_give(dtype, seed, smooth, min_px, organ):
    q = hills(seed, smooth=smooth)
    volume = noise(q, dtype, slope=1.0 if dtype == np.uint8 else 2.5)
    region = box_mask(q.shape, (0, 3, 3), (1, 55, 66)) if organ else np.ones(q.shape, dtype=bool)
    found = measure(q, volume, None, 0.55, min_px, region if organ else None)
    for row in found["table"]:
        for name, expected in naive_row(q, volume, row["t"], min_px or 12, region).items():
            if expected is None:
                assert row[name] is None
            else:
                assert row[name] == pytest.approx(expected, rel=1e-5, abs=1e-5), (row["t"], name)


@pytest.mark.parametrize(
    ("q", "volume"),
    [
        (hills(4), noise(hills(4))),
        (hills(4, (10, 30, 32)), noise(hills(4, (10, 30, 32)), np.int16)),
        (hills(5, (10, 30, 32)), calibrated(noise(hills(5, (10, 30, 32)), np.int16).array,
                                             (2.0, 0.8, 0.8), modality="CT", unit="HU")),
        (np.zeros((1, 30, 30), np.uint8), picture((30, 30))),
        (np.full((1, 30, 30), 255, np.uint8), picture((30, 30), modality="DX")),
    ],
    ids=["picture", "volume", "ct", "empty", "full"],
)  # fmt: skip
def test_every_null_has_its_reason_and_all_of_it_is_json(q, volume):
    found = measure(q, volume, None, 0.5)
    json.dumps(found, allow_nan=False)
    for row in found["table"]:
        nulls = {name for name in NULLABLE if row[name] is None}
        assert nulls == set(row["reasons"])
        assert all(reason.endswith(".") for reason in row["reasons"].values())
        assert len(row["severity_reason"]) < 300
    for lesion in found["lesions"]:
        assert {name for name, value in lesion.items() if value is None} == set(lesion["reasons"])


def test_no_lesion_is_no_finding():
    row = measure(np.zeros((1, 30, 30), np.uint8), picture((30, 30)), None, 0.5)["operating"]
    assert (row["area_px"], row["area_percent"], row["area_text"]) == (0, 0, "0.00 %")
    assert (row["severity"], row["mean"], row["circularity"]) == ("no finding", None, None)
    assert row["reasons"]["mean"] == "There is no lesion at this threshold."


def test_specks_alone_are_no_finding():
    q = map_of(box_mask((100, 100), (5, 5), (8, 8)))
    row = measure(q, picture((100, 100)), None, 0.5)["operating"]
    assert (row["severity"], row["specks"], row["specks_px"]) == ("no finding", 1, 9)


def test_all_of_it_outside_the_organ_is_not_assessed():
    organ = box_mask((1, 100, 100), (0, 50, 50), (1, 90, 90))
    row = measure(two_boxes(), scene(), None, 0.5, reference=organ)["operating"]
    assert (row["area_px"], row["area_hundredths"], row["area_text"]) == (0, None, "—")
    assert (row["severity"], row["outside_px"]) == ("not assessed", 200)
    assert row["mean"] == 200  # the lesion's own numbers stay


@pytest.mark.parametrize(
    ("rows", "warning"), [(18, ""), (17, "15 % of the finding lies outside the organ.")]
)
def test_more_than_a_tenth_outside_is_warned_of(rows, warning):
    organ = box_mask((1, 100, 100), (0, 0, 0), (1, 10 + rows, 100))
    row = measure(two_boxes(), scene(), None, 0.5, reference=organ)["operating"]
    assert row["warning"] == warning
    assert row["area_px"] == 10 * rows


def test_a_trace_is_not_printed_as_nothing():
    q = map_of(box_mask((1000, 1000), (5, 5), (9, 9)))
    row = measure(q, picture((1000, 1000)), None, 0.5, min_size=12)["operating"]
    assert (row["area_hundredths"], row["area_text"], row["severity"]) == (0, "<0.01 %", "low")


def test_the_default_rule_is_that_of_the_denominator():
    q = two_boxes()
    assert measure(q, scene(), None, 0.5)["severity_rule"]["area"] == [1.5, 7.5]
    organ = np.ones(q.shape, dtype=bool)
    rule = measure(q, scene(), None, 0.5, reference=organ)["severity_rule"]
    assert (rule["area"], rule["denominator"], rule["version"]) == ([5, 25], "organ", 1)


@pytest.mark.parametrize("as_json", [False, True])
def test_a_rule_of_ones_own_decides(as_json):
    rule = Rule(basis="whole image", area=(3, 9), circularity=(0.1, 0.2))
    found = measure(two_boxes(), scene(), rule.to_json() if as_json else rule, 0.5)
    assert found["operating"]["severity"] == "low"
    assert found["severity_rule"]["area"] == [3, 9]
    assert found["severity_rule"]["note"] == ""


def test_cuts_made_for_another_denominator_are_not_used_and_it_says_so():
    rule = measure(two_boxes(), scene(), Rule.default("organ"), 0.5)["severity_rule"]
    assert (rule["basis"], rule["area"]) == ("whole image", [1.5, 7.5])
    assert "cuts are for the organ" in rule["note"]


def test_a_region_found_before_is_used_again():
    volume = scene(modality="DX")
    q = two_boxes()
    again = measure(q, volume, None, 0.5, reference=region_of(volume))
    assert again["operating"] == measure(q, volume, None, 0.5)["operating"]


def test_a_calibrated_picture_has_square_millimetres():
    row = measure(two_boxes(), calibrated(scene().array, (1.0, 0.5, 0.2)), None, 0.5)["operating"]
    assert row["area_mm2"] == pytest.approx(20)


def test_the_detector_plane_gives_pixels_and_says_why():
    volume = scene(spacing_mm=(1, 0.1, 0.1), spacing_kind="detector")
    row = measure(two_boxes(), volume, None, 0.5)["operating"]
    assert row["area_mm2"] is None
    assert "detector plane" in row["reasons"]["area_mm2"]


def test_a_ball_in_a_volume():
    mask = ellipsoid((24, 60, 60), (24.3, 30.3, 29.6), (16, 16, 16), (2.0, 1.0, 1.0))
    array = np.where(mask, 40, -700).astype(np.int16)
    volume = calibrated(array, (2.0, 1.0, 1.0), modality="CT", unit="HU")
    found = measure(map_of(mask), volume, None, 0.5)
    row = found["operating"]
    assert row["volume_ml"] == pytest.approx(4 / 3 * np.pi * 16**3 / 1000, rel=0.02)
    assert row["sphericity"] == pytest.approx(1, abs=0.02)
    assert row["circularity"] == pytest.approx(1, abs=0.03)
    assert (row["mean"], row["unit"]) == (40, "HU")
    assert row["average_intensity"] == pytest.approx(255 * 1040 / 2000)
    assert found["intensity_range"] == [-1000, 1000]
    assert found["lesions"][0]["volume_ml"] == row["volume_ml"]


def test_lesions_add_up_to_the_row():
    q = hills(7, smooth=2.5)
    found = measure(q, noise(q), None, 0.6)
    row, lesions = found["operating"], found["lesions"]
    assert len(lesions) == row["lesions"] > 2
    assert sum(lesion["px"] for lesion in lesions) == row["area_px"]
    assert [lesion["px"] for lesion in lesions] == sorted(
        (lesion["px"] for lesion in lesions), reverse=True
    )
    known = [(lesion["px"], lesion["circularity"]) for lesion in lesions]
    total = sum(px * c for px, c in known) / sum(px for px, _ in known)
    assert row["circularity"] == pytest.approx(total, abs=1e-5)
    mean = sum(lesion["px"] * lesion["mean"] for lesion in lesions) / row["area_px"]
    assert row["mean"] == pytest.approx(mean, abs=1e-4)


def test_ranges_come_from_the_neighbouring_thresholds():
    found = measure(two_boxes(), scene(), None, 0.42)
    of = found["operating"]["reference_px"]
    assert found["ranges"]["thresholds"] == [
        {"t": 0.32, "area_px": 300, "area_text": f"{30_000 / of:.2f} %"},
        {"t": 0.52, "area_px": 200, "area_text": f"{20_000 / of:.2f} %"},
    ]
    assert found["ranges"]["eroded_px"] == 18 * 8
    assert found["ranges"]["dilated_px"] == 200 + 2 * 20 + 2 * 10


def test_area_falls_as_the_threshold_rises():
    q = hills(8)
    areas = [row["area_px"] for row in measure(q, noise(q), None, 0.5)["table"]]
    assert areas == sorted(areas, reverse=True)


def test_a_mirrored_picture_has_the_same_numbers():
    q = hills(9)
    volume = noise(q, np.int16)
    mirrored = Volume(volume.array[:, ::-1, ::-1])
    one, other = (
        measure(m, v, None, 0.5)["table"] for m, v in ((q, volume), (q[:, ::-1, ::-1], mirrored))
    )
    for row, twin in zip(one, other, strict=True):
        assert row.keys() == twin.keys()
        for name in NULLABLE:
            assert row[name] == pytest.approx(twin[name], abs=1e-5), name


def test_the_order_of_bytes_in_memory_changes_nothing():
    q = hills(3, (12, 30, 32))
    array = noise(q, np.int16).array
    array[:, :4] = -500
    volumes = (calibrated(a, padding=-500) for a in (array, np.asfortranarray(array)))
    one, other = (
        measure(m, v, None, 0.5) for m, v in zip((q, np.asfortranarray(q)), volumes, strict=True)
    )
    assert one["table"] == other["table"]


@pytest.mark.parametrize(
    ("q", "said"),
    [
        (np.zeros((1, 9, 9), np.uint8), "different grids"),
        (np.zeros((30, 30), np.uint8), "different grids"),
        (np.zeros((1, 30, 30), np.float32), "uint8"),
    ],
)
def test_maps_that_are_refused(q, said):
    with pytest.raises(ValueError, match=said):
        measure(q, picture((30, 30)), None, 0.5)


@pytest.mark.parametrize(
    "wrong",
    [{"threshold": 0}, {"min_size": -1}, {"rule": {"version": 9}}, {"reference": np.ones(3)}],
)
def test_settings_that_are_refused(wrong):
    asked = {"rule": None, "threshold": 0.5, **wrong}
    with pytest.raises(ValueError, match=r"\w"):
        measure(np.zeros((1, 30, 30), np.uint8), picture((30, 30)), **asked)
