"""Every component in every state on one page, for whoever changes one; DEBUG and tests only.

It includes the very templates that the pages include, with values made up here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from mediscan.templatetags.ui import FINDINGS, OUTCOMES, SEVERITIES, STATUSES

AT = datetime(2026, 3, 14, 9, 26, tzinfo=UTC)
ID = UUID(int=0x1234567890ABCDEF1234567890ABCDEF)
LEVELS = ("success", "info", "warning", "error")


class Notice(str):
    """A sentence with a level, as Django's messages are."""

    level_tag = ""


def _notice(level: str) -> Notice:
    said = Notice(f"A notice of the level {level}.")
    said.level_tag = level
    return said


class KitForm(forms.Form):
    text = forms.CharField(label="Text", help_text="A hint below the label.")
    password1 = forms.CharField(label="Password", widget=forms.PasswordInput)
    many = forms.CharField(label="Lines", required=False, widget=forms.Textarea({"rows": 2}))
    choice = forms.ChoiceField(label="One of a list", choices=[("a", "First"), ("b", "Second")])
    radio = forms.ChoiceField(
        label="One of a few", choices=[("a", "First"), ("b", "Second")], widget=forms.RadioSelect
    )
    check = forms.BooleanField(label="Yes or no")


@login_not_required
@require_safe
def kit(request: HttpRequest) -> HttpResponse:
    if not (settings.DEBUG or settings.KIT):
        raise Http404
    return render(request, "kit.html", _shown())


def _shown() -> dict:
    return {
        "forms": _forms(),
        "notices": [_notice(level) for level in LEVELS],
        "kinds": ("", "pri", "danger", "ghost"),
        "severities": SEVERITIES, "statuses": STATUSES, "outcomes": OUTCOMES, "findings": FINDINGS,
        "page": Paginator(range(60), 20).page(2),
        "looked": [{"name": f"part {state}", "state": state, "words": "what was found",
                    "remedy": "" if state == "ok" else "What to do about it."}
                   for state in FINDINGS],
        "at": AT, "none": None,
        "plan": SimpleNamespace(name="Free"), "meters": _meters(),
        "exports": list(_exports()), "uploads": list(_uploads()),
        "glass": SimpleNamespace(pk=ID, patient_id=ID, ends_at=AT, minutes_left=42),
    }  # fmt: skip


def _forms() -> dict[str, forms.Form]:
    """The same fields empty, filled, refused and switched off."""
    filled = {"text": "What was typed", "password1": "secret", "many": "one\ntwo", "choice": "b",
              "radio": "b", "check": True}  # fmt: skip
    off = KitForm(initial=filled, auto_id="off_%s")
    for field in off.fields.values():
        field.disabled = True
    return {
        "Empty": KitForm(auto_id="empty_%s"),
        "Filled": KitForm(initial=filled, auto_id="filled_%s"),
        "Error": KitForm({"choice": "c"}, auto_id="error_%s"),
        "Disabled": off,
    }


def _meters() -> list[SimpleNamespace]:
    """A quota at rest, near its end, over it, and none."""
    rows = (("storage", "Storage", 1_200_000_000, 5_000_000_000), ("runs", "Runs", 190, 200),
            ("members", "Seats", 5, 5), ("uploads", "Uploads", 12, None))  # fmt: skip
    return [SimpleNamespace(name=name, label=label, used=used, limit=limit,
                            low=0 if limit is None else 0.8 * limit,
                            high=0 if limit is None else 0.95 * limit)
            for name, label, used, limit in rows]  # fmt: skip


def _exports():
    """An export while it waits, is made, has failed, is there, was cancelled, deleted, expired."""
    blob = SimpleNamespace(size=2_400_000)
    states = (
        {"status": "queued", "is_live": True}, {"status": "running", "is_live": True},
        {"status": "failed", "error": "The file could not be made."},
        {"status": "succeeded", "blob": blob}, {"status": "cancelled"},
        {"status": "succeeded", "deleted_at": AT}, {"status": "succeeded"},
    )  # fmt: skip
    for state in states:
        yield SimpleNamespace(**{
            "pk": ID, "is_live": False, "done": 3, "total": 9, "error": "", "blob": None,
            "is_closed": False, "deleted_at": None, "expires_at": AT, "downloads": 1, **state,
        })  # fmt: skip


def _uploads():
    """A receipt while it checks, and one of what was refused."""
    for is_live, status in ((True, "waiting"), (False, "refused")):
        line = SimpleNamespace(image=None, title="chest.png", about="", count=1, named=[],
                               unnamed=0, status=status, error="The file is empty.",
                               reason="The file is empty.", size=48_000)  # fmt: skip
        receipt = SimpleNamespace(waiting=1, ready=[], refused=1, lines=[line])
        upload = SimpleNamespace(pk=ID, is_live=is_live, open_until=None, created_at=AT)
        yield {"upload": upload, "receipt": receipt}
