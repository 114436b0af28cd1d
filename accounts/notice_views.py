"""What a person is told, and when their account was opened: "was this you?"."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import signed_in
from accounts.audit.context import session_hash
from accounts.models import AuditEvent, Notice
from accounts.services.notices import notices_read
from accounts.services.signins import signin_disown

SHOWN = 50
SIGN_INS = ("session.start", "session.refuse", "session.throttle", "session.end", "token.issue",
            "password.change", "factor.add", "factor.remove", "factor.code_used")  # fmt: skip


@require_GET
@signed_in
def activity(request: HttpRequest) -> HttpResponse:
    """List one's own sign-ins, newest first, with those that failed."""
    here = session_hash(request.session.session_key)
    events = list(_own_signins(request.user)[:SHOWN])
    return render(request, "audit/activity.html", {"events": events, "here": here})


@require_POST
@signed_in
def disown(request: HttpRequest, pk) -> HttpResponse:
    """ "This was not me": write it down, and say what to do at once."""
    event = get_object_or_404(_own_signins(request.user), pk=pk)
    signin_disown(user=request.user, event=event)
    messages.warning(request, _("We wrote down that this was not you."))
    return render(request, "audit/disowned.html", {"event": event})


@require_GET
@signed_in
def notice_list(request: HttpRequest) -> HttpResponse:
    notices = list(Notice.objects.filter(to=request.user)[:SHOWN])
    has_unread = any(notice.read_at is None for notice in notices)
    context = {"notices": notices, "has_unread": has_unread}
    return render(request, "audit/notice_list.html", context)


@require_POST
@signed_in
def notices_mark_read(request: HttpRequest) -> HttpResponse:
    notices_read(to=request.user)
    return redirect("trail:notices")


def _own_signins(user):
    mine = Q(actor=user) | Q(target=f"user:{user.pk}")
    return AuditEvent.objects.filter(mine, action__in=SIGN_INS).order_by("-at", "-id")
