"""The worklist page, and what is done with many studies at once."""

from __future__ import annotations

from collections import Counter

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from accounts import audit
from accounts.access import requires
from accounts.selectors import grants_of, user_may
from imaging.forms import uuids
from imaging.models import Modality, SavedView, Severity
from imaging.reading import reads
from imaging.scope import may_see
from imaging.services.readers import studies_assign
from imaging.services.saved_views import view_forget, view_save
from imaging.worklist import studies_chosen, worklist_page
from imaging.worklist_choices import readers_of
from imaging.worklist_filters import NOBODY, SINCE, SORTS, STATES, Filters


@require_GET
@reads("study.view")
def study_list(request: HttpRequest) -> HttpResponse:
    filters = Filters.from_query(request.GET)
    tells = may_see(request.user, "result.view")
    context = {
        "page": worklist_page(request.user, filters),
        "filters": filters,
        "modalities": Modality.choices,
        "severities": Severity.choices,
        "since": SINCE.items(),
        "states": STATES.items(),
        "sorts": [one for one in SORTS.items() if tells or one[0] != "urgency"],
        "to": {name: filters.query(sort=name) for name in SORTS},
        "may_review": user_may(request.user, "review.save"),
        "may_assign": user_may(request.user, "study.assign"),
        "may_run": user_may(request.user, "run.submit"),
        "may_export": user_may(request.user, "export.create"),
        "may_export_bulk": user_may(request.user, "export.create_bulk"),
        "may_upload": user_may(request.user, "upload.create"),
        "may_view_results": tells,
    }
    chosen = [*(("view",) if filters.view else ()), *filters.chosen]
    audit.record(request.user, "record.list", reason=", ".join(chosen))
    return render(request, "imaging/study_list.html", context)


@require_POST
@requires("study.assign")
def study_assign(request: HttpRequest) -> HttpResponse:
    """Give the chosen studies to a reader, and say of how many that was done."""
    wanted = request.POST.get("assign_to", "")
    houses = {one.organisation_id for one in grants_of(request.user, "study.assign")}
    reader = readers_of(houses).filter(pk__in=uuids([wanted])).first()
    if reader is None and wanted != NOBODY:
        messages.error(request, _("Choose whom to assign the studies to."))
        return redirect(_back(request))
    try:
        chosen = studies_chosen(request.user, request.POST)
        outcome = studies_assign(by=request.user, studies=chosen, reader=reader)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        _tell(request, outcome, str(reader) if reader else _("nobody"))
    return redirect(_back(request))


@require_POST
@requires("study.view")
def view_keep(request: HttpRequest) -> HttpResponse:
    """Keep the filters of the page as a tab of one's own."""
    query = Filters.from_query(QueryDict(request.POST.get("here", ""))).query()
    try:
        view_save(user=request.user, name=request.POST.get("name", ""), query=query)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect(_back(request))


@require_POST
@requires("study.view")
def view_drop(request: HttpRequest, pk) -> HttpResponse:
    """Take a tab of one's own away."""
    view = get_object_or_404(SavedView.objects.filter(user=request.user), pk=pk)
    view_forget(user=request.user, view=view)
    messages.success(request, _("The view is forgotten; its studies stay."))
    return redirect("imaging:study-list")


def _tell(request: HttpRequest, outcome: Counter[str], name: str) -> None:
    done = outcome.pop("", 0)
    said = ngettext(
        "%(n)d study assigned to %(name)s", "%(n)d studies assigned to %(name)s", done
    ) % {"n": done, "name": name}
    skipped = [_("%(n)d skipped: %(why)s") % {"n": n, "why": why} for why, n in outcome.items()]
    tell = messages.success if done else messages.warning
    tell(request, ", ".join([said, *skipped]) + ".")


def _back(request: HttpRequest) -> str:
    """Return the worklist as it was asked for; the form carries its filters."""
    query = Filters.from_query(QueryDict(request.POST.get("here", ""))).query()
    return reverse("imaging:study-list") + (f"?{query}" if query else "")
