"""What an administrator says of a rule for new images."""

from __future__ import annotations

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Department, Organisation
from imaging.models import BODY_PART, Ensemble, EnsembleState, Modality, Rule


class RuleForm(forms.Form):
    """Of one organisation; an existing rule says what it says now."""

    name = forms.CharField(
        label=_("Name"), max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    modality = forms.ChoiceField(label=_("Modality"), choices=Modality.choices)
    body_part = forms.CharField(
        label=_("Body part"),
        required=False,
        max_length=BODY_PART,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_(
            "As DICOM files say it, for instance CHEST. Left blank it is any;"
            " PNG and NIfTI files say none."
        ),
    )
    department = forms.ModelChoiceField(
        Department.objects.none(),
        label=_("Department"),
        required=False,
        empty_label=_("The whole organisation"),
    )
    ensemble = forms.ModelChoiceField(
        Ensemble.objects.none(),
        label=_("Ensemble"),
        empty_label=_("Choose an approved ensemble."),
        help_text=_("What serves under its name when an image comes is what runs."),
    )

    def __init__(self, *args, organisation: Organisation, rule: Rule | None = None, **kwargs):
        said = {name: getattr(rule, name) for name in self.base_fields} if rule else {}
        super().__init__(*args, initial=said, **kwargs)
        rooms = Department.objects.filter(organisation=organisation)
        self.fields["department"].queryset = rooms.order_by("name")
        mine = Q(organisation=None) | Q(organisation=organisation)
        self.fields["ensemble"].queryset = Ensemble.objects.filter(
            mine, state=EnsembleState.APPROVED
        ).order_by("organisation", "name")
