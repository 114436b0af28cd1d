"""The rooms of the site as a person's menu shows them."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.selectors import user_may


@dataclass(frozen=True, slots=True)
class Room:
    """One entry of the menu: who may use it, and which pages belong to it."""

    url_name: str
    icon: str
    label: str | Promise
    group: str | Promise
    pages: tuple[str, ...]
    action: str = ""
    staff: bool = False
    compact: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    url: str
    icon: str
    label: str | Promise
    group: str | Promise
    is_current: bool
    is_compact: bool


WORK, INSIGHT, ABOUT = _("Work"), _("Insight"), _("Governance")
ROOMS = (
    Room("analytics:dashboard", "dashboard", _("Dashboard"), WORK,
         ("analytics:dashboard",), compact=True),
    Room("imaging:study-list", "list", _("Worklist"), WORK,
         ("imaging:study-", "imaging:image-"), "study.view", compact=True),
    Room("imaging:upload-create", "upload", _("Upload"), WORK,
         ("imaging:upload-",), "upload.create", compact=True),
    Room("imaging:run-list", "play", _("Runs"), WORK,
         ("imaging:run-", "imaging:job-", "imaging:result-"), "run.view", compact=True),
    Room("reports:export-list", "file", _("Exports"), WORK, ("reports:export-",), "export.create"),
    Room("imaging:patient-find", "search", _("Find a patient"), WORK,
         ("imaging:patient-", "imaging:assignment-", "imaging:glass-open"), "patient.find"),
    Room("imaging:cohort-list", "layers", _("Cohorts"), WORK,
         ("imaging:cohort-list", "imaging:cohort-detail", "imaging:cohort-image",
          "reports:cohort-"), "pixels.view_deidentified", compact=True),
    Room("imaging:cohort-review", "eye", _("Text in pictures"), WORK,
         ("imaging:cohort-review",), "cohort.review"),
    Room("analytics:overview", "chart", _("Analytics"), INSIGHT,
         ("analytics:overview", "analytics:models", "analytics:readers", "analytics:drift"),
         "analytics.view"),
    Room("imaging:model-list", "cube", _("Models"), ABOUT,
         ("imaging:model-", "imaging:ensemble-"), "model.view"),
    Room("imaging:rule-list", "play", _("Automatic runs"), ABOUT,
         ("imaging:rule-",), "rule.manage"),
    Room("imaging:cohort-manage", "layers", _("Cohorts"), ABOUT,
         ("imaging:cohort-manage",), "cohort.manage"),
    Room("imaging:glass-list", "shield", _("Emergency access"), ABOUT,
         ("imaging:glass-list",), "glass.review"),
    Room("people:first", "user", _("People"), ABOUT, ("people:",), "people.view",
         compact=True),
    Room("accounts:api-key-list", "key", _("API keys"), ABOUT,
         ("accounts:api-key-",), "apikey.manage"),
    Room("accounts:webhook-list", "link", _("Webhooks"), ABOUT,
         ("accounts:webhook-",), "webhook.manage"),
    Room("locks:list", "lock", _("Locks"), ABOUT, ("locks:",), "lock.view", compact=True),
    Room("trail:list", "shield", _("Audit"), ABOUT, ("trail:list", "trail:entry"), "audit.view",
         compact=True),
    Room("imaging:deletion-list", "trash", _("Deletions"), ABOUT,
         ("imaging:deletion-",), "study.delete"),
    Room("imaging:erasure-list", "close", _("Erasures"), ABOUT,
         ("imaging:erasure-",), "patient.erase"),
    Room("reports:letterhead", "file", _("Letterhead"), ABOUT,
         ("reports:letterhead",), "letterhead.manage"),
    Room("status", "server", _("Status"), ABOUT, ("status",), "house.view", staff=True),
    Room("admin:index", "gear", _("Admin"), ABOUT, ("admin:",), "admin.open", staff=True),
)  # fmt: skip


COMPACT = 4  # on a phone, beside "More"


def links_for(request: HttpRequest) -> list[Link]:
    """List the rooms that the person of `request` may enter; reads their roles once."""
    match = request.resolver_match
    here = match.view_name if match else ""
    rooms = [room for room in ROOMS if _is_open(room, request.user)]
    compact = [room for room in rooms if room.compact][:COMPACT]
    return [
        Link(reverse(room.url_name), room.icon, room.label, room.group,
             here.startswith(room.pages), room in compact)
        for room in rooms
    ]  # fmt: skip


def _is_open(room: Room, user) -> bool:
    if room.staff and user.is_staff:
        return True
    return not room.action or user_may(user, room.action)
