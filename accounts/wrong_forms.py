"""A form that was wrong answers 422, on allauth's pages as on ours."""

from __future__ import annotations

from http import HTTPStatus

FORMS = ("form", "verify_form", "change_form", "webauthn_form")


class WrongForms:
    """allauth shows a refused form with 200; browsers and tests should be told."""

    def __init__(self, get_response) -> None:
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_template_response(self, request, response):
        shown = [(response.context_data or {}).get(name) for name in FORMS]
        is_wrong = any(form is not None and form.is_bound and form.errors for form in shown)
        if request.method == "POST" and response.status_code == HTTPStatus.OK and is_wrong:
            response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
        return response
