"""Whatever is sent to whatever address: never a fault of ours, always words and a request's id.

The addresses come from the resolver, the names from the forms and views of the house, so that
a new page is attacked without being named here.
"""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django import forms
from django.conf import settings
from django.test import Client
from rest_framework import serializers

from accounts.roles import ADMINISTRATOR, AUDITOR
from tests.accounts.factories import (
    MembershipFactory,
    OrganisationFactory,
    UserFactory,
    enrol,
    verify,
)
from tests.browser.story import addresses_of_a_working_day
from tests.security.siege import DIGITS, FORM, VALUES, Siege, encoded
from tests.security.walk import UNSAFE, Route, real_addresses, routes

pytestmark = pytest.mark.django_db
ROOMS = ("accounts", "analytics", "imaging", "mediscan", "reports")
METHODS = ("GET", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "G\u00e4T", *UNSAFE)
DEEP = 100_000
SHARE = 101  # one of so many in the quick form: no list is of that length
BODIES = (
    ("application/json", b"[" * DEEP),
    ("application/json", b'{"a":' * DEEP + b"1" + b"}" * DEEP),
    ("application/json", b"\xff\xfe"),
    ("application/json", b"null"),
    ("application/json", b"[1]"),
    ("application/json", b'"\\ud800"'),
    ("application/json", b'{"email": ' + DIGITS.encode() + b"}"),
    ("application/json", b'{"email": NaN}'),
    ("application/json; charset=nonsense", b'{"email": "a@b.c"}'),
    ("application/json; charset=utf-16", b'{"email": "a@b.c"}'),
    ("application/x-www-form-urlencoded", b"%ff%00=%ff%00&=&&%"),
    ("application/x-www-form-urlencoded; charset=nonsense", b"a=b"),
    ("application/x-www-form-urlencoded", b"a=b&" * 6_000),
    ("multipart/form-data", b"no boundary"),
    ("multipart/form-data; boundary=" + "b" * 300, b"too long a boundary"),
    ("multipart/form-data; boundary=\u00e9", b"none"),
    ("multipart/form-data; boundary=b", b"--b\r\ncut"),
    ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="\0\xff"; '
     b'filename="..\0\xff/\r\nx"\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%\r\n--b--'),
    ("text/xml", b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'),
    ("", b"anything"),
    ("\0/\xff; a=\"", b"anything"),
)  # fmt: skip
HEADERS = (
    *({"HTTP_RANGE": one} for one in (
        "bytes=-0", f"bytes={DIGITS}-", "bytes=5-1", "bytes=0-0,2-3,-1", "bytes=\u0661-\u0662",
        "lines=1-", f"bytes=-{DIGITS}", f"bytes=0-{2**64}",
    )),
    *({"HTTP_HOST": one} for one in ("evil.example", "localhost:99999999", "a b\0", "[::1")),
    *({"HTTP_AUTHORIZATION": one} for one in (
        "Bearer \xff\0", "Bearer a.b.c", "Bearer " + "." * 9_000, "Basic %%%",
        "Api-Key \0.\xff", "Api-Key " + "x" * 70_000,
    )),
    *({"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": one} for one in ("http://[", "\0")),
    *({"HTTP_ACCEPT": one} for one in (";;q=x,*/\0", f"text/html;q={DIGITS}", "x/y")),
    *({"HTTP_ACCEPT_LANGUAGE": one} for one in ("x" * 9_000, "\0;q=9,../../etc")),
    *({"CONTENT_LENGTH": one} for one in ("-1", "lots", DIGITS, str(2**40))),
    *({"HTTP_COOKIE": f"sessionid={one}; csrftoken={one}; device={one}"} for one in (
        "", "\0", "x" * 4_000, "../../etc/passwd", "a:b:c", "e30:1:x", "\xff", '"\\"', "'",
    )),
    {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "\xff\0"},
    {"HTTP_HX_CURRENT_URL": "%ff", "HTTP_HX_CURRENT_URL_URI_AUTOENCODED": "true"},
    {"HTTP_IF_NONE_MATCH": '"\0'}, {"HTTP_IF_MODIFIED_SINCE": "Thu, 99 Foo 99999"},
    {"HTTP_X_FORWARDED_HOST": "evil.example"}, {"HTTP_X_FORWARDED_PROTO": "gopher"},
    {"HTTP_X_FORWARDED_FOR": "\0, " * 200}, {"HTTP_X_CSRFTOKEN": "\0" * 64},
    {"HTTP_USER_AGENT": "\0\xff" * 2_000}, {"HTTP_REFERER": "http://["},
    {"HTTP_ORIGIN": "http://["}, {"HTTP_ORIGIN": "null"}, {"REMOTE_ADDR": ""},
    {"HTTP_X_HTTP_METHOD_OVERRIDE": "DELETE"},
)  # fmt: skip


@cache
def names() -> tuple[str, ...]:
    """Every name under which a form, a serializer or a view of this house awaits something."""
    found = {"next", "page", "poll", "o", "q", "all", "e", "_popup", "_to_field", "p", "action"}
    kinds = [forms.Form, forms.ModelForm, serializers.Serializer]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        found |= set(getattr(kind, "base_fields", None) or getattr(kind, "_declared_fields", {}))
    for room in ROOMS:
        for path in Path(settings.BASE_DIR, room).rglob("*.py"):
            found |= set(_asked_for(ast.parse(path.read_text())))
    return tuple(sorted(found))


def _asked_for(tree: ast.AST) -> Iterator[str]:
    """Yield the names in request.GET.get("…"), request.POST["…"] and their like."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            holder, key = node.func.value, node.args[0]
        elif isinstance(node, ast.Subscript):
            holder, key = node.value, node.slice
        else:
            continue
        is_query = isinstance(holder, ast.Attribute) and holder.attr in ("GET", "POST")
        if is_query and isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield key.value


@cache
def form_of(value: str) -> str:
    """Every name of the house, with `value` for each."""
    return "&".join(f"{encoded(name)}={encoded(value)}" for name in names())


def twisted(route: Route) -> Iterator[str]:
    """The address of a route with something else in each place for an argument, and behind it."""
    plain = route.address
    yield from (plain + end for end in ("%00", "%ff%fe", "%0d%0aX: y", "..;/", "//", "%2e%2e%2f"))
    for sample, values in (
        ("1", (DIGITS, "-1", str(2**63), "%D9%A1")),
        ("00000000-0000-4000-8000-000000000001", ("0" * 32, "%00" * 9, "A" * 36)),
        ("x", ("%00", "%ff", "x" * 3_000, "%C2%B2", "..%2f")),
        ("ensemble", ("%00", "%ff", "x" * 3_000)),
    ):
        parts = plain.split("/")
        for at, part in enumerate(parts):
            if part == sample:
                yield from ("/".join([*parts[:at], value, *parts[at + 1 :]]) for value in values)


@pytest.fixture
def chief():
    """Somebody who may do much, in the admin too: nothing but what is sent is wrong."""
    user = UserFactory(is_staff=True, is_superuser=True)
    home = user.memberships.get().organisation
    MembershipFactory(user=user, organisation=home, role=ADMINISTRATOR)
    MembershipFactory(user=user, organisation=OrganisationFactory(), role=AUDITOR)
    enrol(user)
    return user


@pytest.fixture(
    params=[
        ("nobody", SHARE),
        ("somebody", SHARE),
        pytest.param(("nobody", 1), marks=pytest.mark.slow_security),
        pytest.param(("somebody", 1), marks=pytest.mark.slow_security),
    ],
    ids=lambda param: f"{param[0]}-{param[1]}",
)
def siege(request, chief, tmp_path, queued) -> Iterator[Siege]:
    who, every = request.param
    shown = list(addresses_of_a_working_day(chief, tmp_path).values())
    nowhere = [route.address for route in routes()]
    client = Client(raise_request_exception=False)
    if who == "somebody":
        verify(client, chief)
    siege = Siege(client, list(dict.fromkeys([*shown, *real_addresses(), *nowhere])), every)
    logging.disable(logging.CRITICAL)  # a line for each of thousands
    yield siege
    logging.disable(logging.NOTSET)
    print(f"{request.node.name}: {sum(siege.answers.values())} answers, {dict(siege.answers)}")


def test_no_method_is_a_fault(siege):
    siege.ask_all((method, one, {}) for one in siege.addresses for method in METHODS)
    assert siege.wrong == []


def test_no_twisted_address_is_a_fault(siege):
    found = [address for route in routes() for address in twisted(route)]
    siege.ask_all((method, one, {}) for one in found for method in ("GET", "POST"))
    assert siege.wrong == []


def test_no_header_and_no_cookie_is_a_fault(siege):
    siege.ask_all(("GET", one, headers) for one in siege.addresses for headers in HEADERS)
    assert siege.wrong == []


def test_no_query_is_a_fault(siege):
    bare = dict.fromkeys(one.partition("?")[0] for one in siege.addresses)
    siege.ask_all(("GET", f"{one}?{form_of(value)}", {}) for one in bare for value in VALUES)
    assert siege.wrong == []


def test_no_form_is_a_fault(siege):
    siege.ask_all(
        ("POST", one, {"data": form_of(value), "content_type": FORM})
        for one in siege.addresses
        for value in VALUES
    )
    assert siege.wrong == []


def test_no_body_is_a_fault(siege):
    siege.ask_all(
        ("POST", one, {"data": body, "content_type": kind})
        for one in siege.addresses
        for kind, body in BODIES
    )
    assert siege.wrong == []
