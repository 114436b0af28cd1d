"""What is corrected by API: a patient's identity, and a study before anything of it is analysed."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from imaging.forms_identity import LONGEST, SEXES, IdentityForm, day_of
from imaging.models import Modality, Patient, Study
from imaging.study_corrections import StudyForm, study_corrected


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A misspelt name", {"seen": 1, "name": "Lindqvist^Anna Maria"}, request_only=True
        )
    ]
)
class IdentityRequest(serializers.Serializer):
    """What is not said stays; `seen` is the version of the patient that you looked at."""

    seen = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    name = serializers.CharField(max_length=3 * LONGEST, required=False, allow_blank=True)
    record_number = serializers.CharField(max_length=LONGEST, required=False, allow_blank=True)
    birth_date = serializers.DateField(required=False, allow_null=True)
    sex = serializers.ChoiceField(choices=list(SEXES.items()), required=False, allow_blank=True)


@extend_schema_serializer(
    examples=[OpenApiExample("Another title", {"title": "Chest, second view"}, request_only=True)]
)
class StudyRequest(serializers.Serializer):
    """What is not said stays. The kind and the patient only where the files do not say them."""

    title = serializers.CharField(max_length=200, required=False, allow_blank=True)
    modality = serializers.ChoiceField(choices=Modality.choices, required=False)
    record_number = serializers.CharField(
        max_length=LONGEST, required=False, help_text="Of a patient who is known here."
    )


def identity_meant(patient: Patient, sent: dict[str, Any]) -> dict[str, Any]:
    """Return what `patient_change` takes. Raises ValidationError, by field."""
    kept = {
        "name": patient.name, "record_number": patient.record_number,
        "birth_date": day_of(patient.birth_date), "sex": patient.sex,
    }  # fmt: skip
    return _checked(IdentityForm(kept | sent, patient=patient)).sent()


def study_mended(user, study: Study, sent: dict[str, Any]) -> Study:
    """Correct the study as its page does. Raises ValidationError, by field; NotPossible."""
    form = StudyForm({"title": study.title, "modality": study.modality} | sent, study=study)
    for name in sent.keys() - form.fields.keys():
        raise ValidationError({name: _("These files say it themselves, and are believed.")})
    study_corrected(user, _checked(form))
    return Study.objects.get(pk=study.pk)


def _checked(form):
    """Return a form that is right; its errors become the API's."""
    if form.is_valid():
        return form
    raise ValidationError(
        {
            name: [ErrorDetail(one["message"], one["code"] or "invalid") for one in errors]
            for name, errors in form.errors.get_json_data().items()
        }
    )
