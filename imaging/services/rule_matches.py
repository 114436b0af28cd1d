"""New images and the rules that they fit: noted as they are stored, obeyed when all are read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Organisation, User
from accounts.selectors import may_at
from accounts.services.machines import machine_named
from imaging.models import Ensemble, EnsembleState, Image, Rule, RuleMatch, Run, Upload
from imaging.services.members import MemberChoice
from imaging.services.refusals import NotPossible
from imaging.services.runs import MOST_IMAGES, VOLUME_SLICES, run_submit

ACCOUNT = "Automatic runs"  # the machine of each organisation that rules run as


def matches_note(upload: Upload, images: Sequence[Image]) -> None:
    """Note which rules want these new images; called in the transaction that stores them."""
    if not images:
        return
    study = images[0].study
    rules = Rule.objects.filter(organisation=upload.organisation, is_on=True)
    RuleMatch.objects.bulk_create(
        [
            RuleMatch(
                organisation=upload.organisation, rule=rule, image=image, upload=upload
            )
            for rule in rules
            if rule.department_id in (None, study.department_id)
            for image in images
            if image.modality == rule.modality
            and rule.body_part in ("", image.body_part)
        ],
        ignore_conflicts=True,
    )  # fmt: skip


def rules_obey(upload_id: UUID) -> int:
    """Start what rules want of a read upload; return how many images. Twice does it once."""
    with transaction.atomic():
        rows = RuleMatch.objects.select_for_update(of=("self",)).filter(
            upload=upload_id, closed_at=None
        )
        waiting = rows.exclude(upload__finished_at=None).order_by("created_at", "id")
        found = list(waiting.select_related("rule__organisation", "rule__ensemble", "image__study"))
        for matches in _groups(found):
            _obey(matches)
    return len(found)


def rules_recover() -> int:
    """Obey what a killed worker left open; return how many images."""
    read = RuleMatch.objects.filter(closed_at=None).exclude(upload__finished_at=None)
    left = list(read.order_by().values_list("upload", flat=True).distinct())
    return sum(rules_obey(upload_id) for upload_id in left)


def ensemble_serving(rule: Rule) -> Ensemble | None:
    """Return what serves now under the name of the rule's ensemble."""
    if rule.ensemble is None:
        return None
    serving = Ensemble.objects.filter(
        organisation=rule.ensemble.organisation_id,
        name=rule.ensemble.name,
        state=EnsembleState.APPROVED,
    )
    return serving.prefetch_related("members__model_version").first()


def runner_of(organisation: Organisation, by: User | None = None) -> User:
    """Return the account that rules run as, made if need be."""
    return machine_named(organisation=organisation, name=ACCOUNT, by=by).user


def _groups(matches: Sequence[RuleMatch]) -> Iterator[list[RuleMatch]]:
    """Yield what becomes one run: of one rule, and what would be refused apart from the rest."""
    groups = defaultdict(list)
    for one in matches:
        is_deleted = one.image.study.deleted_at is not None
        groups[one.rule_id, one.image.depth >= VOLUME_SLICES, is_deleted].append(one)
    for group in groups.values():
        for start in range(0, len(group), MOST_IMAGES):
            yield group[start : start + MOST_IMAGES]


def _obey(matches: Sequence[RuleMatch]) -> None:
    """Close these with a run, or with the reason why there is none."""
    rule, run, problem = matches[0].rule, None, ""
    try:
        with transaction.atomic():
            run = _submit(rule, [one.image for one in matches], f"rule-{matches[0].pk.hex}")
    except ValidationError as refusal:
        problem = " ".join(refusal.messages)[:500]
        audit.record(None, "rule.refuse", rule, outcome="refused", reason=f"{len(matches)} images")
    rows = RuleMatch.objects.filter(pk__in=[one.pk for one in matches])
    rows.update(run=run, problem=problem, closed_at=now())


def _submit(rule: Rule, images: Sequence[Image], token: str) -> Run:
    """Ask for the run with the rights that the house's account has now. Raises: NotPossible."""
    user, ensemble = runner_of(rule.organisation), ensemble_serving(rule)
    if not rule.is_on:
        raise NotPossible(_("The rule was switched off before the files were read."))
    if not may_at(user, "run.submit", rule.organisation_id):
        raise NotPossible(_("The account that rules run as has lost its role."))
    if ensemble is None:
        raise NotPossible(_("The ensemble of the rule serves no more. Choose another one."))
    return run_submit(
        user=user,
        images=images,
        members=[
            MemberChoice(one.model_version, one.weight, one.device)
            for one in ensemble.members.all()
        ],
        threshold=ensemble.threshold,
        ensemble=ensemble,
        token=token,
        rule=rule,
    )
