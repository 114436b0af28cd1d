"""What a strict policy and a small page ask of every template, style sheet and script of ours."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from django.template import Context, Template
from django.template.loader import get_template

from mediscan.templatetags.icons import LINES, SHAPES

ROOT = Path(__file__).resolve().parents[2]
PDF_ONLY = ROOT / "templates/reports/report.html"  # read by xhtml2pdf, never by a browser
TEMPLATES = sorted(set((ROOT / "templates").rglob("*.html")) - {PDF_ONLY})
STYLES = sorted((ROOT / "static/css").glob("*.css"))
SCRIPTS = sorted((ROOT / "static/js").glob("*.js"))
SHELL = ("tokens", "base", "components", "viewer")

FORBIDDEN = {
    "an inline style": r"<[^>]*\sstyle\s*=",
    "an event attribute": r"<[^>]*\son[a-z]+\s*=",
    "hx-on": r"hx-on",
    "a javascript: address": r"javascript:",
    "a style element": r"<style",
    "an inline script": r"<script(?![^>]*(\bsrc=|application/json))",
    "a trigger filter, which is eval": r"hx-trigger=\"[^\"]*\[",
    "a js: value, which is eval": r"hx-(vals|headers)=[\"']js:",
    "a resource from elsewhere": r"(src|href)=\"(https?:)?//",
}


def named(paths):
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in paths]


@pytest.mark.parametrize("path", named(TEMPLATES))
def test_a_template_holds_nothing_that_the_policy_blocks(path):
    text = path.read_text(encoding="utf-8")
    assert [what for what, pattern in FORBIDDEN.items() if re.search(pattern, text, re.I)] == []


@pytest.mark.parametrize("path", named(TEMPLATES))
def test_a_template_compiles_and_its_icons_are_drawn(path):
    get_template(str(path.relative_to(ROOT / "templates")))
    wanted = set(re.findall(r'{% icon "([^"]+)" %}', path.read_text(encoding="utf-8")))
    assert wanted <= LINES.keys() | SHAPES.keys()


@pytest.mark.parametrize("path", named(SCRIPTS))
def test_a_script_evaluates_no_text(path):
    text = path.read_text(encoding="utf-8")
    text = text.replace("http://www.w3.org/2000/svg", "")  # a namespace, never fetched
    assert not re.search(r"\beval\(|new Function|document\.write|\.style\s*=|https?://", text)


@pytest.mark.parametrize("path", named(STYLES))
def test_a_style_sheet_fetches_nothing(path):
    assert not re.search(r"@import|url\(", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", named(STYLES))
def test_a_style_sheet_is_whole(path):
    text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S)
    assert text.count("{") == text.count("}")


def test_the_style_sheets_of_the_shell_are_small():
    packed = [gzip.compress((ROOT / f"static/css/{name}.css").read_bytes()) for name in SHELL]
    assert sum(map(len, packed)) <= 15 * 1024


def loaded_with(entry: str) -> set[str]:
    """Return the scripts that a page loads at first for one of its modules, by name."""
    found, waiting = set(), [entry]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            text = (ROOT / "static/js" / name).read_text(encoding="utf-8")
            waiting += re.findall(r'from "\./([\w-]+\.js)"', text)
    return found


def test_the_scripts_of_each_page_are_small():
    """U12: what one page loads at first, the frame's own scripts among it."""
    frame = {"app.js", "prefer.js", "theme.js", "emergency.js"}
    for entry in SCRIPTS:
        names = loaded_with(entry.name) | frame
        packed = [gzip.compress((ROOT / "static/js" / name).read_bytes()) for name in names]
        assert sum(map(len, packed)) <= 25 * 1024, entry.name


def test_every_token_that_is_used_is_defined():
    text = "\n".join(path.read_text(encoding="utf-8") for path in STYLES)
    defined = set(re.findall(r"(--[\w-]+)\s*:", text))
    assert set(re.findall(r"var\((--[\w-]+)", text)) <= defined


def test_both_dark_themes_say_the_same():
    text = (ROOT / "static/css/tokens.css").read_text(encoding="utf-8")
    chosen = re.search(r":root\[data-theme=dark\], \.viewer-page \{(.*?)\}", text, re.S)
    system = re.search(r":root:not\(\[data-theme=light\]\) \{(.*?)\}", text, re.S)
    assert chosen[1].split() == system[1].split()


def test_the_shell_renders_a_field_with_its_error_tied_to_it():
    from django import forms

    class Form(forms.Form):
        size = forms.IntegerField(help_text="In pixels.")

    page = Template('{% include "components/field.html" with field=form.size only %}').render(
        Context({"form": Form({"size": "x"})})
    )
    assert 'for="id_size"' in page
    assert 'id="id_size_helptext"' in page
    assert 'id="id_size_error"' in page
    assert 'aria-describedby="id_size_helptext id_size_error"' in page
