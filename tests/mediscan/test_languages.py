"""A language changes words and the look of numbers, never what a form, a script or a file says."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from accounts.models import User
from tests.accounts.factories import UserFactory, verify
from tests.browser.story import addresses_of_a_working_day

pytestmark = pytest.mark.django_db
# what machines read: values of inputs, coordinates of drawings, addresses, data of scripts
WIRE = re.compile(
    r"\s(value|min|max|step|low|high|optimum|width|height|x|y|x1|x2|y1|y2|cx|cy|r|d|points|viewBox"
    r"|transform|offset|stroke-width|href|data-[a-z-]*(?:url|level|index|region|box|t)|datetime)"
    r'="([^"]*)"'
)
CHANGING = re.compile(r'name="csrf(middlewaretoken)?" (value|content)="[^"]*"')
TOKEN = re.compile(r"^[A-Za-z0-9_:-]{20,}$")  # each page sends a fresh one
NUMBER = re.compile(r"\d+[.,]\d+|\d+")


def wire(client, address: str) -> list:
    pairs = WIRE.findall(CHANGING.sub("", client.get(address).content.decode()))
    return [(name, NUMBER.findall(TOKEN.sub("", value))) for name, value in pairs]


def test_the_same_page_says_the_same_to_machines_in_german(client, tmp_path, queued):
    user = UserFactory()
    pages = addresses_of_a_working_day(user, tmp_path)
    verify(client, user)
    english = {name: wire(client, address) for name, address in pages.items()}
    User.objects.filter(pk=user.pk).update(language="de")
    german = {name: wire(client, address) for name, address in pages.items()}
    assert {name: _first(english[name], german[name]) for name in pages} == dict.fromkeys(pages)


def test_a_table_of_figures_is_the_same_file_in_every_language(client, tmp_path, queued):
    user = UserFactory()
    addresses_of_a_working_day(user, tmp_path)
    client.force_login(user)
    address = reverse("analytics:figures-csv", args=["overview"])
    english = b"".join(client.get(address).streaming_content)
    User.objects.filter(pk=user.pk).update(language="de")
    assert b"".join(client.get(address).streaming_content) == english


def _first(one: list, other: list):
    """The first pair that differs, None where none does."""
    if len(one) != len(other):
        return f"{len(one)} and {len(other)} values"
    return next((pair for pair in zip(one, other, strict=True) if pair[0] != pair[1]), None)
