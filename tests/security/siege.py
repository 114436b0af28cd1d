"""What a siege is made of: asks, each undone again, and what an answer must not be."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from django.core.cache import cache as counts
from django.db import transaction
from django.test import Client

from accounts.api.problems import PROGRAMS

DIGITS = "9" * 5_000
# what is put where a number, an id, a word, an e-mail address is awaited
VALUES = (
    "", "\0", "a\0b", "-1", "0", "1e400", "nan", "inf", DIGITS, "-" + DIGITS, str(2**63),
    "x" * 3_000, "//evil.example/", "javascript:alert(1)", "http://[", "\ud800", "[]", "{}",
    "\u202e\u0660\u00b2", "..%2f..%2f", "a@b@c", "None", "0001-01-01T00:00",
    "9999-12-31T23:59+14:00", "g" * 32,
)  # fmt: skip
FORM = "application/x-www-form-urlencoded"


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
    if answer.request["PATH_INFO"].startswith(PROGRAMS):
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


def encoded(value: str) -> str:
    return quote(value.encode("utf-8", "surrogatepass"), safe="")


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
