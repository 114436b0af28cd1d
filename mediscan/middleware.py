"""The roof's own rules for every request: an id, no caching, nobody unknown."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from accounts.throttle import TooMany as TooManyError
from mediscan.logs import request_id
from mediscan.views import too_many

# Pages that a person with a temporary password may still open.
ALWAYS_OPEN = {"account_change_password", "account_logout", "account_reauthenticate"}


class RequestId:
    """Give each request an id of our own making; logs and error pages show it."""

    def __init__(self, get_response) -> None:
        self.get_response = get_response

    def __call__(self, request):
        request.request_id = secrets.token_hex(8)
        token = request_id.set(request.request_id)
        try:
            response = self.get_response(request)
        finally:
            request_id.reset(token)
        response["X-Request-ID"] = request.request_id
        return response


class PrivateAnswers:
    """Nothing that a signed-in person saw may stay in a cache."""

    def __init__(self, get_response) -> None:
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        user = getattr(request, "user", None)
        if user is not None and user.is_authenticated:
            response["Cache-Control"] = "no-store, private"
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.setdefault(
            "Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()"
        )
        return response


class BodyLimit:
    """A request that is larger than this house takes ends before a byte of it is read."""

    def __init__(self, get_response) -> None:
        self.get_response = get_response

    def __call__(self, request):
        try:
            length = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            length = 0
        if length > settings.UPLOAD_MAX_BYTES:
            limit = settings.UPLOAD_MAX_BYTES
            return render(request, "413.html", {"limit": limit, "length": length}, status=413)
        return self.get_response(request)


class LoginRequired(LoginRequiredMiddleware):
    """Send the anonymous to the login page; answer 401 where a page fetches data."""

    def handle_no_permission(self, request, view_func):
        if request.htmx or getattr(view_func, "answers_data", False):
            response = HttpResponse("Sign in first.", status=401, content_type="text/plain")
            if request.htmx:
                response["HX-Redirect"] = reverse("account_login")
            return response
        return super().handle_no_permission(request, view_func)


class PasswordMustChange:
    """Until a temporary password is replaced, only the page that replaces it opens."""

    def __init__(self, get_response) -> None:
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view_func, view_args, view_kwargs):
        user = request.user
        if not (user.is_authenticated and user.must_change_password):
            return None
        if request.resolver_match.view_name in ALWAYS_OPEN:
            return None
        if not getattr(view_func, "login_required", True):
            return None
        return redirect("account_change_password")


class TooMany:
    """Who has to wait is told for how long: 429 with a sentence."""

    def __init__(self, get_response) -> None:
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        return too_many(request, exception) if isinstance(exception, TooManyError) else None
