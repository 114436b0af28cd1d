"""What people send us, checked."""

from __future__ import annotations

import math
import uuid
from collections.abc import Sequence

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from imaging.models import Fusion, Modality
from imaging.places import Place
from imaging.services.members import DEVICE, MemberChoice

DEVICES = [("auto", _("Automatic")), ("cpu", "CPU"), ("cuda", "CUDA (GPU)")]


class ManyFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """Several files in one field."""

    widget = ManyFilesInput

    def clean(self, data, initial=None) -> list:
        files = data if isinstance(data, (list, tuple)) else [data]
        files = [one for one in files if one]
        if not files and self.required:
            raise ValidationError(self.error_messages["required"], code="required")
        return files


class UploadForm(forms.Form):
    files = ManyFilesField(
        label=_("Files"),
        allow_empty_file=True,
        error_messages={"required": _("Choose at least one file.")},
        help_text=_(
            "DICOM (CR, DX, CT, MR): single files, whole series, a folder or a ZIP; NIfTI and"
            " NRRD volumes"
            " (.nii, .nii.gz); PNG, JPEG, TIFF (8 or 16 bit). Slices of a series become one volume."
        ),
    )
    modality = forms.ChoiceField(
        label=_("What are they?"),
        required=False,
        choices=[("", _("Read it from the file (DICOM)")), *Modality.choices],
        help_text=_("PNG, JPEG, TIFF, NIfTI and NRRD do not say; DICOM does, and the file wins."),
    )
    first_volume = forms.BooleanField(
        label=_("Of a NIfTI file with several volumes (4-D) take the first"), required=False
    )
    keep_known = forms.BooleanField(
        label=_("Keep a second copy of pictures that are here already"),
        required=False,
        help_text=_(
            "Otherwise they are named with a link to what is here. A DICOM image is kept once."
        ),
    )
    place = forms.ChoiceField(
        label=_("Where do they belong?"),
        required=False,
        help_text=_(
            "A department's members and those of the whole organisation will see them; without a"
            " department only the latter do."
        ),
    )

    def __init__(self, *args, places: Sequence[Place], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.places = {place.key: place for place in places}
        self.most_files = settings.DATA_UPLOAD_MAX_NUMBER_FILES
        if len(places) > 1:
            self.fields["place"].choices = [(place.key, str(place)) for place in places]
            self.fields["place"].initial = places[0].key
        else:
            del self.fields["place"]

    def clean(self) -> dict:
        """Name the organisation and the department; unasked it is where the person joined first."""
        cleaned = super().clean()
        if not self.places:
            raise ValidationError(_("You do not belong to an organisation yet."))
        first = next(iter(self.places.values()))
        place = self.places.get(cleaned.pop("place", ""), first)
        return cleaned | {"organisation": place.organisation, "department": place.department}


class RunForm(forms.Form):
    """Which models with which weight, on which device, at which threshold.

    The member fields are read from the request by model version:
    `member` (ids, repeated), `weight_<id>`, `device_<id>`.
    """

    threshold = forms.FloatField(
        label=_("Threshold"),
        min_value=0.01,
        max_value=1,
        initial=0.5,
        widget=forms.NumberInput(attrs={"step": "0.01"}),
        help_text=_("A pixel belongs to the mask when the ensemble's probability reaches this."),
    )
    fusion = forms.ChoiceField(
        label=_("Joined by"),
        required=False,
        choices=Fusion,
        help_text=_(
            "The mean averages probabilities. A majority vote takes what more than half of the"
            " weight says. STAPLE, for masks, weighs each model by how well it fits the others."
        ),
    )
    save_as = forms.CharField(
        label=_("Propose this choice as an ensemble named"),
        required=False,
        max_length=64,
        validators=[
            RegexValidator(
                r"^[a-z0-9][a-z0-9._-]{0,63}$",
                _("Use lower-case letters, digits, dots and hyphens, for instance chest-night."),
            )
        ],
        help_text=_(
            "Leave empty to use it once. Others may choose it after an administrator's yes; the"
            " name of one that serves proposes a change of it."
        ),
    )

    def __init__(self, *args, models, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.models = {str(model.pk): model for model in models}

    def clean(self) -> dict:
        cleaned = super().clean()
        chosen = [key for key in self.data.getlist("member") if key in self.models]
        if not chosen:
            raise ValidationError(_("Choose at least one model."))
        members = [self._member(key) for key in dict.fromkeys(chosen)]
        if sum(member.weight for member in members) == 0:
            raise ValidationError(_("All weights are zero. Give at least one model a weight."))
        cleaned["members"] = members
        return cleaned

    def _member(self, key: str) -> MemberChoice:
        model = self.models[key]
        try:
            weight = float(self.data.get(f"weight_{key}", "1").replace(",", "."))
        except ValueError:
            weight = math.nan
        if not math.isfinite(weight) or weight < 0:
            raise ValidationError(
                _("The weight of %(model)s must be a number, zero or more."),
                params={"model": model.name},
            )
        device = self.data.get(f"device_{key}", "auto")
        if not DEVICE.fullmatch(device):
            raise ValidationError(
                _("%(device)s is not a device that can be chosen for %(model)s."),
                params={"device": device[:16], "model": model.name},
            )
        return MemberChoice(model, weight, device)


def uuids(values) -> list[uuid.UUID]:
    """Return those of `values` that are UUIDs, each once, in order."""
    found = {}
    for value in values:
        try:
            found[uuid.UUID(value)] = None
        except ValueError:
            continue
    return list(found)
