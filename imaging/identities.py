"""The page on which a patient's identity is corrected."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import audit
from accounts.access import requires
from imaging.forms_identity import IdentityForm
from imaging.models import Patient
from imaging.selectors import patients_within
from imaging.services.identities import Overtaken, patient_change
from imaging.services.refusals import NotPossible

ACTION = "patient.change"


@require_http_methods(["GET", "POST"])
@requires(ACTION)
def patient_change_view(request: HttpRequest, pk) -> HttpResponse:
    patient = get_object_or_404(patients_within(request.user, ACTION), pk=pk)
    audit.record_once(request.user, "patient.view", patient)
    form = IdentityForm(request.POST if request.method == "POST" else None, patient=patient)
    if not form.is_valid():
        return _page(request, patient, form, 422 if form.errors else 200)
    try:
        done = patient_change(by=request.user, patient=patient, **form.sent())
    except Overtaken as other:
        return _page(request, other.latest, form.behind(other.latest), 409)
    except NotPossible as refusal:
        form.add_error("record_number", str(refusal))
        return _page(request, patient, form, 422)
    said = _("The identity is corrected.") if done else _("Nothing was different.")
    messages.success(request, said)
    return redirect(patient)


def _page(request: HttpRequest, patient: Patient, form: IdentityForm, status: int) -> HttpResponse:
    context = {"patient": patient, "form": form, "is_overtaken": status == 409}
    return render(request, "imaging/patient_change.html", context, status=status)
