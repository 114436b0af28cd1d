"""The trail as a person may read it: which rows, how much of each, one page at a time."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from accounts.audit.actions import ACTIONS
from accounts.models import AuditEvent, AuditSeal, Membership, User
from accounts.roles import ADMINISTRATOR, AUDITOR
from accounts.selectors import standings_of

PAGE_SIZE = 50
# whose rows a bare id may mean
NOUNS = (
    "study", "image", "series", "result", "run", "job", "upload", "uploaditem", "export", "user",
    "patient", "membership", "organisation", "department", "plan", "modelversion", "ensemble",
    "cohort", "cohortimage",
    "review", "authenticator", "auditevent", "erasure",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One row as this reader may see it: an administrator sees that, not on whom or why."""

    event: AuditEvent
    is_full: bool


@dataclass(frozen=True, slots=True)
class Page:
    lines: list[Line]
    next_after: str


def events_visible_to(user) -> QuerySet[AuditEvent]:
    """Return one's own rows, and those of the organisations one oversees.

    A row without an organisation, such as a sign-in, is its actor's: those who
    oversee a member see it. A row about a person is theirs, too.
    """
    overseen = _overseen(user, AUDITOR) | _overseen(user, ADMINISTRATOR)
    seen = Q(actor=user) | Q(target=f"user:{user.pk}")
    if overseen:
        members = Membership.objects.filter(organisation__in=overseen).values("user")
        seen |= Q(organisation__in=overseen) | Q(organisation=None, actor__in=members)
    rows = AuditEvent.objects.all() if user.is_superuser else AuditEvent.objects.filter(seen)
    return rows.select_related("actor", "organisation")


def lines_for(user, events) -> Iterator[Line]:
    """Say for each row whether `user` may read all of it."""
    audited, managed = _overseen(user, AUDITOR), _overseen(user, ADMINISTRATOR)
    for event in events:
        is_own = event.actor_id == user.pk or event.target == f"user:{user.pk}"
        is_metadata = event.organisation_id in managed - audited or (
            event.organisation_id is None and not audited
        )
        yield Line(event, is_full=is_own or not is_metadata)


def events_chosen(user, filters: dict) -> QuerySet[AuditEvent]:
    """Return the rows `user` may see that the valid form's `filters` name."""
    events = events_visible_to(user)
    if filters.get("who"):
        events = events.filter(actor=filters["who"])
    if filters.get("group"):
        names = [name for name, action in ACTIONS.items() if action.group == filters["group"]]
        events = events.filter(action__in=names)
    if filters.get("outcome"):
        events = events.filter(outcome=filters["outcome"])
    if filters.get("object"):
        events = events.filter(_about(filters["object"]))
    if filters.get("since"):
        events = events.filter(at__date__gte=filters["since"])
    if filters.get("until"):
        events = events.filter(at__date__lte=filters["until"])
    return events.order_by("-at", "-id")


def page_of(user, filters: dict) -> Page:
    """Return the newest rows behind `filters["after"]`: the same two queries however many."""
    events = _behind(events_chosen(user, filters), filters.get("after", ""))
    found = list(events[: PAGE_SIZE + 1])
    lines = list(lines_for(user, found[:PAGE_SIZE]))
    last = found[PAGE_SIZE - 1] if len(found) > PAGE_SIZE else None
    return Page(lines, f"{last.at.isoformat()}_{last.pk}" if last else "")


def person_named(user, email: str) -> User | None:
    """Return whom `user` may look for by this exact address: themselves, or one they oversee."""
    overseen = _overseen(user, AUDITOR) | _overseen(user, ADMINISTRATOR)
    seen = Q(pk=user.pk) | Q(memberships__organisation__in=overseen)
    people = User.objects.all() if user.is_superuser else User.objects.filter(seen)
    return people.filter(email__iexact=email.strip()).distinct().first()


def neighbours(seq: int) -> list[AuditSeal]:
    """Return the links around `seq`, each with its `event`, None where the row is gone."""
    seals = list(AuditSeal.objects.filter(seq__gte=seq - 2, seq__lte=seq + 2))
    events = AuditEvent.objects.select_related("actor").in_bulk([one.event_id for one in seals])
    for seal in seals:
        seal.event = events.get(seal.event_id)
    return seals


def _overseen(user, role: str) -> set[uuid.UUID]:
    return {one.organisation_id for one in standings_of(user) if one.role == role}


def _about(text: str) -> Q:
    """A row's target as written (study:…), or a bare id: of anything, or of a patient."""
    try:
        key = uuid.UUID(text)
    except ValueError:
        return Q(target=text)
    return Q(patient=key) | Q(target__in=[f"{noun}:{key}" for noun in NOUNS])


def _behind(events: QuerySet, token: str) -> QuerySet:
    """Continue behind the row that `token` names; a token that is none starts at the top."""
    try:
        moment, key = token.rsplit("_", 1)
        at, pk = datetime.fromisoformat(moment), uuid.UUID(key)
    except ValueError:
        return events
    return events.filter(Q(at__lt=at) | Q(at=at, pk__lt=pk))
