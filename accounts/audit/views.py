"""The audit page: read, find a person, verify, take away."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts import audit
from accounts.access import requires, step_up
from accounts.audit.exports import csv_rows, json_rows
from accounts.audit.forms import PersonForm, TrailForm
from accounts.audit.page import Page, events_chosen, neighbours, page_of, person_named
from accounts.audit.state import last_check
from accounts.models import AuditSeal, User
from accounts.roles import AUDITOR
from accounts.selectors import roles_of, user_may
from accounts.services.trail import trail_verify_newest, verification_record

FORMATS = {"csv": (csv_rows, "text/csv"), "json": (json_rows, "application/json")}


@require_GET
@requires("audit.view_own")
def trail_list(request: HttpRequest) -> HttpResponse:
    form = TrailForm(request.GET)
    is_right = form.is_valid()
    page = page_of(request.user, form.cleaned_data) if is_right else Page([], "")
    audit.record(request.user, "audit.view", reason=", ".join(form.chosen))
    status = HTTPStatus.OK if is_right else HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, "audit/trail_list.html", _context(request, form, page), status=status)


@require_POST
@requires("audit.view")
def trail_find(request: HttpRequest) -> HttpResponse:
    """Turn an e-mail address into an id for the address bar."""
    form = PersonForm(request.POST)
    person = person_named(request.user, form.cleaned_data["email"]) if form.is_valid() else None
    if person is None:
        messages.error(request, _("Nobody whom you may look up has this address."))
        return redirect("trail:list")
    return redirect(f"{reverse('trail:list')}?{urlencode({'who': person.pk})}")


@require_POST
@requires("audit.verify")
def trail_verify(request: HttpRequest) -> HttpResponse:
    verdict = trail_verify_newest()
    verification_record(user=request.user, verdict=verdict)
    if verdict.first is None:
        words = _("The trail is whole from entry %(first)s to entry %(last)s.")
        facts = {"first": verdict.up_to - verdict.rows + 1, "last": verdict.up_to}
        messages.success(request, words % facts)
        return redirect("trail:list")
    return redirect("trail:entry", seq=verdict.first.seq)


@require_GET
@requires("audit.verify")
def trail_entry(request: HttpRequest, seq: int) -> HttpResponse:
    """Show one link with its neighbours, each checked anew."""
    if not AuditSeal.objects.filter(seq__gte=seq - 2).exists():
        raise Http404
    verdict = trail_verify_newest(around=seq)
    damage, links = {one.seq: one.damage for one in verdict.findings}, neighbours(seq)
    for seal in links:
        seal.damage = damage.get(seal.seq, "")
    is_there = any(seal.seq == seq for seal in links)
    missing = "" if is_there else damage.get(seq, "")
    context = {"seq": seq, "links": links, "damage": damage, "missing": missing}
    return render(request, "audit/trail_entry.html", context)


@require_POST
@requires("audit.export")
@step_up
def trail_export(request: HttpRequest) -> HttpResponse:
    form, wanted = TrailForm(request.POST), request.POST.get("format", "")
    if wanted not in FORMATS or not form.is_valid():
        raise Http404
    make, content_type = FORMATS[wanted]
    reason = ", ".join([wanted, *form.chosen])
    audit.record(request.user, "audit.export", reason=reason)
    events = events_chosen(request.user, form.cleaned_data).select_related(None)
    lines = make(events.iterator(chunk_size=1_000), notice=settings.RESEARCH_NOTICE)
    response = StreamingHttpResponse(lines, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="audit.{wanted}"'
    return response


def _context(request: HttpRequest, form: TrailForm, page: Page) -> dict:
    who = form.cleaned_data.get("who") if form.is_valid() else None
    return {
        "form": form,
        "page": page,
        "query": urlencode(form.chosen),
        "who": get_object_or_404(User, pk=who) if who and page.lines else None,
        "person_form": PersonForm(),
        "may_find": user_may(request.user, "audit.view"),
        "may_verify": user_may(request.user, "audit.verify"),
        "may_export": user_may(request.user, "audit.export"),
        "may_witness": user_may(request.user, "patient.erase_witness"),
        "may_view_keys": user_may(request.user, "key.view_state"),
        "last_check": last_check() if AUDITOR in roles_of(request.user) else None,
    }
