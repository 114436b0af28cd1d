"""The dashboard of whoever is signed in, and the organisation's figures."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.access import demand, requires, signed_in
from accounts.selectors import user_may
from analytics.counting import VIEW, VIEW_READERS, departments_of, ensembles_of
from analytics.drift_page import drift_of
from analytics.figures import figures_csv
from analytics.filters import PERIODS, Filters, Span
from analytics.models_page import models_of
from analytics.overview import overview_of
from analytics.readers_page import readers_of
from analytics.selectors import dashboard_of
from imaging.models import Modality

TABS = {
    "overview": (gettext_lazy("Overview"), VIEW, overview_of),
    "models": (gettext_lazy("Models"), VIEW, models_of),
    "readers": (gettext_lazy("Readers"), VIEW_READERS, readers_of),
    "drift": (gettext_lazy("Drift"), VIEW, drift_of),
}
# of each page: its name, who may open it, what it says


@require_safe
@signed_in
def dashboard(request: HttpRequest) -> HttpResponse:
    context = {
        "dashboard": dashboard_of(request.user),
        "may_upload": user_may(request.user, "upload.create"),
        "may_run": user_may(request.user, "run.submit"),
        "may_research": user_may(request.user, "pixels.view_deidentified"),
    }
    return render(request, "analytics/dashboard.html", context)


@require_safe
@requires(VIEW)
def overview(request: HttpRequest) -> HttpResponse:
    return _shown(request, "overview")


@require_safe
@requires(VIEW)
def models(request: HttpRequest) -> HttpResponse:
    return _shown(request, "models")


@require_safe
@requires(VIEW_READERS)
def readers(request: HttpRequest) -> HttpResponse:
    return _shown(request, "readers")


@require_safe
@requires(VIEW)
def drift(request: HttpRequest) -> HttpResponse:
    return _shown(request, "drift")


@require_safe
@requires(VIEW)
@translation.override(settings.LANGUAGE_CODE)
def figures_file(request: HttpRequest, page: str) -> StreamingHttpResponse:
    """Give the tables of a page as one file; with ?figure= the table of one of its charts."""
    if page not in TABS:
        raise Http404
    _title, action, read = TABS[page]
    demand(request, action)
    filters = Filters.from_query(request.GET)
    at = now()
    figures = list(read(request.user, filters, at).figures)
    wanted = request.GET.get("figure", "")
    if wanted:
        figures = [one for one in figures if one.key == wanted]
        if not figures:
            raise Http404
    lines = figures_csv(figures, _scope(request.user, filters, at))
    answer = StreamingHttpResponse(list(lines), content_type="text/csv; charset=utf-8")
    name = f"{page}-{wanted}" if wanted else page
    answer["Content-Disposition"] = f'attachment; filename="mediscan-{name}.csv"'
    return answer


def _shown(request: HttpRequest, key: str) -> HttpResponse:
    filters, at = Filters.from_query(request.GET), now()
    title, _action, read = TABS[key]
    page = read(request.user, filters, at)
    context = {
        "key": key,
        "title": title,
        "page": page,
        "filters": filters,
        "said": _scope(request.user, filters, at),
        "tabs": [
            (f"analytics:{name}", label, name == key)
            for name, (label, action, _read) in TABS.items() if user_may(request.user, action)
        ],
        "periods": PERIODS.items(),
        "modalities": Modality.choices,
        "departments": departments_of(request.user),
        "ensembles": ensembles_of(request.user),
    }  # fmt: skip
    return render(request, "analytics/figures.html", context)


def _scope(user, filters: Filters, at) -> str:
    """Say which time, kind, department and ensemble the numbers are about."""
    departments, ensembles = dict(departments_of(user)), dict(ensembles_of(user))
    said = [Span.of(filters, at).said]
    if filters.modality:
        said.append(str(Modality(filters.modality).label))
    if filters.department:
        said.append(departments.get(filters.department, _("another department")))
    if filters.ensemble:
        said.append(ensembles.get(filters.ensemble, _("another ensemble")))
    return ", ".join(said)
