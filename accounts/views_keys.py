"""The administrator's page of API keys: list, make, revoke; in their own organisation only."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import requires, step_up
from accounts.forms_keys import ApiKeyForm
from accounts.selectors import api_keys_visible_to, organisations_of
from accounts.services.api_keys import KeyExists, api_key_create, api_key_revoke

ACTION = "apikey.manage"


@requires(ACTION)
@require_safe
def api_key_list(request: HttpRequest) -> HttpResponse:
    keys = api_keys_visible_to(request.user)
    return render(request, "accounts/api_key_list.html", {"keys": keys})


@requires(ACTION)
@step_up
@require_http_methods(["GET", "HEAD", "POST"])
def api_key_new(request: HttpRequest) -> HttpResponse:
    """Ask for scopes, life and addresses; then show the secret, this once."""
    organisations = organisations_of(request.user, ACTION)
    form = ApiKeyForm(request.POST or None, organisations=organisations)
    if not form.is_valid():
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
        return render(request, "accounts/api_key_form.html", {"form": form}, status=status)
    try:
        key, text = api_key_create(**form.wanted(), by=request.user, request_id=request.request_id)
    except KeyExists:
        messages.info(request, _("This key was made already. Its secret is not shown again."))
        return redirect("accounts:api-key-list")
    shown = {"key": key, "text": text, "address": settings.PUBLIC_BASE_URL}
    return render(request, "accounts/api_key_secret.html", shown, status=HTTPStatus.CREATED)


@requires(ACTION)
@step_up
@require_http_methods(["GET", "HEAD", "POST"])
def api_key_revoke_view(request: HttpRequest, pk) -> HttpResponse:
    """Say what will stop, then stop it; there is no way back."""
    key = get_object_or_404(api_keys_visible_to(request.user), pk=pk)
    if request.method != "POST":
        return render(request, "accounts/api_key_revoke.html", {"key": key})
    if api_key_revoke(key=key, by=request.user, request_id=request.request_id):
        messages.success(request, _("The key was revoked. It opens nothing any more."))
    return redirect("accounts:api-key-list")
