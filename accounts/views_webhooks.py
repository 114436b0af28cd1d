"""The administrator's pages of webhooks: endpoints, their secrets shown once, their deliveries."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import requires, step_up
from accounts.forms_webhooks import EndpointForm, NewEndpointForm
from accounts.models import WebhookEndpoint
from accounts.selectors import (
    organisations_of,
    webhook_deliveries_visible_to,
    webhooks_visible_to,
)
from accounts.services.webhooks import (
    EndpointExists,
    delivery_resend,
    webhook_change,
    webhook_create,
    webhook_remove,
    webhook_rotate,
    webhook_test,
)

ACTION = "webhook.manage"
OF_A_PAGE = 50


@requires(ACTION)
@require_safe
def webhook_list(request: HttpRequest) -> HttpResponse:
    endpoints = webhooks_visible_to(request.user)
    return render(request, "accounts/webhook_list.html", {"endpoints": endpoints})


@requires(ACTION)
@step_up
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_new(request: HttpRequest) -> HttpResponse:
    """Ask where to and of what; then show the secret, this once."""
    organisations = organisations_of(request.user, ACTION)
    form = NewEndpointForm(request.POST or None, organisations=organisations)
    if form.is_valid():
        try:
            return _secret(request, webhook_create(by=request.user, **form.wanted()))
        except EndpointExists:
            messages.info(request, _("It was made already. Its secret is not shown again."))
            return redirect("accounts:webhook-list")
        except ValidationError as error:
            form.add_error(None, error)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "accounts/webhook_form.html", {"form": form}, status=status)


@requires(ACTION)
@require_safe
def webhook_detail(request: HttpRequest, pk) -> HttpResponse:
    """Show one endpoint with what was sent there, newest first."""
    endpoint = _endpoint(request, pk)
    pages = Paginator(endpoint.deliveries.all(), OF_A_PAGE)
    shown = {"endpoint": endpoint, "page": pages.get_page(request.GET.get("page"))}
    return render(request, "accounts/webhook_detail.html", shown)


@requires(ACTION)
@step_up
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_edit(request: HttpRequest, pk) -> HttpResponse:
    """Change the address or the events; the secret stays."""
    endpoint = _endpoint(request, pk)
    said = {"url": endpoint.url, "events": endpoint.events}
    form = EndpointForm(request.POST or None, initial=said)
    if form.is_valid():
        webhook_change(by=request.user, endpoint=endpoint, **form.cleaned_data)
        messages.success(request, _("The webhook was changed."))
        return redirect("accounts:webhook-detail", pk=pk)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    shown = {"form": form, "endpoint": endpoint}
    return render(request, "accounts/webhook_form.html", shown, status=status)


@require_POST
@requires(ACTION)
@step_up
def webhook_switch(request: HttpRequest, pk) -> HttpResponse:
    """Switch it on, or off, as the button says."""
    is_on = request.POST.get("on") == "1"
    webhook_change(by=request.user, endpoint=_endpoint(request, pk), is_on=is_on)
    said = _("The webhook is on. What waits is sent now.") if is_on else _("The webhook is off.")
    messages.success(request, said)
    return redirect("accounts:webhook-detail", pk=pk)


@require_POST
@requires(ACTION)
@step_up
def webhook_rotate_view(request: HttpRequest, pk) -> HttpResponse:
    """Make a new secret and show it, this once."""
    return _secret(request, webhook_rotate(by=request.user, endpoint=_endpoint(request, pk)))


@require_POST
@requires(ACTION)
@step_up
def webhook_test_view(request: HttpRequest, pk) -> HttpResponse:
    endpoint = _endpoint(request, pk)
    try:
        webhook_test(by=request.user, endpoint=endpoint)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("A test message is on its way. Look below in a moment."))
    return redirect("accounts:webhook-detail", pk=pk)


@requires(ACTION)
@step_up
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_remove_view(request: HttpRequest, pk) -> HttpResponse:
    """Say what will stop, then stop it; there is no way back."""
    endpoint = _endpoint(request, pk)
    if request.method != "POST":
        return render(request, "accounts/webhook_remove.html", {"endpoint": endpoint})
    webhook_remove(by=request.user, endpoint=endpoint)
    messages.success(request, _("The webhook was removed. Nothing is sent there any more."))
    return redirect("accounts:webhook-list")


@require_POST
@requires(ACTION)
@step_up
def delivery_resend_view(request: HttpRequest, pk) -> HttpResponse:
    delivery = get_object_or_404(webhook_deliveries_visible_to(request.user), pk=pk)
    try:
        delivery_resend(by=request.user, delivery=delivery)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("The message is sent again, under the same id."))
    return redirect("accounts:webhook-detail", pk=delivery.endpoint_id)


def _endpoint(request: HttpRequest, pk) -> WebhookEndpoint:
    return get_object_or_404(webhooks_visible_to(request.user), pk=pk)


def _secret(request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponse:
    shown = {"endpoint": endpoint, "text": endpoint.secret}
    return render(request, "accounts/webhook_secret.html", shown, status=HTTPStatus.CREATED)
