"""The search of the worklist: exact, over sealed identity; its answer is an opaque address."""

from __future__ import annotations

import re
import uuid

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import audit
from accounts.selectors import grants_of
from accounts.throttle import limited
from accounts.vault.fields import blind_index
from imaging.reading import reads
from imaging.selectors import (
    patients_visible_to,
    results_visible_to,
    runs_visible_to,
    studies_visible_to,
)

LONGEST = 64
SHORT = re.compile(r"[0-9a-f]{8}")


@require_POST
@reads("study.view")
@limited("search", "30/m")
def record_search(request: HttpRequest) -> HttpResponse:
    """Lead to what has exactly this record number, accession number or id, if it may be seen."""
    asked = request.POST.get("q", "").strip()[:LONGEST]
    found = _found(request.user, asked) if asked else []
    audit.record(request.user, "record.search", reason=f"found {len(found)}")
    if not asked:
        messages.warning(request, _("Type a record number, an accession number or an id."))
    elif not found:
        messages.warning(
            request,
            _("Nothing that you may see has exactly this record number, accession number or id."),
        )
    elif len(found) > 1:
        messages.info(request, _("Several have this number: the newest is shown."))
    return redirect(found[0] if found else "imaging:study-list")


def _found(user, asked: str) -> list:
    """Return what is meant: a patient or the studies of a number, or the row of an id."""
    return _of_number(user, asked) or _of_id(user, asked.lower().replace("-", ""))


def _of_number(user, asked: str) -> list:
    houses = {one.organisation_id for one in grants_of(user, "study.view")}
    if not houses:
        return []
    numbers, accessions = Q(pk__in=[]), Q(pk__in=[])
    for house in houses:
        here = Q(organisation=house)
        numbers |= here & Q(mrn_index=blind_index(house, "record_number", asked))
        accessions |= here & Q(accession_index=blind_index(house, "accession_number", asked))
    studies = list(studies_visible_to(user).filter(accessions).order_by("-created_at")[:2])
    if studies:
        return studies
    patients = patients_visible_to(user).filter(numbers).order_by("-created_at")[:2]
    return [_of_patient(user, patient) for patient in patients]


def _of_patient(user, patient):
    """Return the one study of the patient, else the patient's page."""
    studies = list(studies_visible_to(user).filter(patient=patient)[:2])
    return studies[0] if len(studies) == 1 else patient


def _of_id(user, asked: str) -> list:
    """Return the run, result or study whose id begins with these eight characters, or is all."""
    if not (SHORT.fullmatch(asked[:8]) and len(asked) in (8, 32)):
        return []
    try:
        first, last = uuid.UUID(asked.ljust(32, "0")), uuid.UUID(asked.ljust(32, "f"))
    except ValueError:
        return []
    for rows in (runs_visible_to(user), results_visible_to(user), studies_visible_to(user)):
        found = list(rows.filter(pk__gte=first, pk__lte=last)[:2])
        if found:
            return found
    return []
