"""Every form of every page, filled in as a person would but for one field: never a fault of ours.

The forms are read from the pages themselves, as each role sees them, so that a new form is
attacked without being named here. What only the address says is attacked one name at a time.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import islice
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import reverse

from accounts import roles
from accounts.access import PUBLIC
from accounts.vault import keys
from imaging.models import SavedView
from tests.accounts.factories import StrangerFactory
from tests.browser.story import addresses_of_a_working_day
from tests.security.matrix import ANONYMOUS, OPERATOR, OWN, World, build
from tests.security.siege import FORM, VALUES, Siege, encoded
from tests.security.test_s21_matrix import KIND, address, pages
from tests.security.walk import routes as all_routes

pytestmark = pytest.mark.django_db
SHARE = 211  # one of so many in the quick form: no list is of that length
DEEP = ("[" * 5_000, '{"a": [1e999, -1, "\\ud800"]}', "\x1b[31m\u2028", "2026-02-30", "0.0.0.0")
FILES = (b"", b"\0" * 70, b"\x93NUMPY\x01\x00\xff\xff", b"\x89PNG\r\n\x1a\n" + b"\xff" * 40)
PEOPLE = (*roles.ROLES, OPERATOR, ANONYMOUS)
WORDS = {"email": "a.person@example.org", "number": "1", "date": "2026-01-02", "time": "10:00",
         "datetime-local": "2026-01-02T10:00", "color": "#336699"}  # fmt: skip


@dataclass
class Form:
    """One form of a page: where it goes, and what it would send untouched."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)

    @property
    def kind(self) -> tuple:
        """Forms of two rows of a list are one kind."""
        return re.sub(r"[0-9a-f-]{36}|\d+", "*", self.action), self.method, frozenset(self.fields)


class Reader(HTMLParser):
    """Reads forms and links; a field outside of its form is told by form="…"."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.page, self.forms, self.links = page, [], []
        self._open: Form | None = None
        self._by_id: dict[str, Form] = {}
        self._select: str = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.append(urljoin(self.page, told.get("href", "")))
        elif tag == "form":
            action = urljoin(self.page, told.get("action") or self.page)
            self._open = Form(action, told.get("method", "get").upper())
            self.forms.append(self._open)
            self._by_id[told.get("id", "")] = self._open
        elif tag in ("input", "textarea", "select", "button", "option"):
            self._take(tag, told)

    def _take(self, tag: str, told: dict[str, str]) -> None:
        form = self._by_id.get(told["form"]) if told.get("form") else self._open
        name, kind = told.get("name", ""), told.get("type", "text")
        if tag == "option":
            if form is not None and self._select and not form.fields.get(self._select):
                form.fields[self._select] = told.get("value", "")
        elif form is not None and name:
            self._select = name if tag == "select" else ""
            if kind == "file":
                form.files.add(name)
            if not (kind == "radio" and form.fields.get(name) and "checked" not in told):
                form.fields[name] = told.get("value") or WORDS.get(kind, "A word or two of ours")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[World]:
    """A house with rows of each kind and somebody of each role; never committed."""
    keys.cache.clear()
    with django_db_blocker.unblock(), transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("imaging.queue.enqueue", lambda *call, **where: None)
        world = build()
        reader = world.users[roles.RADIOLOGIST]
        world.shown = [*addresses_of_a_working_day(reader, tmp_path_factory.mktemp("day")).values()]
        SavedView.objects.create(user=reader, name="Mine", query="modality=xray")
        world.users["newcomer"] = StrangerFactory()
        yield world
        transaction.set_rollback(True)
    keys.cache.clear()


def starts(world: World, person: str) -> list[str]:
    """Every address, with an id of the right kind; the working day's; in the admin each table's."""
    found = [*world.shown]
    for route in pages():
        if route.demand == PUBLIC or "<" not in route.pattern:
            found.append(reverse(route.name, kwargs={}) if "<" not in route.pattern else "")
        elif route.name in KIND or "<uuid:" not in route.pattern:
            place = OWN if "<uuid:" in route.pattern else None
            found.append(address(world, route, person, place))
    found += [one.address for one in all_routes() if one.name.startswith(("account_", "mfa_"))]
    if person in (OPERATOR, roles.ADMINISTRATOR, roles.AUDITOR):
        found += [one.address for one in all_routes()
                  if one.name.endswith(("_changelist", "_add", "admin:index"))]  # fmt: skip
    return list(dict.fromkeys(one for one in found if one))


def read(world: World, person: str) -> tuple[list[Form], list[str]]:
    """The forms of every page that opens to `person`, one of a kind, and the links with a query."""
    forms, links, waiting, seen = {}, {}, starts(world, person), set()
    for page in waiting:
        path = urlsplit(page).path
        answer = world.clients[person].get(page)
        text = answer.getvalue().decode("utf-8", "replace")
        if "text/html" not in answer.headers.get("Content-Type", "") or answer.status_code != 200:
            continue
        seen.add(path)
        reader = Reader(page)
        reader.feed(text)
        for form in reader.forms:
            forms.setdefault(form.kind, form)
        for link in reader.links:
            parts = urlsplit(link)
            if parts.netloc:
                continue
            if parts.query:
                links.setdefault(
                    (parts.path, frozenset(n for n, _ in parse_qsl(parts.query))), link
                )
            if path.startswith("/admin/") and parts.path.endswith("/change/"):
                waiting.append(parts.path)
        waiting = list(islice(dict.fromkeys(waiting), 600))
    return list(forms.values()), list(links.values())


def sent(form: Form) -> Iterator[tuple[str, str, dict]]:
    """The form with one field wrong, for each field and each wrong thing."""
    for name in form.fields:
        for value in FILES if name in form.files else (*VALUES, *DEEP):
            if form.files:
                yield "POST", form.action, _with_file(form, name, value)
                continue
            filled = "&".join(
                f"{encoded(one)}={encoded(value if one == name else old)}"
                for one, old in form.fields.items()
            )
            if form.method == "POST":
                yield "POST", form.action, {"data": filled, "content_type": FORM}
            else:
                yield "GET", f"{urlsplit(form.action).path}?{filled}", {}


def _with_file(form: Form, name: str, value: str | bytes) -> dict:
    held = {one: (value if one == name else old) for one, old in form.fields.items()}
    for one in form.files:
        data = held[one] if isinstance(held[one], bytes) else b"\x89PNG\r\n\x1a\n"
        held[one] = SimpleUploadedFile("x.png", data)
    text = {k: v.encode("utf-8", "replace").decode() if isinstance(v, str) else v
            for k, v in held.items()}  # fmt: skip
    return {"data": encode_multipart(BOUNDARY, text), "content_type": MULTIPART_CONTENT}


def asked(link: str) -> Iterator[tuple[str, str, dict]]:
    """The address with one name of its query wrong."""
    parts = urlsplit(link)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    for name in dict.fromkeys(name for name, _ in pairs):
        for value in (*VALUES, *DEEP):
            query = "&".join(
                f"{encoded(one)}={encoded(value if one == name else old)}" for one, old in pairs
            )
            yield "GET", f"{parts.path}?{query}", {}


@pytest.mark.parametrize(
    "every", [SHARE, pytest.param(1, marks=pytest.mark.slow_security)], ids=["few", "all"]
)
@pytest.mark.parametrize("person", PEOPLE)
def test_no_field_of_a_form_is_a_fault(world, person, every):
    siege = Siege(world.clients[person], [], every)
    siege.client.raise_request_exception = False
    logging.disable(logging.CRITICAL)  # a line for each of thousands
    try:
        forms, links = read(world, person)
        siege.ask_all(one for form in forms for one in sent(form))
        siege.ask_all(one for link in links for one in asked(link))
    finally:
        logging.disable(logging.NOTSET)
        siege.client.raise_request_exception = True
    print(f"{person}: {len(forms)} forms, {len(links)} queries, {dict(siege.answers)}")
    assert siege.wrong == []
    assert len(forms) > (2 if person == ANONYMOUS else 10)
