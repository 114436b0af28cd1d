"""The gate behind the door: where a second factor is compulsory, nothing opens without it."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.services.factors import has_factor, is_verified

ALWAYS = "always"
AFTER_ENROLMENT = "after_enrolment"  # in the session: the page that was asked for
ENROLMENT = {
    "mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "account_reauthenticate",
    "account_logout", "help",
}  # fmt: skip


class SecondFactorGate:
    """Send who has not shown a second factor to the page that asks for it, or that sets one up.

    Only where `settings.SECOND_FACTOR` is "always"; else the admin site and what
    needs a step-up ask for themselves.
    """

    def __init__(self, get_response) -> None:
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view_func, view_args, view_kwargs):
        if settings.SECOND_FACTOR != ALWAYS or not request.user.is_authenticated:
            return None
        if is_verified(request) or not getattr(view_func, "login_required", True):
            return None
        name = request.resolver_match.view_name
        is_change = name == "account_change_password" and request.user.must_change_password
        if name in ENROLMENT or is_change:
            return None
        return factor_asked(request)


def factor_asked(request: HttpRequest, wanted: str = "") -> HttpResponse:
    """Answer a person without a verified factor: show it, or enrol one; then on to the page."""
    wanted = wanted or (request.get_full_path() if request.method == "GET" else "")
    if has_factor(request.user):
        where = f"{reverse('account_reauthenticate')}?{urlencode({'next': wanted or '/'})}"
    else:
        request.session[AFTER_ENROLMENT] = wanted
        where = reverse("mfa_activate_totp")
    if "HX-Request" not in request.headers:
        return redirect(where)
    return HttpResponse(status=401, headers={"HX-Redirect": where})
