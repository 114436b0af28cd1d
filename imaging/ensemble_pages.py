"""The queue of proposed ensembles: what would change, side by side, and an administrator's word."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import requires, step_up
from accounts.selectors import organisations_of
from imaging.choices import ensembles_told
from imaging.models import Ensemble, EnsembleMember, EnsembleState
from imaging.services.ensembles import ensemble_approve, ensemble_decline, why_not_decide
from imaging.services.refusals import NotPossible

SHOWN = 100


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the comparison; "" where one side has no such thing."""

    what: str
    before: str
    after: str

    @property
    def is_other(self) -> bool:
        return self.before != self.after


@require_GET
@requires("ensemble.view")
def ensemble_list(request: HttpRequest) -> HttpResponse:
    """Show what waits for an administrator, and what was decided."""
    rows = _mine(request.user, "ensemble.view").select_related(
        "created_by", "decided_by", "organisation"
    )
    waiting = list(rows.filter(state=EnsembleState.PROPOSED).order_by("created_at")[:SHOWN])
    before = _serving(waiting)
    context = {
        "waiting": [
            {
                "ensemble": one,
                "before": before.get((one.organisation_id, one.name)),
                "changes": changes_of(before.get((one.organisation_id, one.name)), one),
                "reason": why_not_decide(request.user, one),
            }
            for one in waiting
        ],
        "decided": rows.exclude(decided_at=None).order_by("-decided_at")[:SHOWN],
    }
    return render(request, "imaging/ensemble_list.html", context)


@require_POST
@requires("ensemble.approve")
@step_up
def ensemble_approve_view(request: HttpRequest, pk) -> HttpResponse:
    ensemble = get_object_or_404(_mine(request.user, "ensemble.approve"), pk=pk)
    said = _("Approved. It serves from now on; earlier runs keep the version that they used.")
    return _done(request, said, lambda: ensemble_approve(user=request.user, ensemble=ensemble))


@require_POST
@requires("ensemble.approve")
@step_up
def ensemble_decline_view(request: HttpRequest, pk) -> HttpResponse:
    ensemble = get_object_or_404(_mine(request.user, "ensemble.approve"), pk=pk)
    reason = request.POST.get("reason", "")
    said = _("Declined. Nothing changes, and whoever proposed it can read why.")
    return _done(
        request,
        said,
        lambda: ensemble_decline(user=request.user, ensemble=ensemble, reason=reason),
    )


def changes_of(before: Ensemble | None, after: Ensemble) -> list[Change]:
    """Return member by member, then threshold and fusion, how `after` differs from `before`."""
    old, new = (_members(one) for one in (before, after))
    return [
        *(Change(name, old.get(name, ""), new.get(name, "")) for name in sorted(old | new)),
        Change(_("Threshold"), number_format(before.threshold, 2) if before else "",
               number_format(after.threshold, 2)),
        Change(_("Joined by"), str(before.get_fusion_display()) if before else "",
               str(after.get_fusion_display())),
    ]  # fmt: skip


def _members(ensemble: Ensemble | None) -> dict[str, str]:
    return {m.model_version.name: _told(m) for m in ensemble.members.all()} if ensemble else {}


def _told(member: EnsembleMember) -> str:
    device = _("any device") if member.device == "auto" else member.device.upper()
    facts = {
        "version": member.model_version.version,
        "weight": f"{member.weight:g}",
        "device": device,
    }
    return _("%(version)s, weight %(weight)s, %(device)s") % facts


def _serving(proposals: Sequence[Ensemble]) -> dict[tuple, Ensemble]:
    """Return by organisation and name what serves now under the names of `proposals`."""
    names = {one.name for one in proposals}
    houses = {one.organisation_id for one in proposals}
    rows = Ensemble.objects.filter(
        organisation__in=houses, name__in=names, state=EnsembleState.APPROVED
    ).prefetch_related("members__model_version")
    return {(one.organisation_id, one.name): one for one in rows}


def _mine(user, action: str):
    return ensembles_told(user).filter(organisation__in=organisations_of(user, action))


def _done(request: HttpRequest, said: str, act: Callable) -> HttpResponse:
    try:
        act()
        messages.success(request, said)
    except NotPossible as refusal:
        messages.error(request, str(refusal))
    return redirect("imaging:ensemble-list")
