"""The page of the plans: one's own with what it leaves, all of them, and asking for another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.access import requires, signed_in
from accounts.models import Organisation, Plan, PlanRequest, User
from accounts.plan_table import PlanRequestState
from accounts.selectors import home_organisation, may_at, organisations_of
from accounts.services.plan_requests import ASK, plan_ask, plan_request_withdraw
from analytics.meters import beyond, meters_of
from imaging.months import month_start, next_month


class PlanForm(forms.Form):
    plan = forms.ModelChoiceField(
        label=gettext_lazy("Plan"),
        queryset=Plan.objects.all(),
        empty_label=None,
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose the plan that you ask for.")},
    )
    words = forms.CharField(
        label=gettext_lazy("Why"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("A few words for the operator. Name no patient."),
    )


@dataclass(frozen=True, slots=True)
class PlanShown:
    """One plan beside the others; `beyond` names what is used more than it allows."""

    plan: Plan
    is_own: bool
    beyond: Sequence[str]


@require_safe
@signed_in
def plan_list(request: HttpRequest) -> HttpResponse:
    """Show what any member of an organisation may know: its plan, its use, the other plans."""
    named = request.GET.get("organisation", "")
    return _page(request, _organisation(request.user, named), PlanForm())


@require_POST
@requires(ASK)
def plan_ask_view(request: HttpRequest, pk) -> HttpResponse:
    organisation = get_object_or_404(organisations_of(request.user, ASK), pk=pk)
    form = PlanForm(request.POST)
    if form.is_valid():
        try:
            plan_ask(by=request.user, organisation=organisation, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("Asked for. Your plan stays until the operator decides."))
            return redirect(address_of(organisation.pk))
    return _page(request, organisation, form)


@require_POST
@requires(ASK)
def plan_withdraw_view(request: HttpRequest, pk) -> HttpResponse:
    mine = PlanRequest.objects.filter(organisation__in=organisations_of(request.user, ASK))
    asked = get_object_or_404(mine.select_related("organisation"), pk=pk)
    try:
        plan_request_withdraw(by=request.user, request=asked)
        messages.success(request, _("Withdrawn. Your plan stays as it is."))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect(address_of(asked.organisation_id))


def address_of(organisation_id) -> str:
    """Return the address of the page as it speaks of one organisation."""
    return f"{reverse('analytics:plans')}?organisation={organisation_id}"


def _organisation(user: User, named: str) -> Organisation | None:
    """The organisation meant, of one's own; unnamed, where one may ask, else the first joined."""
    if not named:
        return home_organisation(user, ASK) or home_organisation(user)
    try:
        found = organisations_of(user).select_related("plan").filter(pk=named).first()
    except ValidationError:  # it is no id
        found = None
    if found is None:
        raise Http404
    return found


def _page(request: HttpRequest, organisation: Organisation | None, form: PlanForm):
    meters = meters_of(organisation) if organisation else []
    own = organisation.plan_id if organisation else None
    plans = [PlanShown(plan, plan.pk == own, beyond(plan, meters)) for plan in Plan.objects.all()]
    latest = _latest(organisation) if organisation else None
    may_ask = organisation is not None and may_at(request.user, ASK, organisation.pk)
    context = {
        "organisation": organisation,
        "organisations": organisations_of(request.user).order_by("name"),
        "meters": meters,
        "full": [meter for meter in meters if meter.is_full],
        "resets_at": next_month(month_start()),
        "plans": plans,
        "latest": latest,
        "may_withdraw": may_ask and latest is not None and latest.is_open,
        "may_ask": may_ask and len(plans) > 1 and not (latest and latest.is_open),
        "form": form,
    }
    return render(request, "analytics/plan_list.html", context, status=422 if form.errors else 200)


def _latest(organisation: Organisation) -> PlanRequest | None:
    """Return the newest request that says something: what was withdrawn says nothing more."""
    rows = organisation.plan_requests.exclude(state=PlanRequestState.WITHDRAWN)
    return rows.select_related("plan", "asked_by").order_by("-asked_at").first()
