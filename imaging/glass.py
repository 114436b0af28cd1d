"""The pages of emergency access: ask for it, give it back, review it."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import requires, signed_in, step_up_to_send
from accounts.selectors import organisations_of
from imaging.forms_patients import ReasonForm, VerdictForm
from imaging.models import BreakGlass, Patient
from imaging.selectors import patients_within
from imaging.services.glass import REVIEW_WITHIN, glass_break, glass_close, glass_review

SHOWN = 100


@require_http_methods(["GET", "POST"])
@requires("glass.break")
@step_up_to_send
def glass_open(request: HttpRequest, pk) -> HttpResponse:
    mine = organisations_of(request.user, "glass.break")
    patient = get_object_or_404(Patient.objects.filter(organisation__in=mine), pk=pk)
    if patients_within(request.user, "result.view").contains(patient):
        return redirect("imaging:patient-detail", patient.pk)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        glass_break(by=request.user, patient=patient, **form.cleaned_data)
        return redirect("imaging:patient-detail", patient.pk)
    status = 422 if form.errors else 200
    return render(request, "imaging/glass_form.html", {"form": form, "pk": pk}, status=status)


@require_POST
@signed_in
def glass_close_view(request: HttpRequest, pk) -> HttpResponse:
    glass = get_object_or_404(BreakGlass.objects.filter(user=request.user), pk=pk)
    glass_close(by=request.user, glass=glass)
    messages.success(request, _("The emergency access has ended."))
    return redirect("analytics:dashboard")


@require_GET
@requires("glass.review")
def glass_list(request: HttpRequest) -> HttpResponse:
    """The review queue: what waits first, the oldest on top; then the newest that were reviewed."""
    rows = _reviewable(request).select_related("user", "reviewed_by", "organisation")
    context = {
        "waiting": rows.filter(verdict="").order_by("opened_at")[:SHOWN],
        "reviewed": rows.exclude(verdict="").order_by("-reviewed_at")[:SHOWN],
        "hours": int(REVIEW_WITHIN.total_seconds() // 3600),
    }
    return render(request, "imaging/glass_list.html", context)


@require_POST
@requires("glass.review")
def glass_review_view(request: HttpRequest, pk) -> HttpResponse:
    glass = get_object_or_404(_reviewable(request), pk=pk)
    form = VerdictForm(request.POST)
    given = form.cleaned_data if form.is_valid() else {"verdict": ""}
    try:
        glass_review(by=request.user, glass=glass, **given)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("imaging:glass-list")


def _reviewable(request: HttpRequest) -> QuerySet[BreakGlass]:
    houses = organisations_of(request.user, "glass.review")
    return BreakGlass.objects.filter(organisation__in=houses)
