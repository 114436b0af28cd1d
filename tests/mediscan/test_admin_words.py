"""Every noun of the admin goes through gettext: in a pseudo-language the rest stands out."""

from __future__ import annotations

import re

import pytest

from tests.accounts.factories import StrangerFactory, verify
from tests.browser.admin_story import REFUSED, addresses_of_the_admin, rows_of_the_admin
from tests.mediscan.test_pseudo import STORED, plain_words
from tests.pseudo import BRACKETS, spoken

pytestmark = pytest.mark.django_db
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# data, codes and ids; the words of the record; what Django's own icons say
OF_ROWS = re.compile(
    rf"(?:\d{{4}}-\d\d-\d\d \d\d:\d\d run\.submit )?(?:run|user|Image)?[: ]?{UUID}|run\.submit|"
    r"Department \d|Ensemble-\d|plan-\d|free|reader@example\.org|chest\.onnx|(?:ab){32}|"
    r"\[\"xray\"\]|\{.*\}|worker|The analysis failed unexpectedly\.|\.(?:zip|pt|pth|safetensors)|"
    rf"\.keras \.h5|\b(?:True|False|Search)\b|{re.escape(REFUSED)}|{STORED.pattern}",
    re.DOTALL,
)


def test_no_noun_of_the_admin_bypasses_the_catalogue(client):
    operator = StrangerFactory(is_staff=True, is_superuser=True, language=BRACKETS)
    rows_of_the_admin(operator)
    verify(client, operator)
    with spoken(BRACKETS):
        found = {
            name: plain_words(client.get(address).content.decode(), OF_ROWS)
            for name, address in addresses_of_the_admin().items()
        }
    assert {name: words for name, words in found.items() if words} == {}
