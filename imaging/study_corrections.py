"""The page on which a study is mended before anything of it is analysed."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts import audit
from accounts.access import requires
from accounts.throttle import limited
from accounts.vault.fields import blind_index
from imaging.forms import uuids
from imaging.forms_identity import LONGEST, OFF
from imaging.models import Modality, Patient, Study
from imaging.selectors import patients_within, studies_within
from imaging.services.refusals import NotPossible
from imaging.services.study_corrections import (
    is_analysed,
    names_its_patient,
    says_its_kind,
    study_correct,
    study_give,
)

ACTION = "study.correct"


class StudyForm(forms.Form):
    """A title, a kind where the files say none, and a record number where they name nobody."""

    title = forms.CharField(
        label=gettext_lazy("Title"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs=OFF),
    )
    modality = forms.ChoiceField(label=gettext_lazy("Modality"), choices=Modality.choices)
    record_number = forms.CharField(
        label=gettext_lazy("Record number of the patient"),
        required=False,
        max_length=LONGEST,
        widget=forms.TextInput(attrs=OFF),
        help_text=gettext_lazy(
            "Of a patient who is known here. Somebody new is entered on the patient's own page."
        ),
    )

    def __init__(self, *args, study: Study, **kwargs) -> None:
        number = study.patient.record_number
        initial = {"title": study.title, "modality": study.modality, "record_number": number}
        super().__init__(*args, initial=initial, **kwargs)
        self.study = study
        if says_its_kind(study):
            del self.fields["modality"]
        if names_its_patient(study):
            del self.fields["record_number"]


@require_http_methods(["GET", "POST"])
@requires("study.correct")
@limited("correct", "30/m")
def study_correct_view(request: HttpRequest, pk) -> HttpResponse:
    studies = studies_within(request.user, ACTION).select_related("patient")
    study = get_object_or_404(studies, pk=pk)
    audit.record_once(request.user, "study.view", study)
    form = StudyForm(request.POST if request.method == "POST" else None, study=study)
    if form.is_valid():
        try:
            done = study_corrected(request.user, form)
        except NotPossible as refusal:
            form.add_error(None, str(refusal))
        else:
            said = _("The study is corrected.") if done else _("Nothing was different.")
            messages.success(request, said)
            return redirect(_back(request, study))
    context = {
        "study": study,
        "form": form,
        "is_analysed": is_analysed(study),
        "upload": request.GET.get("upload", ""),
    }
    return render(
        request, "imaging/study_correct.html", context, status=422 if form.errors else 200
    )


def study_corrected(user, form: StudyForm) -> bool:
    """Do what a form that is right says; False where nothing differs. Raises: NotPossible."""
    given, study = form.cleaned_data, form.study
    done = False
    number = given.get("record_number", "")
    if number and number != study.patient.record_number:
        done = study_give(by=user, study=study, patient=_named(user, study, number))
        study = Study.objects.select_related("patient").get(pk=study.pk)
    kind = given.get("modality") or study.modality
    return study_correct(by=user, study=study, title=given["title"], modality=kind) or done


def _named(user, study: Study, number: str) -> Patient:
    """Return the patient of this number whose record `user` may open. Raises: NotPossible."""
    index = blind_index(study.organisation_id, "record_number", number)
    mine = patients_within(user, "study.view").filter(organisation=study.organisation_id)
    found = mine.filter(mrn_index=index).first()
    if found is None:
        raise NotPossible(
            _("No patient whose record you may open has this number. Check it, or enter the"
              " person on the patient's own page.")
        )  # fmt: skip
    return found


def _back(request: HttpRequest, study: Study):
    """Return the receipt that led here, by its id alone, else the study."""
    (receipt,) = uuids([request.GET.get("upload", "")]) or [None]
    if receipt is None:
        return study
    return reverse("imaging:upload-detail", args=[receipt])
