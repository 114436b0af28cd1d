"""What a reader asks of the worklist: a tab, filters, an order, a place in it; all in the URL."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.db.models import Case, F, Q, QuerySet, Value, When
from django.utils.timezone import localtime, now
from django.utils.translation import gettext_lazy as _

from imaging.models import Modality, Reading, Severity, Work
from imaging.standing import UNTOLD

TOLD = "is_told"  # an annotation: the reader may know what the deciding result says
ALL = ""
READABLE = "is_readable"  # the same, once they have read the picture first
TABS = {  # a saved view: its name, and what it tells: nothing, how far reading is, what was found
    ALL: (_("All studies"), ""),
    "mine": (_("Assigned to me"), ""),
    "review": (_("Needs review"), READABLE),
    "unsigned": (_("To sign"), READABLE),
    "live": (_("In progress"), ""),
    "failed": (_("Failed"), ""),
    "new": (_("Not analysed"), ""),
    "high": (_("High severity"), TOLD),
    "signed": (_("Signed today"), READABLE),
}
STATES = {
    "new": _("Not analysed"), "live": _("In progress"), "failed": _("Failed"),
    "unread": _("Needs review"), "draft": _("To sign"), "signed": _("Signed"),
}  # fmt: skip
SINCE = {"1": _("Last 24 hours"), "7": _("Last 7 days"), "30": _("Last 30 days")}
SORTS = {"urgency": _("Most urgent first"), "date": _("Newest first"), "oldest": _("Oldest first"),
         "status": _("By status")}  # fmt: skip
ORDERS = {  # columns, each with whether it falls; the last one is unique
    "urgency": (("urgency", False), ("created_at", False), ("id", False)),
    "date": (("created_at", True), ("id", True)),
    "oldest": (("created_at", False), ("id", False)),
    "status": (("place", False), ("created_at", True), ("id", True)),
}
NOBODY = "none"
PLACE = ("view", "sort", "after")  # what is no filter


@dataclass(frozen=True, slots=True)
class Filters:
    """What was asked for; what makes no sense is left out."""

    view: str = ""
    modality: str = ""
    severity: str = ""
    since: str = ""
    ensemble: str = ""
    department: str = ""
    reader: str = ""
    state: str = ""
    sort: str = ""
    after: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Filters:
        known = {"view": TABS, "modality": Modality.values, "severity": Severity.values,
                 "since": SINCE, "state": STATES, "sort": SORTS}  # fmt: skip
        asked = {name: query.get(name, "") for name in known}
        ids = {name: query.get(name, "") for name in ("ensemble", "department", "reader")}
        return cls(
            **{name: value if value in known[name] else "" for name, value in asked.items()},
            **{
                name: value if value == NOBODY or _is_id(value) else ""
                for name, value in ids.items()
            },
            after=query.get("after", "")[:120],
        )

    @property
    def chosen(self) -> list[str]:
        """The names of the filters that are set, the tab left out."""
        names = (one.name for one in fields(self))
        return [one for one in names if one not in PLACE and getattr(self, one)]

    @property
    def are_set(self) -> bool:
        return bool(self.view or self.chosen)

    @property
    def tells(self) -> set[str]:
        """Return which of TOLD and READABLE a study must be to be in the answer."""
        needs = {TABS[self.view][1], TOLD if self.severity else ""}
        if self.state in Reading.values and self.state:
            needs.add(READABLE)
        return needs - {""}

    def query(self, **changes: str) -> str:
        """Return the address that asks the same but for `changes`; the place is left out."""
        other = replace(self, **{"after": ""} | changes)
        asked = {one.name: getattr(other, one.name) for one in fields(other)}
        return urlencode({name: value for name, value in asked.items() if value})


def tab_condition(view: str, user) -> Q:
    """Return what the studies of a tab have in common."""
    return {
        ALL: Q(),
        "mine": Q(reader=user),
        "review": Q(reading=Reading.UNREAD),
        "unsigned": Q(reading=Reading.DRAFT),
        "live": Q(work=Work.LIVE),
        "failed": Q(work=Work.FAILED),
        "new": Q(work=Work.NEW),
        "high": Q(severity=Severity.HIGH) & ~Q(reading=Reading.SIGNED),
        "signed": Q(signed_at__gte=_midnight()),
    }[view]


def condition(filters: Filters, user) -> Q:
    """Return all that was asked for as one condition."""
    wanted = tab_condition(filters.view, user)
    if filters.modality:
        wanted &= Q(modality=filters.modality)
    if filters.severity:
        wanted &= Q(severity=filters.severity)
    if filters.since:
        wanted &= Q(created_at__gte=now() - timedelta(days=int(filters.since)))
    for name in ("ensemble", "department", "reader"):
        value = getattr(filters, name)
        if value:
            wanted &= Q(**{name: None if value == NOBODY else value})
    if filters.state in Work.values:
        wanted &= Q(work=filters.state)
    elif filters.state:
        wanted &= Q(reading=filters.state)
    return wanted


def ordered(studies: QuerySet, sort: str, *, told_wholly: bool) -> QuerySet:
    """Return the studies in that order; where a reader may not know, urgency says nothing."""
    columns = list(ORDERS[sort])
    if sort == "urgency" and not told_wholly:
        known = Q(**{TOLD: True}) | Q(answer=None)
        urgency = Case(When(known, then=F("urgency")), default=Value(UNTOLD))
        studies = studies.annotate(urgent=urgency)
        columns[0] = ("urgent", False)
    return studies.order_by(*(f"-{name}" if falls else name for name, falls in columns))


def token_of(study, sort: str) -> str:
    """Return the place right behind this study, as an address takes it."""
    values = (getattr(study, _column(study, name)) for name, _falls in ORDERS[sort])
    return "~".join(one.isoformat() if isinstance(one, datetime) else str(one) for one in values)


def behind(studies: QuerySet, sort: str, token: str) -> QuerySet:
    """Continue behind the place that `token` names; a token that is none starts at the top."""
    columns = ORDERS[sort]
    values = _values(token, columns)
    if values is None:
        return studies
    names = ["urgent" if name == "urgency" and "urgent" in studies.query.annotations else name
             for name, _falls in columns]  # fmt: skip
    found, equal = Q(), Q()
    for name, (_name, falls), value in zip(names, columns, values, strict=True):
        found |= equal & Q(**{f"{name}__{'lt' if falls else 'gt'}": value})
        equal &= Q(**{name: value})
    first = f"{names[0]}__{'lte' if columns[0][1] else 'gte'}"
    return studies.filter(Q(**{first: values[0]}) & found)  # the first part walks an index


def _values(token: str, columns) -> list | None:
    reads = {"urgency": _small, "place": _small, "created_at": _moment, "id": uuid.UUID}
    parts = token.split("~")
    if len(parts) != len(columns):
        return None
    try:
        return [reads[name](part) for (name, _falls), part in zip(columns, parts, strict=True)]
    except ValueError:
        return None


def _small(text: str) -> int:
    if not 0 <= int(text) < 1000:
        raise ValueError(text)
    return int(text)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment


def _column(study, name: str) -> str:
    return "urgent" if name == "urgency" and hasattr(study, "urgent") else name


def _midnight() -> datetime:
    return localtime().replace(hour=0, minute=0, second=0, microsecond=0)


def _is_id(value: str) -> bool:
    try:
        uuid.UUID(value)
    except ValueError:
        return False
    return True
