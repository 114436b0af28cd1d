"""The page of one's own account: where it leads, and how the pages should look, act and write.

On the roof, because the colours are imaging's and the rest is the gatehouse's.
"""

from __future__ import annotations

from http import HTTPStatus

from allauth.core.exceptions import ReauthenticationRequired
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import signed_in
from accounts.account_state import account_state
from accounts.forms_preferences import PreferencesForm, one_preference
from accounts.proof import is_fresh
from accounts.selectors import user_may
from accounts.services.preferences import preferences_save
from imaging.palettes import palette
from imaging.result_page import PALETTE_NAMES

STRIPE = 12  # colours of a swatch


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def account(request: HttpRequest) -> HttpResponse:
    """Show the account; keep what is chosen. Another name asks again who it is: it signs."""
    user, sent = request.user, request.POST if request.method == "POST" else None
    form = PreferencesForm(sent, user=user, palettes=_swatches())
    if form.is_valid():
        if form.cleaned_data["name"] != user.name and not is_fresh(request):
            raise ReauthenticationRequired
        preferences_save(user=user, **form.cleaned_data)
        messages.success(request, _("Your choice is kept."))
        return redirect("account")
    shown = {
        "form": form,
        "state": account_state(user, session=request.session.session_key),
        "can_use_slicer": user_may(user, "result.view"),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "account.html", shown, status=status)


@require_POST
@signed_in
def preference(request: HttpRequest) -> HttpResponse:
    """Keep the one choice that a page sends as soon as it is made: a theme, colours, the keys."""
    form = one_preference(request.POST, user=request.user, palettes=PALETTE_NAMES)
    if not form.is_valid():
        text = " ".join(error for errors in form.errors.values() for error in errors)
        return HttpResponse(text, status=HTTPStatus.UNPROCESSABLE_ENTITY, content_type="text/plain")
    chosen = {name: form.cleaned_data[name] for name in ("theme", "palette", "shortcuts")}
    preferences_save(user=request.user, **chosen)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def _swatches() -> dict[str, SafeString]:
    """Return each palette's words with a stripe of its colours, from little to much."""
    found = {}
    for name, words in PALETTE_NAMES.items():
        table = palette(name)[:: 255 // (STRIPE - 1)]
        parts = ((at, f"#{colour.tobytes().hex()}") for at, colour in enumerate(table))
        drawn = format_html_join("", '<rect x="{}" width="1.1" height="1" fill="{}"/>', parts)
        stripe = '<svg viewBox="0 0 {} 1" preserveAspectRatio="none" aria-hidden="true">{}</svg>{}'
        found[name] = format_html(stripe, len(table), drawn, words)
    return found
