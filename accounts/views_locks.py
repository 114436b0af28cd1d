"""The administrators' page of who has to wait, and the button that lifts it."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import requires, step_up
from accounts.selectors import locks_visible_to, organisations_of, people_visible_to, user_may
from accounts.services.locks import lock_lift


@require_GET
@requires("lock.view")
def lock_list(request: HttpRequest) -> HttpResponse:
    context = {
        "locks": locks_visible_to(request.user, at=now()),
        "may_lift": user_may(request.user, "lock.lift"),
    }
    return render(request, "accounts/lock_list.html", context)


@require_POST
@requires("lock.lift")
@step_up
def lock_lift_view(request: HttpRequest, pk) -> HttpResponse:
    person = get_object_or_404(people_visible_to(request.user, "lock.lift"), pk=pk)
    if person == request.user:
        raise PermissionDenied(_("Another administrator must lift your own lock."))
    house = organisations_of(request.user, "lock.lift").filter(memberships__user=person).first()
    if lock_lift(user=person, organisation=house, by=request.user, request_id=request.request_id):
        messages.success(request, _("The wait is lifted. The person may try again now."))
    return redirect("locks:list")
