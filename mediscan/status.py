"""The page of the house's health, for staff and administrators."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import requires
from accounts.selectors import user_may
from mediscan.doctor import FAIL, OK, WARN
from mediscan.examining import asked_at, examination_ask, found_by_worker, found_here

ACTION = "house.view"


def may_look(user, action: str) -> bool:
    """Staff operate the house; a role need not say so."""
    return user.is_staff or user_may(user, action)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(ACTION, may=may_look)
def status(request: HttpRequest) -> HttpResponse:
    """Show what is well and what is not, each with its remedy; ask the worker to look again."""
    if request.method == "POST":
        is_new = examination_ask(by=request.user)
        words = _("The worker was asked to look.") if is_new else _("It was asked a moment ago.")
        messages.info(request, words)
        return redirect("status")
    here, (there, looked_at) = found_here(), found_by_worker()
    states = [one.state for one in (*here, *there)]
    shown = {
        "here": [one.said() for one in here],
        "there": [one.said() for one in there],
        "now": now(),
        "looked_at": looked_at,
        "asked_at": asked_at(),
        "worst": next((one for one in (FAIL, WARN) if one in states), OK),
        "failing": states.count(FAIL),
        "warned": states.count(WARN),
    }
    return render(request, "status.html", shown)
