"""Where a language is chosen: on the account by whoever is signed in, in a cookie by others."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.languages import is_offered
from accounts.services.languages import language_choose


@login_not_required
@require_http_methods(["GET", "POST"])
def language(request: HttpRequest) -> HttpResponse:
    """Offer each language in its own words; keep the one that is chosen and go back."""
    if request.method != "POST":
        return render(request, "accounts/language.html", {"frame": _frame(request)})
    chosen, is_known = request.POST.get("language", ""), request.user.is_authenticated
    if not is_offered(chosen) and not (chosen == "" and is_known):
        return HttpResponseBadRequest("This language is not offered.", content_type="text/plain")
    answer = redirect(_way_back(request))
    if is_known:
        language_choose(user=request.user, language=chosen)
        with translation.override(chosen or None):
            messages.success(request, _("Your language is kept."))
        return answer
    answer.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        chosen,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
        samesite=settings.LANGUAGE_COOKIE_SAMESITE,
    )
    return answer


def _frame(request: HttpRequest) -> str:
    return "base.html" if request.user.is_authenticated else "base_public.html"


def _way_back(request: HttpRequest) -> str:
    """The page where it was chosen, if that is one of ours."""
    asked = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(
        asked, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return asked if ours else "accounts:language"
