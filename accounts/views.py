"""Pages about one's own account that allauth does not have, or not so."""

from __future__ import annotations

from allauth.account.views import ReauthenticateView
from django.http import HttpResponse


class StepUpView(ReauthenticateView):
    """Ask for all that the person can show, on one page."""

    def form_valid(self, form) -> HttpResponse:
        form.save()
        return super().form_valid(form)


reauthenticate = StepUpView.as_view()
