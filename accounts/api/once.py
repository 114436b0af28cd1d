"""Idempotency-Key: what a program sends twice, because no answer came, is done once."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from accounts.api.problems import Problem
from accounts.services.kept_answers import answer_again, answer_claim, answer_keep

KEY = "Idempotency-Key"
MOST_KEY = 255
HEADERS = ("Location", "Retry-After")


def once(method: Callable[..., Response]) -> Callable[..., Response]:
    """Let a method of a room act once for each key of a person; without a key, each time.

    Act and answer are kept in one transaction: a refusal keeps nothing, so it can be mended and
    sent again under the same key. Another body or address under a key is refused (422).
    """

    @functools.wraps(method)
    def acted(room, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = key_of(request)
        if not key:
            return method(room, request, *args, **kwargs)
        act = digest(f"{request.method} {request.path}", _body(request))
        with transaction.atomic():
            row, is_new = answer_claim(user=request.user, key=digest(key), act=act)
            if row.act != act:
                raise key_reused()
            if not is_new:
                return _read(answer_again(row))
            answer = method(room, request, *args, **kwargs)
            answer_keep(row, _written(answer))
        return answer

    return acted


def key_of(request: Request) -> str:
    """Return the key that was sent, "" for none. Raises ValidationError for none that serves."""
    key = request.headers.get(KEY, "")
    if len(key) > MOST_KEY or not key.isprintable():
        raise ValidationError({KEY: _("Send at most 255 printable characters.")})
    return key


def digest(*parts: str) -> str:
    """Return SHA-256 of the parts, 64 hexadecimal digits."""
    text = "\0".join(parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def key_reused() -> Problem:
    return Problem(
        422, "idempotency_key_reused", _("This Idempotency-Key was sent with another body.")
    )


def _body(request: Request) -> str:
    return json.dumps(request.data, sort_keys=True, default=str)


def _written(answer: Response) -> str:
    headers = {name: answer[name] for name in HEADERS if name in answer}
    kept = {"status": answer.status_code, "headers": headers, "body": answer.data}
    return json.dumps(kept, cls=JSONEncoder)


def _read(text: str) -> Response:
    kept = json.loads(text)
    return Response(kept["body"], kept["status"], headers=kept["headers"])
