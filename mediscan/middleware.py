"""The roof's own rules for every request: an id, no caching, nobody unknown."""

from __future__ import annotations

import logging
import time
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.db import IntegrityError
from django.http import HttpResponse, UnreadablePostError
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.api.problems import is_api, problem_response
from accounts.throttle import TooMany as TooManyError
from accounts.tracing import new_request_id, traced
from mediscan.policy import HEADERS
from mediscan.views import bad_request, not_allowed, sent_twice, too_large, too_many

# Pages that a person with a temporary password may still open.
ALWAYS_OPEN = {"account_change_password", "account_logout", "account_reauthenticate"}
access = logging.getLogger("mediscan.access")
faults = logging.getLogger("mediscan.faults")


class RequestId:
    """Give each request an id of our own making; logs, rows and error pages show it."""

    def __init__(self, get_response) -> None:
        self.get_response = get_response

    def __call__(self, request):
        request.request_id = new_request_id()
        began = time.monotonic()
        with traced(request.request_id):
            response = self.get_response(request)
            _access(request, response, elapsed_ms=1000 * (time.monotonic() - began))
        response["X-Request-ID"] = request.request_id
        return response


class ApiOverHttps:
    """Refuse a program that calls over plain http, where a person's browser is sent to https.

    A redirect would work, and each next call would show its secret on the way again.
    """

    def __init__(self, get_response) -> None:
        self.get_response = get_response

    def __call__(self, request):
        if settings.SECURE_SSL_REDIRECT and is_api(request) and not request.is_secure():
            sentence = _("Call this address by https. What was sent is known to others: renew it.")
            return problem_response(request, 403, sentence, code="https_required")
        return self.get_response(request)


class SiteHeaders:
    """What every answer says to the browser, static files and errors included."""

    def __init__(self, get_response) -> None:
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response.setdefault(name, value)
        return response


class PrivateAnswers:
    """Nothing that a person saw may stay in a cache; only static files, served before, may."""

    def __init__(self, get_response) -> None:
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        response["Cache-Control"] = "no-store, private"
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
            return too_large(request, length=length, limit=settings.UPLOAD_MAX_BYTES)
        return self.get_response(request)

    def process_exception(self, request, exception):
        """Answer who stopped half-way, if they are still there: it is no fault of ours."""
        return bad_request(request) if isinstance(exception, UnreadablePostError) else None


class NoNul:
    """A NUL in a query is in no word that anybody types: 400, before PostgreSQL refuses it.

    The API names the parameter itself.
    """

    def __init__(self, get_response) -> None:
        self.get_response = get_response

    def __call__(self, request):
        if "%00" in request.META.get("QUERY_STRING", "") and not is_api(request):
            return bad_request(request)
        return self.get_response(request)


class LoginRequired(LoginRequiredMiddleware):
    """Send the anonymous to the login page; answer 401 where a page fetches data."""

    def handle_no_permission(self, request, view_func):
        if request.htmx or getattr(view_func, "answers_data", False):
            response = HttpResponse("Sign in first.", status=401, content_type="text/plain")
            if request.htmx:
                page = _path_of(request.headers.get("HX-Current-URL", ""))
                response["HX-Redirect"] = f"{reverse('account_login')}?{urlencode({'next': page})}"
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


class SentTwice:
    """What the database refuses because it is there already came twice at one instant: 409.

    Where that can be foreseen the service says it in its own words; this is for what was not, and
    the log keeps it as a fault.
    """

    def __init__(self, get_response) -> None:
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        if not isinstance(exception, IntegrityError) or "unique" not in str(exception).lower():
            return None
        faults.error("%s came twice at one instant", request.path, exc_info=exception)
        return sent_twice(request)


class NotAllowed:
    """A method that an address does not take is refused on a page, where Django says nothing."""

    def __init__(self, get_response) -> None:
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED and not response.content:
            return not_allowed(request, allowed=response["Allow"])
        return response


class TooMany:
    """Who has to wait is told for how long: 429 with a sentence."""

    def __init__(self, get_response) -> None:
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        return too_many(request, exception) if isinstance(exception, TooManyError) else None


def _path_of(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:  # http://[
        return ""


def _access(request, response, *, elapsed_ms: float) -> None:
    """One line for the request: its path without the query, which may hold what a person typed."""
    user = getattr(request, "_cached_user", None)  # asking the lazy one would ask the database
    facts = {
        "method": request.method,
        "path": request.path,
        "status": response.status_code,
        "ms": round(elapsed_ms, 1),
        "user": str(user.pk or "") if user is not None else "",
    }
    words = "%(method)s %(path)s %(status)s %(ms)s ms"
    access.info(words, facts, extra={"facts": facts})
