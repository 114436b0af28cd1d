"""The door, the pulse, and what is said when something goes wrong."""

from __future__ import annotations

import math
from functools import wraps
from http import HTTPStatus

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.api.problems import is_api, problem_response
from accounts.services.denials import access_refused
from accounts.throttle import TooMany
from imaging.formats.budgets import Budgets
from mediscan.health import engine_words, is_ready, readiness
from mediscan.shortcut_pages import PAGES
from reports.services import KEPT

ALLAUTH_WAIT_S = 60


@login_not_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Say what this is; whoever is signed in goes straight to their dashboard."""
    if request.user.is_authenticated:
        return redirect("analytics:dashboard")
    return render(request, "home.html")


@login_not_required
@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """What each page does, in plain words; also for somebody who cannot sign in."""
    told = {
        "frame": _frame(request),
        "file_mb": settings.UPLOAD_MAX_FILE_BYTES // 2**20,
        "request_gb": settings.UPLOAD_MAX_BYTES // 2**30,
        "megapixels": Budgets().megapixels,
        "kept_days": KEPT.days,
        "idle_minutes": settings.SESSION_IDLE_S // 60,
    }
    return render(request, "help.html", told)


@login_not_required
@require_safe
def help_shortcuts(request: HttpRequest) -> HttpResponse:
    """List every key, page by page, to read or to print."""
    told = {"frame": _frame(request), "pages": PAGES}
    return render(request, "help_shortcuts.html", told)


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers; nothing else is asked."""
    return JsonResponse({"status": "ok"})


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """The parts that a page needs; 503 when one of them is missing."""
    parts = readiness()
    if is_ready(parts):
        told = {"engine": engine_words()} if request.user.is_staff else {}
        return JsonResponse({"status": "ready", **parts, **told})
    answer = JsonResponse({"status": "not ready", **parts}, status=HTTPStatus.SERVICE_UNAVAILABLE)
    answer["Retry-After"] = "10"
    return answer


def in_words_for_programs(status: HTTPStatus, sentence):
    """Let an error handler answer a problem instead of a page below /api/."""

    def decorate(handler):
        @wraps(handler)
        def answered(request: HttpRequest, *args, **kwargs) -> HttpResponse:
            if is_api(request):
                return problem_response(request, status, str(sentence))
            return handler(request, *args, **kwargs)

        return answered

    return decorate


@login_not_required
def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """What was sent cannot be read; what memory does not take of a form or of JSON is too large."""
    if isinstance(exception, RequestDataTooBig):
        return too_large(request, limit=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    return unreadable(request)


@in_words_for_programs(HTTPStatus.BAD_REQUEST, gettext_lazy("The request cannot be read."))
def unreadable(request: HttpRequest) -> HttpResponse:
    return render(request, "400.html", status=HTTPStatus.BAD_REQUEST)


@in_words_for_programs(
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, gettext_lazy("The body is larger than this site takes.")
)
def too_large(request: HttpRequest, *, limit: int, length: int = 0) -> HttpResponse:
    """Refuse a body of `length` bytes, 0 where that is not known."""
    told = {"limit": limit, "length": length}
    return render(request, "413.html", told, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


@in_words_for_programs(HTTPStatus.FORBIDDEN, gettext_lazy("You may not do this."))
@login_not_required
def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Say what the guard said: it names the role that is needed. A denial is written down."""
    access_refused(request, str(exception or ""))
    reason = {"reason": str(exception)} if exception and str(exception) else {}
    return render(request, "403.html", reason, status=HTTPStatus.FORBIDDEN)


@in_words_for_programs(
    HTTPStatus.NOT_FOUND, gettext_lazy("There is nothing here. Every address ends in a slash.")
)
@login_not_required
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "404.html", status=HTTPStatus.NOT_FOUND)


@login_not_required
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    access_refused(request, "csrf")
    sentence = _("The page was open for too long, or cookies are switched off for this site.")
    return render(request, "403.html", {"reason": sentence}, status=HTTPStatus.FORBIDDEN)


@in_words_for_programs(
    HTTPStatus.CONFLICT, gettext_lazy("The same was sent twice at one moment: once is enough.")
)
def sent_twice(request: HttpRequest) -> HttpResponse:
    reason = _("The same was sent twice at one moment. The first counts; this one changed nothing.")
    status = HTTPStatus.CONFLICT
    said = {"title": _("Sent twice"), "reason": reason, "status": int(status)}
    return render(request, "400.html", said, status=status)


@in_words_for_programs(
    HTTPStatus.METHOD_NOT_ALLOWED, gettext_lazy("This address does not take this method.")
)
def not_allowed(request: HttpRequest, *, allowed: str) -> HttpResponse:
    """For instance a form's address, opened after a sign-in in between."""
    reason = _("This address only takes what a form sends to it. Nothing was changed.")
    status = HTTPStatus.METHOD_NOT_ALLOWED
    said = {"title": _("Nothing to open here"), "reason": reason, "status": int(status)}
    response = render(request, "400.html", said, status=status)
    response["Allow"] = allowed
    return response


@login_not_required
def too_many(request: HttpRequest, exception: TooMany | None = None) -> HttpResponse:
    """Say how long to wait; allauth's own limits, which count by the minute, answer the same."""
    seconds = exception.retry_after_s if exception else ALLAUTH_WAIT_S
    status = HTTPStatus.TOO_MANY_REQUESTS
    response = render(request, "429.html", {"wait": wait_in_words(seconds)}, status=status)
    response["Retry-After"] = str(seconds)
    return response


def _frame(request: HttpRequest) -> str:
    return "base.html" if request.user.is_authenticated else "base_public.html"


def wait_in_words(seconds: int) -> str:
    if seconds < 60:
        return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}
    minutes = math.ceil(seconds / 60)
    return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}


@in_words_for_programs(
    HTTPStatus.INTERNAL_SERVER_ERROR,
    gettext_lazy("Something failed here. The request id finds it in the log."),
)
@login_not_required
def server_error(request: HttpRequest) -> HttpResponse:
    """Rendered without context processors: they may be what failed."""
    text = render_to_string(
        "500.html",
        {
            "request_id": getattr(request, "request_id", ""),
            "research_notice": settings.RESEARCH_NOTICE,
            "version": settings.VERSION,
        },
    )
    return HttpResponse(text, status=HTTPStatus.INTERNAL_SERVER_ERROR)
