"""What a worker stored in English is read in German, with its own names and numbers."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import translation

from imaging.formats.sniffing import screen
from imaging.inference import devices
from imaging.measures.severity import FOREGROUND, ORGAN, WHOLE_IMAGE, Rule, assess
from imaging.sayings import _patterns, pattern_of, rows_said, said
from imaging.sayings_files import FILES
from imaging.sayings_results import RESULTS
from imaging.types import Refused
from tests.accounts.factories import UserFactory
from tests.imaging.factories import ImageFactory, JobFactory, ResultFactory

ROOT = Path(__file__).resolve().parents[2]
ALL = (*RESULTS, *FILES)
HOLE = re.compile(r"%\((\w+)\)s")
SPEAKERS = [  # whose sentences are stored for the readers of results and the senders of files
    *sorted(ROOT.glob("imaging/formats/**/*.py")),
    *sorted(ROOT.glob("imaging/measures/*.py")),
    *(ROOT / name for name in (
        "imaging/engine/errors.py", "imaging/engine/mask_op.py", "imaging/inference/gate.py",
        "imaging/inference/devices.py", "imaging/inference/preprocess.py",
        "imaging/services/archives.py", "imaging/services/batches.py",
        "imaging/services/filing.py", "imaging/services/ingest.py", "imaging/services/jobs.py",
        "imaging/services/joining.py", "imaging/services/painting.py",
        "imaging/services/parcels.py", "imaging/services/rejoining.py",
        "imaging/services/screening.py", "imaging/services/uploads.py", "imaging/tasks.py",
        "imaging/dicom_out/sources.py", "reports/making.py", "reports/tasks.py",
        "reports/dicom.py", "reports/letterhead/life.py", "reports/cohort_files.py",
        "imaging/confidential/files.py", "imaging/confidential/rewriting.py",
    )),
]  # fmt: skip
NOT_STORED = {"ValueError", "TypeError", "RuntimeError", "info", "warning", "error", "exception",
              "debug", "_", "gettext"}  # fmt: skip
WITHIN_OTHERS = {  # a frame of which only the parts are sentences; said whole in other tests
    "7 is 77. 7", "High, because 7.", "7: 7, and 7.", "7 by area alone: 7.",
    "7 is missing between 7 and 7 and left empty.", "Not analysed: 7",
    "7 7 missing between 7 and 7 and left empty.",
    "This file is 7. MediScan analyses 7; send one of those.",
    "“7” is 7; the image is 7. Save the mask on the image's own grid, without scaling or cropping"
    " it.", ". ",
}  # fmt: skip


@pytest.fixture(autouse=True)
def german():
    with translation.override("de"):
        yield


def sample(template: str) -> str:
    return HOLE.sub(lambda hole: f"Q{hole[1]}", template).replace("%%", "%")


@pytest.mark.parametrize("template", ALL)
def test_each_sentence_is_recognised_and_said_in_german(template):
    text = sample(template)
    first = next(one for one, pattern in _patterns() if pattern.fullmatch(text))
    assert first == template
    words = said(text)
    assert "%(" not in words
    assert "%%" not in words
    for name in HOLE.findall(template):
        assert f"Q{name}" in words
    if template not in ("text", "organ"):
        assert words != text


def test_nothing_is_changed_for_whoever_reads_english():
    with translation.override("en"):
        for template in ALL:
            assert said(sample(template)) == sample(template)
        rows = [{"denominator": "whole image"}]
        assert rows_said(rows) is rows


@pytest.mark.parametrize("basis", [ORGAN, FOREGROUND, WHOLE_IMAGE])
@pytest.mark.parametrize("circularity", [None, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("area", [None, 1, 400, 9000])
def test_every_reason_of_a_severity_is_german_whole(basis, circularity, area):
    reason = assess(
        Rule.default(basis), lesion_px=9, area_hundredths=area, circularity=circularity
    ).reason
    words = said(reason)
    assert words != reason
    for english in (" the ", "above", "below", "because", "area", "circularity", "whole"):
        assert english not in f" {words} "
    assert not re.search(r"\d\.\d", words), "numbers are written as Germans write them"
    numbers = re.findall(r"\d+\.\d+", reason)
    assert [one.replace(".", ",") for one in numbers] == re.findall(r"\d+,\d+", words)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("scan.png", b"hello, I am text", "„scan.png“ ist Text, nicht ein PNG-Bild."),
        ("scan.gif", b"GIF89a" + bytes(99), "ist ein GIF-Bild, was nicht unterstützt wird."),
        ("empty.dcm", b"", "ist leer (0 Bytes)."),
        ("scan.jpg", b"\x89PNG\r\n\x1a\n" + bytes(99), "auf „.png“ endet"),
    ],
)
def test_a_refusal_names_the_file_and_the_remedy_in_german(name, data, words):
    with pytest.raises(Refused) as refused:
        screen(data, name, len(data))
    text = said(refused.value.sentence).replace("“" + name + "”", f"„{name}“")
    assert words in text
    assert not re.search(r"\b(is|the|Send|Export|Save)\b", text)


def test_a_fallback_and_several_sentences_in_one_are_said_piece_by_piece(monkeypatch):
    monkeypatch.setattr(devices, "cuda_count", lambda: 0)
    fallback = devices.resolve("cuda").fallback
    assert said(fallback) == "CUDA gibt es auf diesem Rechner nicht; lief auf der CPU."
    both = "Slices are missing. The places of the slices are not known."
    assert said(both) == "Schichten fehlen. Die Lage der Schichten ist nicht bekannt."


def test_what_no_table_knows_stays_as_it_is():
    for text in ("Müller's own words.", "organ.png", "", "C:\\scan (1).dcm"):
        assert said(text) == text


def test_a_name_that_looks_like_a_word_of_ours_stays_in_its_quotes():
    assert "“text”" in said("“text” is empty (0 bytes). Send the file again.")


def test_what_workers_store_stands_in_the_table():
    unknown = {
        f"{path.relative_to(ROOT)}: {text}"
        for path in SPEAKERS
        for text in sentences(path)
        if text not in WITHIN_OTHERS
        and not any(pattern.fullmatch(text) for _template, pattern in _patterns())
    }
    assert unknown == set()


def test_the_search_for_sentences_sees_one_that_is_new(tmp_path):
    file = tmp_path / "new.py"
    file.write_text('"""Doc."""\ndef f(n):\n    return f"Something {n} is quite new."\n')
    assert list(sentences(file)) == ["Something 7 is quite new."]
    assert pattern_of("Some %(a)s of %(b)s.").fullmatch("Some 1 of 2.").groupdict() == {
        "a": "1", "b": "2",
    }  # fmt: skip


@pytest.mark.django_db
def test_a_german_page_says_why_in_german(client):
    user = UserFactory(language="de")
    client.force_login(user)
    result = ResultFactory(
        user=user, severity_reason="High, because the area, 26.04 % of the whole image, is above"
        " 7.50 %.",
    )  # fmt: skip
    JobFactory(user=user, image=ImageFactory(user=user, study=result.image.study), failed=True,
               error="The analysis took too long and was stopped.")  # fmt: skip
    page = client.get(result.image.study.get_absolute_url()).content.decode()
    assert "26,04 % vom Gesamtbild" in page or "26,04 % des ganzen Bildes" in page
    page = client.get(reverse("imaging:study-list")).content.decode()
    assert "26,04 % des ganzen Bildes" in page


def sentences(path: Path):
    """Yield what looks like a stored sentence in a module, each of its names filled by 7."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef)
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, holders) and node.body]
    docs = {id(body[0].value) for body in bodies if isinstance(body[0], ast.Expr)}

    def walk(node):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
            if name in NOT_STORED:
                return
        text = filled(node)
        if text is not None:
            if id(node) not in docs and " " in text and text.rstrip().endswith("."):
                yield HOLE.sub("7", text.replace("%(n)d", "7"))
            return
        for child in ast.iter_child_nodes(node):
            yield from walk(child)

    yield from walk(tree)


def filled(node) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(one.value if isinstance(one, ast.Constant) else "7" for one in node.values)
    return None
