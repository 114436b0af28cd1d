"""Pages about one's own account that allauth does not have, or not so."""

from __future__ import annotations

from allauth.account.views import ReauthenticateView
from allauth.mfa.webauthn.internal.auth import begin_authentication  # no public name; pinned
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import signed_in, step_up
from accounts.selectors_sessions import programs_of, sessions_of
from accounts.services.factors import codes_just_shown, has_security_key
from accounts.services.sessions import session_revoke
from accounts.services.tokens import family_revoke


class StepUpView(ReauthenticateView):
    """Ask for all that the person can show, on one page."""

    def form_valid(self, form) -> HttpResponse:
        form.save()
        return super().form_valid(form)

    def get_context_data(self, **kwargs) -> dict:
        context = super().get_context_data(**kwargs)
        if has_security_key(self.request.user):
            context["js_data"] = {"request_options": begin_authentication(self.request.user)}
        return context


reauthenticate = StepUpView.as_view()


@signed_in
@step_up
@require_safe
def recovery_codes_download(request: HttpRequest) -> HttpResponse:
    """Hand out the codes as a text file, in the five minutes after they were first shown."""
    codes = codes_just_shown(request.user)
    if not codes:
        raise Http404
    answer = render(request, "mfa/recovery_codes/download.txt", {"codes": codes})
    answer.headers["Content-Type"] = "text/plain; charset=utf-8"
    answer.headers["Content-Disposition"] = 'attachment; filename="mediscan-recovery-codes.txt"'
    return answer


@signed_in
@require_safe
def session_list(request: HttpRequest) -> HttpResponse:
    context = {
        "sessions": sessions_of(request.user, current=request.session.session_key),
        "programs": programs_of(request.user),
    }
    return render(request, "accounts/session_list.html", context)


@signed_in
@require_POST
@step_up
def session_end(request: HttpRequest, pk: int) -> HttpResponse:
    """End one session of one's own; another's is not found."""
    if not session_revoke(user=request.user, only=pk, keep=request.session.session_key):
        raise Http404
    messages.success(request, _("The session is ended."))
    return redirect("signin:session-list")


@signed_in
@require_POST
@step_up
def program_end(request: HttpRequest, pk) -> HttpResponse:
    """End one program's sign-in by token; its tokens open nothing from the next request on."""
    family = get_object_or_404(programs_of(request.user), pk=pk)
    family_revoke(family=family, by=request.user)
    messages.success(request, _("The program is signed out."))
    return redirect("signin:session-list")


@signed_in
@require_POST
@step_up
def session_end_others(request: HttpRequest) -> HttpResponse:
    session_revoke(user=request.user, keep=request.session.session_key)
    messages.success(request, _("All other sessions are ended."))
    return redirect("signin:session-list")
