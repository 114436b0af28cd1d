"""The form on a study's page that gives it to another department."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.access import requires
from accounts.models import Department
from imaging.models import Study
from imaging.selectors import studies_movable_by, studies_visible_to
from imaging.services.study_moves import study_move


class MoveForm(forms.Form):
    department = forms.ModelChoiceField(
        label=gettext_lazy("Department"),
        queryset=Department.objects.none(),
        help_text=gettext_lazy("Members of that department see the study from now on, others not."),
    )

    def __init__(self, *args, study: Study, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        departments = Department.objects.filter(organisation=study.organisation_id)
        self.fields["department"].queryset = departments.exclude(pk=study.department_id)


@require_POST
@requires("study.move")
def study_move_view(request: HttpRequest, pk) -> HttpResponse:
    study = get_object_or_404(studies_movable_by(request.user), pk=pk)
    form = MoveForm(request.POST, study=study)
    if not form.is_valid():
        messages.error(request, _("Choose another department of this organisation."))
        return redirect(study)
    study_move(by=request.user, study=study, **form.cleaned_data)
    messages.success(request, _("The study belongs to another department now."))
    still = studies_visible_to(request.user).filter(pk=pk).exists()
    return redirect(study) if still else redirect("imaging:study-list")


def move_form(user, study: Study) -> MoveForm | None:
    """Return the form for whoever may move this study; None where there is nothing to choose."""
    if not studies_movable_by(user).filter(pk=study.pk).exists():
        return None
    form = MoveForm(study=study)
    return form if form.fields["department"].queryset.exists() else None
