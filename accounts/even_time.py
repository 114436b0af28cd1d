"""Answers that must not say by their time whether an address is known here."""

from __future__ import annotations

import time
from http import HTTPStatus

from django.conf import settings

# a known address gets a letter only, an unknown one an account and an organisation, or none
EVEN = frozenset({"account_signup", "account_reset_password"})


class EvenTime:
    """Let an accepted sign-up or request for a reset take a whole multiple of EVEN_TIME_S."""

    def __init__(self, get_response) -> None:
        self.get_response = get_response

    def __call__(self, request):
        start = time.monotonic()
        response = self.get_response(request)
        match = request.resolver_match
        is_accepted = request.method == "POST" and response.status_code == HTTPStatus.FOUND
        if is_accepted and match is not None and match.view_name in EVEN:
            _wait_out(time.monotonic() - start)
        return response


def _wait_out(elapsed_s: float) -> None:
    step_s = settings.EVEN_TIME_S
    if step_s:
        time.sleep(step_s - elapsed_s % step_s)
