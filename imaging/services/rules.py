"""What an administrator does with rules for new images: make, change, switch, remove."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Department, Organisation, User
from imaging.models import BODY_PART, Ensemble, EnsembleState, Modality, Rule
from imaging.services.rule_matches import ensemble_serving, runner_of

MOST_RULES = 50  # of one organisation
_CODE_STRING = re.compile(rf"[A-Z0-9 _]{{0,{BODY_PART}}}")  # DICOM PS3.5, CS


@transaction.atomic
def rule_create(
    *,
    by: User,
    organisation: Organisation,
    name: str,
    modality: str,
    ensemble: Ensemble,
    department: Department | None = None,
    body_part: str = "",
    is_on: bool = False,
) -> Rule:
    """Make a rule, and the account that rules run as. Raises: ValidationError, by field."""
    Organisation.objects.select_for_update(of=("self",)).get(pk=organisation.pk)
    if Rule.objects.filter(organisation=organisation, removed_at=None).count() >= MOST_RULES:
        raise ValidationError(
            _("An organisation has at most %(n)d rules. Remove one first.") % {"n": MOST_RULES}
        )
    rule = Rule(organisation=organisation, created_by=by, is_on=is_on)
    _fill(rule, {
        "name": name, "modality": modality, "ensemble": ensemble, "department": department,
        "body_part": body_part,
    })  # fmt: skip
    rule.save(force_insert=True)
    runner_of(organisation, by)
    audit.record(by, "rule.create", rule, after=_told(rule))
    return rule


@transaction.atomic
def rule_change(*, by: User, rule: Rule, **changes: Any) -> Rule:
    """Change what is said of name, modality, ensemble, department, body_part and is_on.

    What is not said stays; images that came before are not looked at again. Raises:
    ValidationError, by field.
    """
    held = _held(rule)
    before = _told(held)
    held.is_on = changes.pop("is_on", held.is_on)
    if held.is_on and changes == {} and ensemble_serving(held) is None:
        raise ValidationError(_("The ensemble of the rule serves no more. Choose another one."))
    if changes:
        _fill(held, changes)
    if _told(held) != before:
        held.save()
        what = "on" if held.is_on and not before["is_on"] else "off" if not held.is_on else ""
        audit.record(by, "rule.change", held, reason=what, before=before, after=_told(held))
    return held


@transaction.atomic
def rule_remove(*, by: User, rule: Rule) -> bool:
    """End it; its runs go on saying which rule started them. Twice: nothing."""
    kept = Rule.objects.filter(pk=rule.pk, removed_at=None)
    if not kept.update(removed_at=now(), is_on=False):
        return False
    audit.record(by, "rule.delete", rule, before=_told(rule))
    return True


def _held(rule: Rule) -> Rule:
    rows = Rule.objects.select_for_update(of=("self",)).filter(removed_at=None)
    found = rows.select_related("ensemble").filter(pk=rule.pk).first()
    if found is None:
        raise ValidationError(_("This rule was removed."))
    return found


def _fill(rule: Rule, changes: dict[str, Any]) -> None:
    """Put what was said on the row. Raises: ValidationError, by field, where it does not fit."""
    if "body_part" in changes:
        changes = {**changes, "body_part": changes["body_part"].strip().upper()}
    for field, value in changes.items():
        setattr(rule, field, value.strip() if field == "name" else value)
    for field, wrong in (
        ("name", _wrong_name(rule)),
        ("body_part", _wrong_body_part(rule)),
        ("department", _wrong_department(rule)),
        ("ensemble", _wrong_ensemble(rule)),
    ):
        if wrong:
            raise ValidationError({field: wrong})


def _wrong_name(rule: Rule) -> str:
    if not rule.name:
        return _("Give it a name.")
    others = Rule.objects.filter(organisation=rule.organisation_id, removed_at=None)
    if others.filter(name=rule.name).exclude(pk=rule.pk).exists():
        return _("There is a rule of this name already.")
    return ""


def _wrong_body_part(rule: Rule) -> str:
    if _CODE_STRING.fullmatch(rule.body_part):
        return ""
    return _("Write it as DICOM files do: at most 16 letters, digits, spaces and underscores.")


def _wrong_department(rule: Rule) -> str:
    if rule.department is None or rule.department.organisation_id == rule.organisation_id:
        return ""
    return _("This department is of another organisation.")


def _wrong_ensemble(rule: Rule) -> str:
    if rule.ensemble is None:
        return _("Choose an approved ensemble.")
    mine = Q(organisation=None) | Q(organisation=rule.organisation_id)
    rows = Ensemble.objects.filter(mine, pk=rule.ensemble_id, state=EnsembleState.APPROVED)
    if not rows.exists():
        return _("Choose an approved ensemble.")
    if rule.modality not in rule.ensemble.modalities:
        words = dict(Modality.choices)
        own = ", ".join(str(words.get(one, one)) for one in rule.ensemble.modalities)
        return _("This ensemble was made for %(own)s.") % {"own": own}
    return ""


def _told(rule: Rule) -> dict[str, Any]:
    """The rule as the trail keeps it."""
    return {
        "name": rule.name, "modality": rule.modality, "body_part": rule.body_part,
        "department": str(rule.department_id or ""), "ensemble": str(rule.ensemble_id or ""),
        "is_on": rule.is_on,
    }  # fmt: skip
