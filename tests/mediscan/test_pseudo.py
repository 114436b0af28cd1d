"""Every word of a page goes through gettext: in a pseudo-language the rest stands out."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from django.urls import reverse

from tests.accounts.factories import UserFactory, verify
from tests.browser.story import addresses_of_a_working_day
from tests.pseudo import BRACKETS, spoken

pytestmark = pytest.mark.django_db
SAID = ("title", "aria-label", "placeholder", "alt", "data-label", "aria-valuetext")
# what is no word of ours: data, identities, code, times, and the notice, which is English always
DATA = {"bdi", "code", "kbd", "time", "script", "style", "textarea"}
VOID = {
    "meta",
    "link",
    "input",
    "img",
    "br",
    "hr",
    "path",
    "rect",
    "stop",
    "col",
    "source",
    "circle",
}
LETTERS = re.compile(r"[A-Za-z]{3,}")


class Plain(HTMLParser):
    """Collect what stands outside brackets, in text and in attributes that are read out."""

    def __init__(self, allowed: re.Pattern) -> None:
        super().__init__()
        self.found, self._open, self._allowed = [], [], allowed
        self._depth = 0

    def handle_starttag(self, tag, attrs) -> None:
        attrs = dict(attrs)
        if not any(self._open):
            for name in SAID:
                self._look(attrs.get(name) or "")
        if tag not in VOID:
            classes = (attrs.get("class") or "").split()
            is_data = tag in DATA or "mono" in classes or attrs.get("lang") in ("en", "de")
            self._open.append(is_data or attrs.get("translate") == "no")

    def handle_endtag(self, tag) -> None:
        if tag not in VOID and self._open:
            self._open.pop()

    def handle_data(self, data) -> None:
        outside, self._depth = _outside(data, self._depth)  # a sentence may hold tags
        if not any(self._open):
            self._look(outside)

    def _look(self, text: str) -> None:
        text = _outside(text, 0)[0]
        if LETTERS.search(self._allowed.sub(" ", text)):
            self.found.append(text.strip())


def _outside(text: str, depth: int) -> tuple[str, int]:
    """What stands outside brackets, and how many are still open."""
    kept = []
    for sign in text:
        depth -= sign == "⟧"
        kept.append(" " if depth or sign in "⟦⟧" else sign)
        depth += sign == "⟦"
    return "".join(kept), depth


def plain_words(page: str, allowed: re.Pattern) -> list[str]:
    reader = Plain(allowed)
    reader.feed(page)
    return sorted(set(reader.found))


# what is stored in English, in the words of the record, and not yet translated where it is shown;
# and what the factories of these tests made up
STORED = re.compile(
    r"person\d+@example\.org|Person \d+|Hospital \d+|Plan \d+|Lung fields|ensemble-\d+|model-\d+"
    r"|lungs-(?:unet|segresnet|resunet)|lung fields|whole image|onnx|Tests|MIT|area-circularity"
    r"|(?:High|Moderate|Low), because .*|The models agree: .*|CUDA is not available .*"
    r"|Model \d+ of \d+|It failed\.|The file (?:is empty|could not be made)\.|An unknown program"
    r"|segmentation|dice|Dice|bit\b|MediScan|SHA-256|STAPLE|CPU|CUDA \(GPU\)|cpu|auto"
    r"|Free|Viridis|Magma|Cividis|chest\.png|Error"
)
OF_A_CARD = {"All", "None", "X-ray"}  # the author's own words
OWN = ("analytics:dashboard", "analytics:plans", "analytics:overview", "analytics:models",
       "analytics:readers", "analytics:drift", "imaging:patient-find", "imaging:upload-create",
       "account_email", "account_change_password", "mfa_index", "signin:session-list",
       "trail:activity", "trail:notices", "account", "accounts:reading", "accounts:language",
       "people:invitations", "imaging:slicer", "help", "help-shortcuts")  # fmt: skip


def test_no_word_of_a_page_bypasses_the_catalogue(client, tmp_path, queued):
    user = UserFactory(language=BRACKETS)
    pages = addresses_of_a_working_day(user, tmp_path) | {one: reverse(one) for one in OWN}
    verify(client, user)
    with spoken(BRACKETS):
        found = {
            name: plain_words(client.get(address).content.decode(), STORED)
            for name, address in pages.items()
        }
    found["models"] = [one for one in found["models"] if one not in OF_A_CARD]
    assert {name: words for name, words in found.items() if words} == {}


def test_a_word_that_bypasses_it_is_found():
    page = '<p title="Plain title">⟦Fine⟧ <b>Forgotten</b> <bdi>Jane Doe</bdi></p>'
    assert plain_words(page, STORED) == ["Forgotten", "Plain title"]
