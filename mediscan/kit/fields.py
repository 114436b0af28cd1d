"""Buttons, fields, notices and chips: what every page is made of."""

from __future__ import annotations

from django import forms
from django.core.paginator import Paginator

from mediscan.kit.made_up import AT
from mediscan.templatetags.ui import FINDINGS, OUTCOMES, SEVERITIES, STATUSES

LEVELS = ("success", "info", "warning", "error")


class Notice(str):
    """A sentence with a level, as Django's messages are."""

    level_tag = ""


class KitForm(forms.Form):
    text = forms.CharField(label="Text", help_text="A hint below the label.")
    password1 = forms.CharField(label="Password", widget=forms.PasswordInput)
    many = forms.CharField(label="Lines", required=False, widget=forms.Textarea({"rows": 2}))
    choice = forms.ChoiceField(label="One of a list", choices=[("a", "First"), ("b", "Second")])
    radio = forms.ChoiceField(
        label="One of a few", choices=[("a", "First"), ("b", "Second")], widget=forms.RadioSelect
    )
    check = forms.BooleanField(label="Yes or no")


def shown() -> dict:
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
    }  # fmt: skip


def _notice(level: str) -> Notice:
    said = Notice(f"A notice of the level {level}.")
    said.level_tag = level
    return said


def _forms() -> dict[str, forms.Form]:
    """The same fields empty, filled, refused and switched off."""
    filled = {"text": "What was typed", "password1": "secret", "many": "one\ntwo", "choice": "b",
              "radio": "b", "check": True}  # fmt: skip
    off = KitForm(initial=filled, auto_id="off_%s")
    for field in off.fields.values():
        field.disabled = True
    refused = KitForm({"choice": "c"}, auto_id="error_%s")
    refused.add_error(None, "What is wrong with the whole of it, and what to do.")
    return {
        "Empty": KitForm(auto_id="empty_%s"),
        "Filled": KitForm(initial=filled, auto_id="filled_%s"),
        "Error": refused,
        "Disabled": off,
    }
