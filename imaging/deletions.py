"""The pages of deletion: asked for on a study's page, decided and undone by administrators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from accounts.access import requires, step_up
from imaging.models import Deletion, Study
from imaging.models.deletions import DeclineReason, DeletionReason
from imaging.selectors import studies_within
from imaging.selectors_deletions import deletions_decided_by, deletions_told
from imaging.services.deletions import (
    ACTION,
    deletion_approve,
    deletion_ask,
    deletion_decline,
    deletion_restore,
    deletion_withdraw,
)
from imaging.services.refusals import NotPossible

ASK = "study.ask_deletion"
SHOWN = 50


class AskForm(forms.Form):
    reason = forms.ChoiceField(
        label=gettext_lazy("Why should it go?"),
        choices=[("", gettext_lazy("Choose a reason")), *DeletionReason.choices],
    )


class AnswerForm(forms.Form):
    answer = forms.ChoiceField(choices=DeclineReason.choices)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page of a study says about its deletion; `form` where it may be asked for."""

    latest: Deletion | None
    form: AskForm | None
    is_own: bool
    kept_days: int


def deletion_shown(user, study: Study) -> Asked | None:
    """Return what `user` reads and may do about the study's deletion; None: it is not theirs."""
    if not studies_within(user, ASK).filter(pk=study.pk).exists():
        return None
    found = Deletion.objects.filter(study_id=study.pk, withdrawn_at=None, restored_at=None)
    latest = found.select_related("requested_by", "declined_by").first()
    is_open = latest is not None and latest.is_open
    return Asked(
        latest=latest,
        form=None if is_open else AskForm(),
        is_own=is_open and latest.requested_by_id == user.pk,
        kept_days=settings.STUDY_KEPT_DAYS,
    )


@require_POST
@requires(ASK)
def ask(request: HttpRequest, pk) -> HttpResponse:
    study = get_object_or_404(studies_within(request.user, ASK), pk=pk)
    form = AskForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose why the study should go."))
        return redirect(study)
    said = _("Asked for. The study stays until an administrator has decided.")
    act = partial(deletion_ask, user=request.user, study=study, **form.cleaned_data)
    return _done(request, said, act, study)


@require_POST
@requires(ASK)
def withdraw(request: HttpRequest, pk) -> HttpResponse:
    own = Deletion.objects.filter(requested_by=request.user)
    studies = studies_within(request.user, ASK)
    deletion = get_object_or_404(own.filter(study_id__in=studies.values("pk")), pk=pk)
    act = partial(deletion_withdraw, user=request.user, deletion=deletion)
    study = studies.get(pk=deletion.study_id)
    return _done(request, _("Withdrawn. The study stays as it is."), act, study)


@require_GET
@requires(ACTION)
@step_up
def deletion_list(request: HttpRequest) -> HttpResponse:
    """Show what waits, what can be restored and what was decided; of a study only plain facts."""
    rows = deletions_told(request.user)
    pages = Paginator(rows.closed().order_by("-created_at", "-pk"), SHOWN)
    context = {
        "waiting": rows.waiting().filter(is_here=True).order_by("created_at", "pk")[:SHOWN],
        "kept": rows.kept().filter(is_here=True).order_by("keep_until", "pk")[:SHOWN],
        "page": pages.get_page(request.GET.get("page")),
        "answers": DeclineReason.choices,
        "kept_days": settings.STUDY_KEPT_DAYS,
    }
    return render(request, "imaging/deletion_list.html", context)


@require_POST
@requires(ACTION)
@step_up
def approve(request: HttpRequest, pk) -> HttpResponse:
    deletion = get_object_or_404(deletions_decided_by(request.user), pk=pk)
    said = _("The study is deleted. It can be restored until its time is over.")
    return _done(request, said, partial(deletion_approve, user=request.user, deletion=deletion))


@require_POST
@requires(ACTION)
@step_up
def decline(request: HttpRequest, pk) -> HttpResponse:
    deletion = get_object_or_404(deletions_decided_by(request.user), pk=pk)
    form = AnswerForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose why the study stays."))
        return redirect("imaging:deletion-list")
    act = partial(deletion_decline, user=request.user, deletion=deletion, **form.cleaned_data)
    return _done(request, _("Declined. The person who asked is told."), act)


@require_POST
@requires(ACTION)
@step_up
def restore(request: HttpRequest, pk) -> HttpResponse:
    deletion = get_object_or_404(deletions_decided_by(request.user), pk=pk)
    said = _("The study is back, as it was.")
    return _done(request, said, partial(deletion_restore, user=request.user, deletion=deletion))


def _done(request: HttpRequest, said: str, act: Callable, there="imaging:deletion-list"):
    try:
        act()
        messages.success(request, said)
    except NotPossible as refusal:
        messages.error(request, str(refusal))
    return redirect(there)
