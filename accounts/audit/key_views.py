"""The auditor's page on keys: which there are, how old, what lies under each."""

from __future__ import annotations

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts import audit
from accounts.access import requires
from accounts.selectors_keys import (
    ACTION,
    counted_under,
    files_counted,
    house_keys,
    key_lines,
    patient_keys,
    patient_keys_counted,
)
from accounts.throttle import limited

SHOWN = 50
COUNT = "count"


@require_GET
@requires(ACTION)
@limited("keys", "12/m")
def key_list(request: HttpRequest) -> HttpResponse:
    """Show the state of the keys; what lies under each is counted when it is asked for."""
    counts = counted_under(request.user) if COUNT in request.GET else None
    pages = Paginator(patient_keys(request.user), SHOWN)
    page = pages.get_page(request.GET.get("page"))
    audit.record(request.user, "audit.view", reason="state of keys")
    context = {
        "lines": key_lines(house_keys(request.user), counts),
        "page": page,
        "patient_lines": key_lines(page.object_list, counts),
        "patients": patient_keys_counted(request.user),
        "files": files_counted(request.user),
        "is_counted": counts is not None,
        "advised_days": settings.KEY_ADVISED_DAYS,
    }
    return render(request, "audit/key_list.html", context)
