"""The pages about one patient: found by number, opened, given to clinicians."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import audit
from accounts.access import requires
from accounts.models import User
from accounts.selectors import may_at, user_may
from accounts.throttle import limited
from imaging.forms_patients import AssignmentForm, FindForm
from imaging.models import Assignment
from imaging.reading import reads
from imaging.selectors import (
    patients_found,
    patients_within,
    studies_visible_to,
)
from imaging.services.assignments import assignment_create, assignment_end


@require_http_methods(["GET", "POST"])
@requires("patient.find")
@limited("find", "20/m")
def patient_find(request: HttpRequest) -> HttpResponse:
    """Say whether a record number exists here, and nothing else about it."""
    form = FindForm(request.POST or None)
    found = None
    if request.method == "POST" and form.is_valid():
        found = [
            {
                "patient": patient,
                "is_open": patients_within(request.user, "study.view").contains(patient),
                "may_assign": patients_within(request.user, "patient.assign").contains(patient),
                "may_break": may_at(request.user, "glass.break", patient.organisation_id),
            }
            for patient in patients_found(request.user, form.cleaned_data["number"])
        ]
        audit.record(request.user, "record.search", reason=f"found {len(found)}")
    status = 422 if form.errors else 200
    context = {"form": form, "found": found}
    return render(request, "imaging/patient_find.html", context, status=status)


@require_GET
@reads("study.view")
def patient_detail(request: HttpRequest, pk) -> HttpResponse:
    patient = get_object_or_404(patients_within(request.user, "study.view"), pk=pk)
    audit.record(request.user, "patient.view", patient)
    context = {
        "patient": patient,
        "studies": studies_visible_to(request.user).filter(patient=patient).order_by("-created_at"),
        "may_assign": patients_within(request.user, "patient.assign").contains(patient),
        "may_change": patients_within(request.user, "patient.change").contains(patient),
        "corrections": patient.corrections.select_related("corrected_by"),
        "may_run": user_may(request.user, "run.submit"),
    }
    return render(request, "imaging/patient_detail.html", context)


@require_http_methods(["GET", "POST"])
@requires("patient.assign")
def assignment_list(request: HttpRequest, pk) -> HttpResponse:
    """Show who was given the patient, and give it; the page says nothing else of the patient."""
    patient = get_object_or_404(patients_within(request.user, "patient.assign"), pk=pk)
    form = AssignmentForm(request.POST or None, organisation=patient.organisation)
    if request.method == "POST" and form.is_valid():
        user: User = form.cleaned_data["user"]
        assignment_create(by=request.user, patient=patient, user=user)
        return redirect("imaging:assignment-list", patient.pk)
    context = {
        "patient": patient,
        "form": form,
        "assignments": patient.assignments.select_related("user", "assigned_by"),
        "is_open": patients_within(request.user, "study.view").contains(patient),
    }
    status = 422 if form.errors else 200
    return render(request, "imaging/assignment_list.html", context, status=status)


@require_POST
@requires("patient.assign")
def assignment_end_view(request: HttpRequest, pk) -> HttpResponse:
    mine = patients_within(request.user, "patient.assign")
    assignment = get_object_or_404(Assignment.objects.filter(patient__in=mine), pk=pk)
    try:
        assignment_end(by=request.user, assignment=assignment)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("imaging:assignment-list", assignment.patient_id)
