"""What is typed to correct a patient's identity; dates and sexes as DICOM writes them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django import forms
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imaging.models import Patient

LONGEST = 64  # PS3.5 6.2: of LO, and of one group of PN
OLDEST = 1850
SEXES = {
    "": gettext_lazy("Not said"),
    "F": gettext_lazy("Female"),
    "M": gettext_lazy("Male"),
    "O": gettext_lazy("Other"),
}
OFF = {"autocomplete": "off", "spellcheck": "false"}


class IdentityForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=3 * LONGEST,
        required=False,
        help_text=gettext_lazy("As DICOM writes it: family name, “^”, given name."),
        widget=forms.TextInput(attrs=OFF),
    )
    record_number = forms.CharField(
        label=gettext_lazy("Record number"),
        max_length=LONGEST,
        required=False,
        widget=forms.TextInput(attrs=OFF),
    )
    birth_date = forms.DateField(
        label=gettext_lazy("Date of birth"),
        required=False,
        input_formats=["%Y-%m-%d", "%Y%m%d"],
        widget=forms.DateInput(attrs={"type": "date"} | OFF, format="%Y-%m-%d"),
    )
    sex = forms.ChoiceField(label=gettext_lazy("Sex"), required=False)
    seen = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, patient: Patient) -> None:
        self._patient = patient
        initial = {
            "name": patient.name,
            "record_number": patient.record_number,
            "birth_date": day_of(patient.birth_date),
            "sex": patient.sex,
            "seen": patient.version,
        }
        super().__init__(data, initial=initial)
        known = SEXES if patient.sex in SEXES else {**SEXES, patient.sex: patient.sex}
        self.fields["sex"].choices = list(known.items())

    def clean_birth_date(self) -> date | None:
        born = self.cleaned_data["birth_date"]
        if born is not None and not date(OLDEST, 1, 1) <= born <= localdate():
            raise forms.ValidationError(_("This is no date of birth."))
        return born

    def clean_name(self) -> str:
        """Blanks in a row are one, and nothing that no keyboard writes."""
        return " ".join(self.cleaned_data["name"].split())

    def sent(self) -> dict[str, Any]:
        """Return what the service takes: the version that was looked at, and the identity.

        A stored date that names no day cannot stand in the field: left empty, it stays.
        """
        data = dict(self.cleaned_data)
        born, stored = data["birth_date"], self._patient.birth_date
        data["birth_date"] = f"{born:%Y%m%d}" if born else "" if day_of(stored) else stored
        return {"seen": data.pop("seen"), "identity": data}

    def behind(self, latest: Patient) -> IdentityForm:
        """Return what was typed, to be sent after the version that counts by now."""
        return IdentityForm({**self.data.dict(), "seen": latest.version}, patient=latest)


def day_of(text: str) -> date | None:
    """Return the day that a DICOM date names; None for what is none."""
    try:
        return datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        return None
