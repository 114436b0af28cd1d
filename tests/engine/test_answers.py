"""An answer is believed only when it fits what was asked."""

import copy
import math
import os

import pytest

from imaging.engine.answers import BadAnswer, check_answer, check_progress

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100


@pytest.fixture
def decoded(tmp_path):
    (tmp_path / "pixels.raw").write_bytes(bytes(2 * 3 * 4 * 2))
    (tmp_path / "thumb.png").write_bytes(PNG)
    image = {
        "format": "png", "pixels": "pixels.raw", "dtype": "uint16", "shape": [2, 3, 4],
        "thumbnail": "thumb.png", "volume": {}, "header": {}, "warnings": ["odd"],
    }  # fmt: skip
    return {"image": image}, {"out_dir": str(tmp_path)}


@pytest.fixture
def analysed(tmp_path):
    for name in ("ensemble.u8", "disagreement.u8", "member-0.u8", "label-0.u8"):
        (tmp_path / name).write_bytes(bytes(12))
    analysis = {
        "type": "segmentation",
        "gate": {"verdict": "pass", "checks": [], "overridden": False},
        "classes": [], "boxes": [],
        "shape": [1, 3, 4],
        "maps": {
            "ensemble": "ensemble.u8", "disagreement": "disagreement.u8", "augmentation": None,
            "members": {"a": "member-0.u8"}, "labels": {"lung": "label-0.u8"}, "saliency": {},
        },
        "measures": {"operating": {}, "table": [], "lesions": []},
        "members": [{"model": "a"}],
    }  # fmt: skip
    args = {"out_dir": str(tmp_path), "shape": [1, 3, 4], "spec": {}}
    args["spec"] = {"type": "segmentation", "members": [{"model": "a"}]}
    return {"analysis": analysis}, args


def test_honest_answers_pass(decoded, analysed):
    assert check_answer("decode", *decoded) is decoded[0]
    assert check_answer("analyse", *analysed) is analysed[0]
    analysed[0]["analysis"]["maps"]["disagreement"] = None
    check_answer("analyse", *analysed)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pixels", "../pixels.raw"),
        ("pixels", "/etc/passwd"),
        ("pixels", ".hidden"),
        ("pixels", "missing.raw"),
        ("pixels", ["pixels.raw"]),
        ("pixels", "thumb.png"),
        ("dtype", "float64"),
        ("dtype", "object"),
        ("dtype", ["uint8"]),
        ("shape", [2, 3, 5]),
        ("shape", [2, 3]),
        ("shape", [2, 3, True]),
        ("shape", [2, -3, -4]),
        ("shape", [2, 3.0, 4]),
        ("shape", None),
        ("thumbnail", "pixels.raw"),
        ("format", 7),
        ("header", []),
        ("warnings", [1]),
    ],
)
def test_a_decoded_image_that_does_not_fit_is_not_believed(decoded, key, value):
    answer, args = copy.deepcopy(decoded)
    answer["image"][key] = value
    with pytest.raises(BadAnswer):
        check_answer("decode", answer, args)


def test_a_link_in_place_of_pixels_is_not_followed(decoded, tmp_path):
    (tmp_path / "secret").write_bytes(bytes(48))
    (tmp_path / "pixels.raw").unlink()
    os.symlink(tmp_path / "secret", tmp_path / "pixels.raw")
    with pytest.raises(BadAnswer):
        check_answer("decode", *decoded)


def test_a_thumbnail_too_large_is_not_believed(decoded, tmp_path):
    (tmp_path / "thumb.png").write_bytes(PNG + bytes(12 * 1024))
    with pytest.raises(BadAnswer):
        check_answer("decode", *decoded)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("shape",), [1, 4, 3]),
        (("maps", "ensemble"), None),
        (("maps", "ensemble"), "../ensemble.u8"),
        (("maps", "members"), {"a": "gone.u8"}),
        (("maps", "labels"), []),
        (("measures",), None),
        (("measures", "table"), {}),
        (("members",), [{"model": "b"}]),
        (("members",), []),
        (("maps", "disagreement"), "../x"),
    ],
)
def test_an_analysis_that_does_not_fit_is_not_believed(analysed, path, value):
    answer, args = copy.deepcopy(analysed)
    inner = answer["analysis"]
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(BadAnswer):
        check_answer("analyse", answer, args)


def test_a_map_of_the_wrong_size_is_not_believed(analysed, tmp_path):
    (tmp_path / "member-0.u8").write_bytes(bytes(11))
    with pytest.raises(BadAnswer):
        check_answer("analyse", *analysed)


def test_no_object_is_no_answer():
    with pytest.raises(BadAnswer):
        check_answer("anything", [1], {})
    assert check_answer("anything", {"x": math.pi}, {}) == {"x": math.pi}


def test_progress_is_words_and_counts():
    assert check_progress({"stage": "member", "done": 1, "total": 3}) == ("member", 1, 3)
    with pytest.raises(BadAnswer):
        check_progress({"stage": "member", "done": 1.5, "total": 3})
