"""Answers that must not say by their time whether an address is known here."""

from __future__ import annotations

import time
from http import HTTPStatus

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth import get_user_model

# a known address gets a letter only, an unknown one an account and an organisation, or none
EVEN = frozenset({"account_signup", "account_reset_password", "plain:auth-register"})
TAKEN = (HTTPStatus.FOUND, HTTPStatus.ACCEPTED)


class EvenTime:
    """Let an accepted sign-up or request for a reset take a whole multiple of EVEN_TIME_S."""

    def __init__(self, get_response) -> None:
        self.get_response = get_response

    def __call__(self, request):
        start = time.monotonic()
        response = self.get_response(request)
        match = request.resolver_match
        is_accepted = request.method == "POST" and response.status_code in TAKEN
        if is_accepted and match is not None and match.view_name in EVEN:
            _wait_out(time.monotonic() - start)
        return response


def look_up_as_often(email: str) -> None:
    """Ask for `email` in the users' table where allauth did not.

    It looks there for every address but a confirmed one, so that an address which
    nobody has costs a statement more.
    """
    if EmailAddress.objects.filter(email=email.lower(), verified=True).exists():
        list(get_user_model().objects.filter(email=email.lower()).iterator(2000))  # as allauth asks


def _wait_out(elapsed_s: float) -> None:
    step_s = settings.EVEN_TIME_S
    if step_s:
        time.sleep(step_s - elapsed_s % step_s)
