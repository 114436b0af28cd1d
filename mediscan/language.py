"""The language of an answer: the person's own, else the one chosen here, else the browser's."""

from __future__ import annotations

from django.conf import settings
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

from accounts.api.problems import is_api
from accounts.languages import is_offered


class Language(LocaleMiddleware):
    """Take the cookie's language or the browser's; what programs are answered is English.

    When the answer is written the language is put away: the next request on this
    thread, and what a stream writes afterwards, begin in English.
    """

    def process_request(self, request) -> None:
        super().process_request(request)
        if is_api(request):
            _speak(request, settings.LANGUAGE_CODE)

    def process_response(self, request, response):
        response = super().process_response(request, response)
        translation.deactivate()
        return response


class OwnLanguage:
    """Take the language that the person chose for their account."""

    def __init__(self, get_response) -> None:
        self.get_response = get_response

    def __call__(self, request):
        own = getattr(request.user, "language", "")
        if own and is_offered(own) and not is_api(request):
            _speak(request, own)
        return self.get_response(request)


def _speak(request, code: str) -> None:
    translation.activate(code)
    request.LANGUAGE_CODE = code
