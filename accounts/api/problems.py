"""What the API says when it says no: RFC 9457, a stable code, a sentence, the request's id."""

from __future__ import annotations

import errno
import logging
from http import HTTPStatus
from math import ceil

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response

from accounts.services.denials import access_refused
from accounts.throttle import TooMany
from accounts.tokens.reading import TokenRefused

logger = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json"
PROGRAMS = (
    "/api/",
    "/dicomweb/",
    "/ml/",
)  # where every refusal is a problem, and nobody is redirected
AGAIN_S = 5
CODES = {  # status -> code, where the error brings none of its own
    400: "bad_request",
    401: "not_authenticated",
    403: "permission_denied",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    429: "throttled",
    500: "error",
    503: "unavailable",
    507: "no_space",
}


class Problem(exceptions.APIException):
    """A refusal with a status, a code and a sentence; `wait` seconds become Retry-After.

    `more` stands in the body beside them, for instance the version that counts now.
    """

    def __init__(
        self,
        status: int,
        code: str,
        sentence: str,
        wait: int | None = None,
        more: dict | None = None,
    ) -> None:
        super().__init__(sentence, code)
        self.status_code = status
        self.wait = wait
        self.more = more or {}


def password_change_required() -> Problem:
    return Problem(
        HTTPStatus.FORBIDDEN,
        "password_change_required",
        _("The password is temporary. Change it on the site first."),
    )


def exception_handler(exc: Exception, context: dict) -> Response | None:
    """Turn what a view raised into a problem; None for a fault of ours, which is logged as 500."""
    error = _as_api_exception(exc)
    if error is None:
        return None
    headers = {}
    request = context.get("request")
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = context["view"].get_authenticate_header(request)
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(ceil(error.wait))
    if error.status_code == HTTPStatus.FORBIDDEN:
        access_refused(request, error.default_code)
    body = problem(getattr(request, "_request", request), error.status_code, *_said(error))
    body |= getattr(error, "more", {})
    return Response(body, error.status_code, headers=headers, content_type=CONTENT_TYPE)


def problem(
    request: HttpRequest | None,
    status: int,
    code: str = "",
    sentence: str = "",
    errors: list[dict] | None = None,
) -> dict:
    """Return the body of a problem."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code or CODES.get(status, "error"),
        "detail": sentence,
        "request_id": getattr(request, "request_id", ""),
    }
    return body | ({"errors": errors} if errors else {})


def problem_response(
    request: HttpRequest, status: int, sentence: str, code: str = ""
) -> JsonResponse:
    """Answer a problem outside of the API's views, for instance for an unknown address."""
    body = problem(request, status, code, sentence)
    answer = JsonResponse(body, status=status, content_type=CONTENT_TYPE)
    answer["Cache-Control"] = "no-store"
    return answer


def is_api(request: HttpRequest) -> bool:
    return request.path.startswith(PROGRAMS)


def _as_api_exception(exc: Exception) -> exceptions.APIException | None:
    if isinstance(exc, exceptions.APIException):
        return exc
    if isinstance(exc, TokenRefused):
        return Problem(HTTPStatus.UNAUTHORIZED, exc.code, str(exc))
    if isinstance(exc, TooMany):
        return Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            "throttled",
            _("Too many tries. Wait as long as Retry-After says, then try again."),
            wait=exc.retry_after_s,
        )
    if isinstance(exc, ValidationError):  # a service's refusal, in words
        return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "not_possible", " ".join(exc.messages))
    if isinstance(exc, OperationalError):
        logger.error("the database does not answer: %s", exc)
        return _away()
    if isinstance(exc, OSError) and exc.errno in (errno.ENOSPC, errno.EDQUOT):
        logger.error("no space: %s", exc)
        said = _("There is no room left to keep this. Nothing of it was kept.")
        return Problem(HTTPStatus.INSUFFICIENT_STORAGE, "no_space", said)
    if isinstance(exc, Http404):
        return exceptions.NotFound(_("There is nothing here that you may see."))
    if isinstance(exc, PermissionDenied):
        return exceptions.PermissionDenied(str(exc) or None)
    return None


def _away() -> Problem:
    said = _("The database does not answer. Ask again in a few seconds.")
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", said, wait=AGAIN_S)


def _said(error: exceptions.APIException) -> tuple[str, str, list[dict] | None]:
    """Return code, sentence and, for a wrong body, what is wrong with each field."""
    if isinstance(error, exceptions.ValidationError):
        errors = list(_field_errors(error.detail))
        return "invalid", _("The request is not right: see errors."), errors
    code = getattr(error.detail, "code", "") or CODES.get(error.status_code, "error")
    return code, str(error.detail), None


def _field_errors(detail, field: str = ""):
    """Yield {field, code, detail} for each error, nested names joined by dots."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _field_errors(inner, f"{field}.{name}".strip("."))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _field_errors(inner, field)
    else:
        yield {"field": field, "code": detail.code, "detail": str(detail)}
