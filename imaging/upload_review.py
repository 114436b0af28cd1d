"""Looking over what an upload brought, study by study, before it is sent on to analysis."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access import requires
from accounts.plan_limits import refusal_told
from accounts.selectors import user_may
from accounts.throttle import limited
from imaging.choices import ensembles_fitting
from imaging.forms import uuids
from imaging.models import Ensemble, Image, Job, Modality, Run, Study, Upload
from imaging.receipts import Receipt, receipt_of, shape_words
from imaging.selectors import (
    images_visible_to,
    studies_visible_to,
    studies_within,
    uploads_visible_to,
)
from imaging.services.runs import MemberChoice, run_submit


@dataclass(frozen=True, slots=True)
class Arrival:
    """One study as it arrived.

    known    how many of its images were here before this upload.
    is_sent  one of them was sent on to analysis, from here or from elsewhere.
    """

    study: Study
    images: Sequence[Image]
    files: int
    known: int
    is_sent: bool
    may_correct: bool

    @property
    def is_new(self) -> bool:
        return self.known < len(self.images)

    @property
    def series(self) -> list[str]:
        """Each image in words, under its series' name where it has one."""
        return [
            ": ".join(filter(None, [image.series.description, shape_words(image)]))
            for image in self.images
        ]

    @property
    def remarks(self) -> list[str]:
        return list(dict.fromkeys(one for image in self.images for one in image.warnings))


@dataclass(frozen=True, slots=True)
class Choice:
    """What may analyse the pictures of one kind."""

    modality: str
    label: str
    ensembles: Sequence[Ensemble]


def review_of(user, upload: Upload, receipt: Receipt) -> dict:
    """Return what the receipt's page shows once everything is read, as far as `user` sees it."""
    arrivals = _arrivals(user, upload, receipt)
    runs = user_may(user, "run.submit") and bool(arrivals)
    return {
        "arrivals": arrivals,
        "choices": _choices(user, arrivals) if runs else [],
        "may_run": runs,
        "is_untouched": not any(one.is_sent for one in arrivals),
        "token": secrets.token_hex(16),
    }


@require_POST
@requires("run.submit")
@limited("run", "30/m")
def upload_send(request: HttpRequest, pk) -> HttpResponse:
    """Start a run for each kind of picture among the ticked studies of this upload."""
    upload = get_object_or_404(uploads_visible_to(request.user), pk=pk)
    images = _ticked(request, receipt_of(upload))
    try:
        runs = _started(request, images)
    except ValidationError as refusal:
        messages.error(request, refusal_told(refusal))
        return redirect(upload)
    if not runs:
        messages.error(request, _("Nothing is sent on: tick a study, and choose an ensemble."))
        return redirect(upload)
    words = ngettext("%(n)d run is started.", "%(n)d runs are started.", len(runs))
    messages.success(request, words % {"n": len(runs)})
    return redirect(runs[0]) if len(runs) == 1 else redirect("imaging:run-list")


def _ticked(request: HttpRequest, receipt: Receipt) -> list[Image]:
    mine = images_visible_to(request.user, "run.submit").select_related("organisation", "source")
    wanted = uuids(request.POST.getlist("study"))
    received = [image.pk for image in receipt.ready]
    return list(mine.filter(study__in=wanted, pk__in=received).order_by("created_at", "id"))


@transaction.atomic
def _started(request: HttpRequest, images: Sequence[Image]) -> list[Run]:
    """All runs, or none where one cannot be. Raises: ValidationError, in words."""
    by_kind: dict[str, list[Image]] = {}
    for image in images:
        by_kind.setdefault(image.modality, []).append(image)
    return [
        _run(request, kind, some)
        for kind, some in by_kind.items()
        if request.POST.get(f"ensemble-{kind}")
    ]


def _run(request: HttpRequest, kind: str, images: Sequence[Image]) -> Run:
    asked = request.POST[f"ensemble-{kind}"]
    fitting = ensembles_fitting(request.user, images)
    ensemble = next((one for one in fitting if str(one.pk) == asked), None)
    if ensemble is None:
        raise ValidationError(
            _("The chosen ensemble does not fit the images of the kind %(kind)s. Choose another.")
            % {"kind": Modality(kind).label}
        )
    return run_submit(
        user=request.user,
        images=images,
        members=[
            MemberChoice(one.model_version, one.weight, one.device)
            for one in ensemble.members.all()
        ],
        threshold=ensemble.threshold,
        fusion=ensemble.fusion,
        ensemble=ensemble,
        token=_token(request.POST.get("token", ""), ensemble, images),
    )


def _token(page: str, ensemble: Ensemble, images: Sequence[Image]) -> str:
    """The same page with the same choice is one run; another choice from it is another."""
    if not page:
        return ""
    chosen = " ".join([str(ensemble.pk), *sorted(str(image.pk) for image in images)])
    return f"{page[:24]}-{hashlib.sha256(chosen.encode()).hexdigest()[:32]}"


def _arrivals(user, upload: Upload, receipt: Receipt) -> list[Arrival]:
    images: dict[UUID, list[Image]] = {}
    for image in receipt.ready:
        images.setdefault(image.study_id, []).append(image)
    studies = studies_visible_to(user).select_related("patient", "uploaded_by").in_bulk(images)
    sent = set(Job.objects.filter(image__study__in=studies).values_list("image__study", flat=True))
    mine = studies_within(user, "study.correct").filter(pk__in=studies)
    correctable = set(mine.values_list("pk", flat=True)) - sent
    files = _files(receipt)
    return [
        Arrival(
            study=studies[pk],
            images=some,
            files=files.get(pk, 0),
            known=sum(image.created_at < upload.created_at for image in some),
            is_sent=pk in sent,
            may_correct=pk in correctable,
        )
        for pk, some in images.items()
        if pk in studies
    ]


def _files(receipt: Receipt) -> Mapping[UUID, int]:
    found: dict[UUID, set] = {}
    for line in receipt.lines:
        if line.image is not None:
            names = found.setdefault(line.image.study_id, set())
            names.update(item.pk for item in line.items)
    return {pk: len(items) for pk, items in found.items()}


def _choices(user, arrivals: Sequence[Arrival]) -> list[Choice]:
    by_kind: dict[str, list[Image]] = {}
    for arrival in arrivals:
        for image in arrival.images:
            by_kind.setdefault(image.modality, []).append(image)
    return [
        Choice(kind, Modality(kind).label, ensembles_fitting(user, images))
        for kind, images in sorted(by_kind.items())
    ]
