"""Where cohorts are made and ended by administrators, and looked through by radiologists."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import audit
from accounts.access import requires, step_up
from accounts.models import Department, User
from accounts.selectors import home_organisation
from imaging.models import Modality
from imaging.models.cohorts import HoldState
from imaging.selectors import pixels_open
from imaging.selectors_cohorts import MANAGE, cohort_images_to_review, cohorts_managed_by
from imaging.services.cohorts import (
    CohortChoice,
    cohort_close,
    cohort_image_decide,
    cohort_make,
    researchers_at,
)
from imaging.services.refusals import NotPossible

AT_ONCE = 24


def _day() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class CohortForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    purpose = forms.CharField(
        label=gettext_lazy("Purpose"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("What the pictures are used for, and who allowed it."),
    )
    readers = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Researchers"),
        queryset=User.objects.none(),
        widget=forms.CheckboxSelectMultiple,
    )
    until = forms.DateField(label=gettext_lazy("Last day"), widget=_day())
    modality = forms.ChoiceField(
        label=gettext_lazy("Modality"),
        required=False,
        choices=[("", gettext_lazy("Any")), *Modality.choices],
    )
    body_part = forms.CharField(
        label=gettext_lazy("Body part"),
        required=False,
        max_length=32,
        help_text=gettext_lazy("As DICOM files say it, for instance CHEST. Others say none."),
    )
    department = forms.ModelChoiceField(
        label=gettext_lazy("Department"),
        required=False,
        queryset=Department.objects.none(),
        empty_label=gettext_lazy("Any"),
    )
    since = forms.DateField(label=gettext_lazy("Came in from"), required=False, widget=_day())
    before = forms.DateField(label=gettext_lazy("Came in until"), required=False, widget=_day())

    def __init__(self, *args, organisation, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["readers"].queryset = researchers_at(organisation).order_by("name", "email")
        rooms = Department.objects.filter(organisation=organisation)
        self.fields["department"].queryset = rooms.order_by("name")

    def asked(self) -> dict:
        """Return what `cohort_make` takes."""
        given = self.cleaned_data
        department = given["department"]
        return {
            "name": given["name"], "purpose": given["purpose"], "until": given["until"],
            "readers": list(given["readers"]),
            "choice": CohortChoice(
                modality=given["modality"], body_part=given["body_part"], since=given["since"],
                until=given["before"], department=department.pk if department else None,
            ),
        }  # fmt: skip


@require_http_methods(["GET", "POST"])
@requires("cohort.manage")
@step_up
def cohort_manage(request: HttpRequest) -> HttpResponse:
    """Make a cohort, and see those that there are."""
    organisation = home_organisation(request.user, MANAGE)
    sent = request.POST if request.method == "POST" else None
    form = CohortForm(sent, organisation=organisation)
    if request.method == "POST" and form.is_valid():
        try:
            cohort_make(user=request.user, organisation=organisation, **form.asked())
            messages.success(request, _("The cohort is made. What may carry text waits."))
            return redirect("imaging:cohort-manage")
        except NotPossible as refusal:
            form.add_error(None, refusal)
    context = {"form": form, "organisation": organisation, "cohorts": _counted(request.user)}
    audit.record(request.user, "cohort.list", reason="manage")
    status = 422 if form.errors else 200
    return render(request, "imaging/cohort_manage.html", context, status=status)


@require_POST
@requires("cohort.manage")
@step_up
def cohort_close_view(request: HttpRequest, pk) -> HttpResponse:
    cohort_close(
        user=request.user, cohort=get_object_or_404(cohorts_managed_by(request.user), pk=pk)
    )
    messages.success(request, _("The cohort is closed for everybody."))
    return redirect("imaging:cohort-manage")


@require_GET
@requires("cohort.review")
def cohort_review(request: HttpRequest) -> HttpResponse:
    """Show held-back pictures one under another, each with its two answers."""
    waiting = cohort_images_to_review(request.user).order_by("cohort__name", "position")
    found = list(waiting[:AT_ONCE])
    context = {
        "waiting": found,
        "count": waiting.count(),
        "open": pixels_open(request.user, [one.image_id for one in found]),
    }
    audit.record(request.user, "cohort.list", reason="review")
    return render(request, "imaging/cohort_review.html", context)


@require_POST
@requires("cohort.review")
def cohort_decide(request: HttpRequest, pk) -> HttpResponse:
    one = get_object_or_404(cohort_images_to_review(request.user), pk=pk)
    answer = request.POST.get("answer", "")
    if answer in ("clear", "refuse"):
        cohort_image_decide(user=request.user, one=one, is_clear=answer == "clear")
    else:
        messages.error(request, _("Say whether there is text in the picture."))
    return redirect("imaging:cohort-review")


def _counted(user):
    """Return the cohorts with how many pictures stand where; no picture, no patient."""
    kept = Q(images__image__study__deleted_at=None)
    states = {
        state.value: Count("images", filter=Q(images__state=state) & kept) for state in HoldState
    }
    rows = cohorts_managed_by(user).annotate(**states).select_related("organisation", "made_by")
    return rows.prefetch_related("readers__user").order_by("-created_at", "name")
