"""Whatever is sent to whatever address: never a fault of ours, always words and a request's id.

The addresses come from the resolver, the names from the forms and views of the house, so that
a new page is attacked without being named here.
"""

from __future__ import annotations

import ast
import json
import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django import forms
from django.conf import settings
from django.core.cache import cache as counts
from django.db import transaction
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
from tests.security.walk import UNSAFE, Route, real_addresses, routes

pytestmark = pytest.mark.django_db
DIGITS = "9" * 5_000
ROOMS = ("accounts", "analytics", "imaging", "mediscan", "reports")
METHODS = ("GET", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "G\u00e4T", *UNSAFE)
# what is put where a number, an id, a word, an e-mail address is awaited
VALUES = (
    "", "\0", "a\0b", "-1", "0", "1e400", "nan", "inf", DIGITS, "-" + DIGITS, str(2**63),
    "x" * 3_000, "//evil.example/", "javascript:alert(1)", "http://[", "\ud800", "[]", "{}",
    "\u202e\u0660\u00b2", "..%2f..%2f", "a@b@c", "None", "0001-01-01T00:00",
    "9999-12-31T23:59+14:00", "g" * 32,
)  # fmt: skip
DEEP = 100_000
SHARE = 101  # one of so many in the quick form: no list is of that length
FORM = "application/x-www-form-urlencoded"
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


@dataclass
class Siege:
    """Asks, and remembers every answer that this house must not give."""

    client: Client
    addresses: list[str]
    every: int  # of the things to ask, so that the quick form still asks a few of each kind
    wrong: list[str] = field(default_factory=list)
    answers: Counter = field(default_factory=Counter)

    def ask_all(self, asks: Iterable[tuple[str, str, dict[str, Any]]]) -> None:
        for number, (method, address, more) in enumerate(asks, start=1):
            if number % self.every == 0:
                with undone(self):
                    self._ask(method, address, number, **more)

    def _ask(self, method: str, address: str, number: int, **more: Any) -> None:
        at = {"REMOTE_ADDR": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"}  # no brake
        answer = self.client.generic(method, address, **(at | more))
        self.answers[answer.status_code] += 1
        for fault in faults(answer, is_head=method == "HEAD"):
            self.wrong.append(f"{method} {address:.90} {more!r:.200}: {answer.status_code} {fault}")


def faults(answer, *, is_head: bool = False) -> Iterator[str]:
    """Say what is wrong with an answer to a hostile request."""
    kind, status = answer.headers.get("Content-Type", ""), answer.status_code
    if status >= 500:
        failed = answer.exc_info[1] if getattr(answer, "exc_info", None) else ""
        yield f"a fault: {failed!r:.200}"
    if not re.fullmatch(r"[\w-]{8,64}", answer.headers.get("X-Request-ID", "")):
        yield "no request id"
    if status < 400 or is_head:
        return
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if not body:
        yield "nothing is said"
    if b"Traceback" in body or b"Exception" in body or b'File "/' in body:
        yield "a traceback"
    if answer.request["PATH_INFO"].startswith("/api/"):
        told = json.loads(body)
        if kind != "application/problem+json" or told["request_id"] != answer["X-Request-ID"]:
            yield f"no problem: {kind}"
    elif not kind.startswith(("text/html", "text/plain", "application/json")):
        yield f"no page: {kind}"
    elif b"<html" in body and answer["X-Request-ID"].encode() not in body and is_refusal(status):
        yield "a page without the request's id"


def is_refusal(status: int) -> bool:
    """Whether the page says nothing but no; a form shown again is not one."""
    return status in (400, 403, 404, 405, 413)


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


def encoded(value: str) -> str:
    return quote(value.encode("utf-8", "surrogatepass"), safe="")


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


@contextmanager
def undone(siege: Siege) -> Iterator[None]:
    """Take back what the body did: rows, cookies, counters. Each request meets the same house."""
    cookies = siege.client.cookies.copy()
    atomic = transaction.atomic()
    atomic._from_testcase = True  # what is durable may stand in it, as in a test's own
    with atomic:
        yield
        transaction.set_rollback(True)
    siege.client.cookies = cookies
    counts.clear()


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
