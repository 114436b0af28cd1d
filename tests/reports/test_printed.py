"""What a report looks like in print: its address as a code, its letters in embedded fonts."""

import io
import unicodedata
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader

from reports.content import Line
from reports.gather import report_content
from reports.letters import reads_leftwards
from reports.pdf import by_script, render_pdf
from reports.qr import qr_png
from tests.imaging.factories import ResultFactory
from tests.reports.test_letters import PICTURES, PLAIN

NAMES = {
    "latin": "Jiří Ærøskøbing ğüşıöç",
    "greek": "Ωμέγα Παπαδόπουλος",
    "cyrillic": "Жанна Ёлкина Їжак",
    "arabic": "محمد الحسيني",
    "chinese": "王小明 欧阳娜娜 陳大文",
}
ADDRESS = "https://scan.example.org/results/7e2c9a10-0000-4000-8000-000000000001/"


def read_code(png: bytes) -> str:
    """What a telephone reads on paper: the picture larger, with white around it."""
    grey = np.array(Image.open(io.BytesIO(png)).convert("L"))
    return cv2.QRCodeDetector().detectAndDecode(np.pad(grey, 32, constant_values=255))[0]


def pdf_with(name: str) -> PdfReader:
    said = replace(PLAIN, patient=[Line("Patient", name)], address=ADDRESS)
    return PdfReader(io.BytesIO(render_pdf(said, PICTURES)))


def test_the_code_is_the_address():
    assert read_code(qr_png(ADDRESS)) == ADDRESS


def test_the_code_stands_on_the_page_beside_the_short_id():
    (page,) = pdf_with("A. B.").pages
    codes = [read_code(one.data) for one in page.images if one.image.width > 100]
    assert ADDRESS in codes
    assert "Result r" in page.extract_text()


@pytest.mark.django_db
def test_the_address_is_the_results_page_and_names_nobody(settings, client):
    settings.PUBLIC_BASE_URL = "https://scan.example.org/"
    result = ResultFactory()
    said = report_content(result, made_at=result.created_at)
    assert said.address == f"https://scan.example.org/results/{result.pk}/"
    assert said.short_id == str(result.pk)[:8]
    answer = client.get(said.address.removeprefix("https://scan.example.org"))
    assert answer.status_code == 302
    assert "login" in answer.url


@pytest.mark.parametrize("script", NAMES)
def test_a_name_is_read_back_and_every_font_is_embedded(script):
    reader = pdf_with(NAMES[script])
    (page,) = reader.pages
    text = unicodedata.normalize("NFKC", page.extract_text())
    for word in NAMES[script].split():
        assert word in text
    for font in page["/Resources"]["/Font"].values():
        about = font.get_object()["/FontDescriptor"].get_object()
        assert "/FontFile2" in about, font.get_object()["/BaseFont"]


def test_arabic_letters_are_joined():
    (page,) = pdf_with(NAMES["arabic"]).pages
    joined = ("MEEM INITIAL", "HAH MEDIAL", "MEEM MEDIAL", "DAL FINAL")
    word = "".join(unicodedata.lookup(f"ARABIC LETTER {one} FORM") for one in joined)
    assert word in page.extract_text()


def test_what_begins_in_arabic_is_set_from_the_right_with_its_numbers():
    assert reads_leftwards("7 محمد")
    assert not reads_leftwards("Dr محمد")
    assert not reads_leftwards("12345")
    assert by_script("محمد 7").startswith("\N{RIGHT-TO-LEFT ISOLATE}")
    assert "\N{RIGHT-TO-LEFT ISOLATE}" not in by_script("Dr محمد")


@pytest.mark.parametrize(
    ("name", "face"),
    [
        ("محمد الحسيني", "NotoSansArabic-Bold"),
        ("王小明 欧阳娜娜", "MediScanCJK-Bold"),
        ("陳大文", "MediScanCJK-Bold"),
        ("山田 カタカナ", "MediScanCJK-Bold"),
        ("김철수", "MediScanCJK-Bold"),
        ("王龘", "DroidSansFallback"),  # half a name is not bold
    ],
)
def test_a_bold_name_has_a_bold_face_of_its_script_or_a_plain_one_whole(name, face):
    (page,) = pdf_with(name).pages
    fonts = page["/Resources"]["/Font"].values()
    used = {font.get_object()["/BaseFont"].partition("+")[2] for font in fonts}
    assert face in used
    if face == "DroidSansFallback":
        assert "MediScanCJK-Bold" not in used
