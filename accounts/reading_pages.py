"""Where reading first is turned on: for all readers of a house, or by a reader for oneself."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import requires, signed_in, step_up
from accounts.selectors import organisations_of
from accounts.services.reading import reading_first_set, reading_first_wish


@require_POST
@requires("people.manage")
@step_up
def reading_first_of(request: HttpRequest, pk) -> HttpResponse:
    organisation = get_object_or_404(organisations_of(request.user, "people.manage"), pk=pk)
    on = request.POST.get("read_first") == "on"
    if reading_first_set(by=request.user, organisation=organisation, on=on):
        messages.success(
            request, _("Readers read first now.") if on else _("Readers no longer read first.")
        )
    return redirect("people:list", organisation.pk)


@require_http_methods(["GET", "POST"])
@signed_in
def reading_mine(request: HttpRequest) -> HttpResponse:
    """Show whether one reads first, why, and let it be turned on."""
    if request.method == "POST":
        if reading_first_wish(user=request.user):
            messages.success(request, _("You read first now."))
        return redirect("accounts:reading")
    houses = organisations_of(request.user, "review.save").order_by("name")
    context = {"houses": houses, "is_reader": houses.exists()}
    return render(request, "accounts/reading.html", context)
