"""The worklist: a page of studies, how each stands, in a fixed number of queries."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.http import QueryDict

from accounts.selectors import reads_first_at
from imaging.forms import uuids
from imaging.models import Image, Job, Result, Review, Study
from imaging.scope import may_see
from imaging.selectors import (
    pixels_open,
    results_held_back,
    results_readable_by,
    results_readable_wholly,
    results_told_wholly,
    results_visible_to,
    studies_visible_to,
)
from imaging.worklist_choices import Chip, Own, chips_of, choices_of
from imaging.worklist_filters import (
    READABLE,
    TABS,
    TOLD,
    Filters,
    behind,
    condition,
    ordered,
    tab_condition,
    token_of,
)

PAGE_SIZE = 25
MOST_CHOSEN = 2001  # one more than anything takes, so that it is refused and not cut short
UNSHOWN = ("review__comment", "review__amendment", "review__row", "review__lesions",
           "job__run__override_reason", "accession_number", "studied_at")  # fmt: skip
__all__ = ["PAGE_SIZE", "Filters", "Page", "Row", "matching", "worklist_page"]


@dataclass(frozen=True, slots=True)
class Row:
    """One study as a line: a picture, what was found, where the work and the reading stand.

    image_id      only if the reader may see that picture, `result` and `review` alike.
    result        the worst unread one, else the worst of those read last (MEASURES §9).
    is_ready      there is a result, for this reader or for others.
    assessed      how many images have a severity word, and how many have none; 0 where untold.
    without       the member whose failure `job` tells of, if its sentence names one.
    to_read       the first image that the reader is to read before they are sent its results.
    """

    study: Study
    image_count: int
    image_id: uuid.UUID | None
    job: Job | None
    result: Result | None
    review: Review | None
    assessed: int
    not_assessed: int
    without: str = ""

    to_read: uuid.UUID | None = None

    @property
    def is_ready(self) -> bool:
        return self.study.answer_id is not None


@dataclass(frozen=True, slots=True)
class Tab:
    """A saved view with the number of its studies."""

    key: str
    label: str
    query: str
    count: int
    is_current: bool = False
    saved: uuid.UUID | None = None  # the view of one's own that it is


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Row]
    next_query: str
    sort: str
    total: int
    tabs: list[Tab]
    chips: list[Chip]
    choices: dict[str, list[tuple[str, str]]]

    @property
    def own(self) -> Tab | None:
        """The view of one's own that is shown."""
        return next((tab for tab in self.tabs if tab.is_current and tab.saved), None)


def worklist_page(user, filters: Filters) -> Page:
    """Return the studies `user` may see, in the order asked for, from `filters.after` on."""
    tells = may_see(user, "result.view")
    sort = filters.sort or ("urgency" if tells else "date")
    sort = "date" if sort == "urgency" and not tells else sort
    wholly = results_told_wholly(user)
    choices, saved = choices_of(user)
    counts = _counts(user, filters, saved, tells=tells)
    found = ordered(matching(user, filters), sort, told_wholly=wholly)
    found = behind(found, sort, filters.after)
    found = found.select_related("patient", "reader", "job__run", "review__author")
    shown = list(found.defer(*UNSHOWN)[: PAGE_SIZE + 1])
    last = shown[PAGE_SIZE - 1] if len(shown) > PAGE_SIZE else None
    return Page(
        rows=_rows(user, shown[:PAGE_SIZE]),
        next_query=filters.query(after=token_of(last, sort)) if last else "",
        sort=sort,
        total=counts["matching"],
        tabs=_tabs(filters, saved, counts),
        chips=chips_of(filters, choices),
        choices=choices,
    )


def matching(user, filters: Filters) -> QuerySet[Study]:
    """Return the studies asked for; a filter that tells of results asks who may know."""
    asked = _knowing(user)
    studies = studies_visible_to(user).annotate(**asked)
    return studies.filter(condition(filters, user) & _known(filters.tells, asked))


def studies_chosen(user, sent: QueryDict) -> list[uuid.UUID]:
    """Return the studies that a form means: those ticked, or all that match what was asked for."""
    asked = sent.get("matching")
    if not asked:
        return uuids(sent.getlist("study"))
    found = matching(user, Filters.from_query(QueryDict(asked)))
    return list(found.order_by("-created_at", "-id").values_list("pk", flat=True)[:MOST_CHOSEN])


def _tabs(filters: Filters, saved: list[Own], counts: Mapping[str, int]) -> list[Tab]:
    """Return the tabs that were counted, the reader's own behind those of the house."""
    here = filters.query()
    own = [
        Tab(str(one.pk), one.name, one.query, counts[f"own_{one.pk.hex}"],
            one.query == here, one.pk)
        for one in saved
    ]  # fmt: skip
    is_own = any(tab.is_current for tab in own)
    return [
        Tab(key, label, Filters(view=key).query(), counts[f"tab_{key}"],
            filters.view == key and not is_own)
        for key, (label, _needs) in TABS.items()
        if f"tab_{key}" in counts
    ] + own  # fmt: skip


def _counts(user, filters: Filters, saved: list[Own], *, tells: bool) -> dict[str, int]:
    """Return by one query how many studies each tab holds, and how many match."""
    knowing = _knowing(user)
    studies = studies_visible_to(user).annotate(**knowing)
    asked = condition(filters, user) & _known(filters.tells, knowing)
    wanted = {
        f"tab_{key}": tab_condition(key, user) & _known([needs], knowing)
        for key, (_label, needs) in TABS.items()
        if tells or not needs
    }
    for one in saved:
        kept = Filters.from_query(QueryDict(one.query))
        wanted[f"own_{one.pk.hex}"] = condition(kept, user) & _known(kept.tells, knowing)
    return studies.aggregate(
        **{
            name: Count("pk", filter=one or None)
            for name, one in (wanted | {"matching": asked}).items()
        }
    )


def _to_read(user, ids: list[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Return by study the first image to be read, in the order of the study and of nothing else."""
    if not reads_first_at(user):
        return {}
    held = results_held_back(user).filter(image__study__in=ids).values("image")
    images = Image.objects.filter(pk__in=held).order_by("-created_at", "-id")
    return dict(images.values_list("study", "pk"))


def member_blamed(job: Job | None) -> str:
    """Return the one member that a failed job's sentence names, if the run has others."""
    if job is None or not job.error:
        return ""
    names = [member["model"] for member in job.run.frozen["members"]]
    blamed = [name for name in names if f"“{name}”" in job.error]
    return blamed[0] if blamed and len(names) > 1 else ""


def _knowing(user) -> dict[str, Exists]:
    """Return what must be asked of each study: nothing, for whoever may know everything."""
    asked = {}
    if not results_told_wholly(user):
        asked[TOLD] = results_visible_to(user)
    if not results_readable_wholly(user):
        asked[READABLE] = results_readable_by(user)
    answer = OuterRef("answer")
    return {
        name: Exists(rows.select_related(None).order_by().filter(pk=answer))
        for name, rows in asked.items()
    }


def _known(needs: Iterable[str], asked: Mapping[str, Exists]) -> Q:
    return Q(**{name: True for name in needs if name in asked})


def _rows(user, shown: list[Study]) -> list[Row]:
    ids = [study.pk for study in shown]
    images = Image.objects.filter(study=OuterRef("pk"))
    first = images.order_by("created_at", "id").values("pk")[:1]
    count = images.order_by().values("study").annotate(n=Count("pk")).values("n")
    asked = Study.objects.filter(pk__in=ids).order_by()
    facts = {
        pk: (image, number or 0)
        for pk, image, number in asked.values_list("pk", Subquery(first), Subquery(count))
    }
    readable = results_visible_to(user).select_related(None).select_related("job__run")
    results = readable.defer("table", "slices", "ranges").in_bulk(
        [one.answer_id for one in shown if one.answer_id]
    )
    pictures = {
        study.pk: results[study.answer_id].image_id if study.answer_id in results
        else facts[study.pk][0]
        for study in shown
    }  # fmt: skip
    held = _to_read(user, ids)
    open_ = pixels_open(user, [one for one in pictures.values() if one])
    return [
        Row(
            study=study,
            image_count=facts[study.pk][1],
            image_id=pictures[study.pk] if pictures[study.pk] in open_ else None,
            job=study.job,
            without=member_blamed(study.job),
            to_read=held.get(study.pk),
            result=results.get(study.answer_id),
            review=study.review if study.answer_id in results else None,
            assessed=study.assessed if study.answer_id in results else 0,
            not_assessed=study.not_assessed if study.answer_id in results else 0,
        )
        for study in shown
    ]
