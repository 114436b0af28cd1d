"""What is typed about one patient: a record number, a reason, a person, a verdict."""

from __future__ import annotations

from django import forms
from django.core.validators import MinLengthValidator
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Organisation, User
from accounts.roles import CLINICIAN
from imaging.models import Verdict
from imaging.services.glass import LEAST_REASON


class FindForm(forms.Form):
    number = forms.CharField(
        label=_("Record number"),
        max_length=64,
        help_text=_("The whole number, as it stands in the record. Each search is written down."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Why do you need this record now?"),
        min_length=LEAST_REASON,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("At least 15 characters. An auditor reads it; it is kept encrypted."),
    )

    def clean_reason(self) -> str:
        """Blanks in a row are one: they are no reason."""
        reason = " ".join(self.cleaned_data["reason"].split())
        MinLengthValidator(LEAST_REASON)(reason)
        return reason


class AssignmentForm(forms.Form):
    user = forms.ModelChoiceField(
        label=_("Clinician"), queryset=User.objects.none(), empty_label=_("Choose a clinician")
    )

    def __init__(self, *args, organisation: Organisation, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        clinicians = Membership.objects.current().filter(organisation=organisation, role=CLINICIAN)
        self.fields["user"].queryset = User.objects.filter(
            pk__in=clinicians.values("user"), is_active=True
        ).order_by("name", "email")


class VerdictForm(forms.Form):
    verdict = forms.ChoiceField(choices=Verdict.choices)
    comment = forms.CharField(max_length=2000, required=False)
