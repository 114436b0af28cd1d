"""Where the first administrator is made, while there is none; afterwards there is no such page."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import audit
from accounts.forms_setup import SetupForm
from accounts.services.setup import SetupError, code_is_right, setup_administrator, setup_is_open
from accounts.throttle import attempt_check, attempt_failed, attempt_succeeded, client_ip


@login_not_required
@sensitive_post_parameters("code", "password1", "password2")
@require_http_methods(["GET", "HEAD", "POST"])
def setup(request: HttpRequest) -> HttpResponse:
    """Ask for the code before anything else is believed; every wrong one is counted and kept."""
    if not setup_is_open():
        raise Http404
    form = SetupForm(request.POST if request.method == "POST" else None)
    if form.is_bound and _shown(request, form) and form.is_valid():
        given = form.cleaned_data
        try:
            setup_administrator(
                email=given["email"], name=given["name"], password=given["password1"],
                organisation_name=given["organisation"],
            )  # fmt: skip
        except SetupError:
            raise Http404 from None
        messages.success(request, _("You are the administrator. Sign in to go on."))
        return redirect("account_login")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "accounts/setup.html", {"form": form}, status=status)


def _shown(request: HttpRequest, form: SetupForm) -> bool:
    """Check the code first and alone: of a form without it nothing else is said."""
    account = f"setup:{client_ip(request)}"  # nobody holds up whoever sits elsewhere
    attempt_check(request, kind="code", account=account)
    if code_is_right(request.POST.get("code", "")):
        attempt_succeeded(request, kind="code", account=account)
        return True
    attempt_failed(request, kind="code", account=account)
    audit.record(None, "system.setup_refuse", outcome="refused")
    form.errors.clear()
    form.add_error("code", _("This code is wrong or too old. Print a new one on the server."))
    return False
