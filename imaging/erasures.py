"""The pages of erasure: one administrator asks, another one approves."""

from __future__ import annotations

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import requires, step_up
from accounts.selectors import organisations_of
from accounts.vault.fields import blind_index
from imaging.models import Erasure, Patient
from imaging.models.erasures import ErasureReason
from imaging.services.erasure import (
    ACTION,
    erasure_approve,
    erasure_request,
    erasure_withdraw,
)
from imaging.services.refusals import NotPossible

SHOWN = 100


class ErasureForm(forms.Form):
    number = forms.CharField(
        label=gettext_lazy("Record number"),
        max_length=64,
        help_text=gettext_lazy("The whole number, as it stands in the record."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    reason = forms.ChoiceField(label=gettext_lazy("Reason"), choices=ErasureReason.choices)

    def __init__(self, *args, user, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._places = organisations_of(user, ACTION)

    def clean(self) -> dict:
        """Find the patient; an unknown number and another house's look alike."""
        cleaned = super().clean()
        indexes = [
            blind_index(place, "record_number", cleaned.get("number", "")) for place in self._places
        ]
        found = Patient.objects.filter(organisation__in=self._places, mrn_index__in=indexes)
        cleaned["patient"] = found.exclude(mrn_index="").first()
        if "number" in cleaned and cleaned["patient"] is None:
            self.add_error("number", _("There is no record with this number here."))
        return cleaned


@require_http_methods(["GET", "POST"])
@requires(ACTION)
@step_up
def erasure_list(request: HttpRequest) -> HttpResponse:
    """Ask for an erasure, and see those that wait for a second administrator."""
    form = ErasureForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        patient, reason = form.cleaned_data["patient"], form.cleaned_data["reason"]
        said = _("Asked for. Another administrator must approve it now.")
        return _done(
            request,
            said,
            lambda: erasure_request(user=request.user, patient=patient, reason=reason),
        )
    rows = _mine(request.user).select_related("requested_by", "approved_by", "organisation")
    context = {
        "form": form,
        "waiting": rows.filter(done_at=None, withdrawn_at=None).order_by("created_at")[:SHOWN],
        "done": rows.exclude(done_at=None).order_by("-done_at")[:SHOWN],
    }
    status = 422 if form.errors else 200
    return render(request, "imaging/erasure_list.html", context, status=status)


@require_POST
@requires(ACTION)
@step_up
def erasure_approve_view(request: HttpRequest, pk) -> HttpResponse:
    erasure = get_object_or_404(_mine(request.user), pk=pk)
    said = _("The patient is erased. Nobody can read them again, from no backup either.")
    return _done(request, said, lambda: erasure_approve(user=request.user, erasure=erasure))


@require_POST
@requires(ACTION)
@step_up
def erasure_withdraw_view(request: HttpRequest, pk) -> HttpResponse:
    erasure = get_object_or_404(_mine(request.user), pk=pk)
    said = _("Withdrawn. Nothing was erased.")
    return _done(request, said, lambda: erasure_withdraw(user=request.user, erasure=erasure))


def _mine(user):
    return Erasure.objects.filter(organisation__in=organisations_of(user, ACTION))


def _done(request: HttpRequest, said: str, act: Callable) -> HttpResponse:
    try:
        act()
        messages.success(request, said)
    except NotPossible as refusal:
        messages.error(request, str(refusal))
    return redirect("imaging:erasure-list")
