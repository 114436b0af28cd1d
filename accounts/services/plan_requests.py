"""Asking for another plan, and the operator's answer; one request of an organisation at a time."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Organisation, Plan, PlanRequest, User
from accounts.plan_table import PlanRequestState
from accounts.roles import ADMINISTRATOR, ROLES
from accounts.selectors import may_at
from accounts.services.notices import notice_send

ASK = "plan.ask"


@transaction.atomic
def plan_ask(*, by: User, organisation: Organisation, plan: Plan, words: str = "") -> PlanRequest:
    """Ask the operators for `plan`; until they have decided nothing changes.

    Asked twice, the second is told that one waits. Raises: PermissionDenied; ValidationError.
    """
    _may_ask(by, organisation)
    if plan.pk == organisation.plan_id:
        raise ValidationError(_("This is the plan you have. Choose another."))
    try:
        with transaction.atomic():
            asked = PlanRequest.objects.create(
                organisation=organisation, plan=plan, words=words, asked_by=by
            )
    except IntegrityError:
        raise ValidationError(
            _("A request of your organisation waits already. Withdraw it to ask for another plan.")
        ) from None
    audit.record(by, ASK, asked, after={"plan": plan.slug})
    for operator in User.objects.filter(is_superuser=True, is_active=True):
        notice_send(to=operator, kind="plan_asked", facts=_facts(asked))
    return asked


@transaction.atomic
def plan_request_withdraw(*, by: User, request: PlanRequest) -> None:
    """Take the request back. Raises: PermissionDenied; ValidationError once it is decided."""
    _may_ask(by, request.organisation)
    held = _held(request)
    _end(held, PlanRequestState.WITHDRAWN, by)
    audit.record(by, "plan.withdraw", held)


@transaction.atomic
def plan_request_decide(*, by: User, request: PlanRequest, grant: bool, answer: str = "") -> None:
    """Give the organisation the plan, or let it keep its own; tell who asked.

    Raises: PermissionDenied for whoever is no operator; ValidationError once it is decided.
    """
    if not by.is_superuser:
        raise PermissionDenied(_("The operator of this installation decides about plans."))
    held = _held(request)
    house = Organisation.objects.select_for_update(of=("self",)).get(pk=held.organisation_id)
    states = {"before": {"plan": house.plan.slug}, "after": {"plan": house.plan.slug}}
    if grant:
        states["after"] = {"plan": held.plan.slug}
        house.plan = held.plan
        house.save(update_fields=["plan"])
    _end(held, PlanRequestState.GRANTED if grant else PlanRequestState.DECLINED, by, answer)
    audit.record(by, "plan.grant" if grant else "plan.decline", held, **states)
    if held.asked_by.is_active:
        kind = "plan_granted" if grant else "plan_declined"
        notice_send(to=held.asked_by, kind=kind, facts=_facts(held))


def _may_ask(by: User, organisation: Organisation) -> None:
    if not may_at(by, ASK, organisation.pk):
        role = _(ROLES[ADMINISTRATOR])
        raise PermissionDenied(_("This needs the role %(role)s.") % {"role": role})


def _held(request: PlanRequest) -> PlanRequest:
    rows = PlanRequest.objects.select_for_update(of=("self",))
    held = rows.select_related("organisation", "plan", "asked_by").get(pk=request.pk)
    if not held.is_open:
        raise ValidationError(_("This request is no longer open."))
    return held


def _end(held: PlanRequest, state: PlanRequestState, by: User, answer: str = "") -> None:
    held.state, held.decided_by, held.decided_at, held.answer = state, by, now(), answer
    held.save(update_fields=["state", "decided_by", "decided_at", "answer"])


def _facts(asked: PlanRequest) -> dict[str, str]:
    return {"plan": asked.plan.name, "organisation": asked.organisation.name}
