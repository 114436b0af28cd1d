"""What an administrator types about people: whom to ask, which role, until when."""

from __future__ import annotations

from datetime import datetime, time

from django import forms
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Department, Organisation
from accounts.roles import AUDITOR, ROLES

OFFERED = [(role, name) for role, name in ROLES.items() if role != AUDITOR]  # an operator's


class LastDayField(forms.DateField):
    """A day; what it stands for lasts to the end of it."""

    widget = forms.DateInput(attrs={"type": "date"})

    def clean(self, value) -> datetime | None:
        day = super().clean(value)
        return datetime.combine(day, time.max, get_current_timezone()) if day else None


class InvitationForm(forms.Form):
    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        help_text=_("We write to them; they join after they have signed in with this address."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(label=_("Role"), choices=OFFERED)
    department = forms.ModelChoiceField(
        label=_("Department"),
        required=False,
        queryset=Department.objects.none(),
        empty_label=_("The whole organisation"),
        help_text=_("A member of one department sees its studies only."),
    )
    until = LastDayField(label=_("Last day"), required=False)

    def __init__(self, *args, organisation: Organisation, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["department"].queryset = organisation.departments.all()


class UntilForm(forms.Form):
    until = LastDayField(label=_("Last day"), required=False)


class DepartmentForm(forms.Form):
    name = forms.CharField(label=_("Name of the new department"), max_length=200)
