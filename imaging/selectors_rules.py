"""Rules for new images: which an administrator may see, what they did, what they would match."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, F, Max, Q, QuerySet
from django.utils.timezone import now

from accounts.selectors import organisations_of
from imaging.models import Image, Rule, RuleMatch

LOOKED_BACK = timedelta(days=30)
MOST_OPENED = 2000  # headers are sealed: the newest of a busy month are opened, and no more


@dataclass(frozen=True, slots=True)
class WouldMatch:
    """What a rule would have started; `is_cut`: only the newest images were looked through."""

    images: int
    studies: int
    is_cut: bool = False


def rules_visible_to(user) -> QuerySet[Rule]:
    """Return the rules of the organisations that `user` administers."""
    rows = Rule.objects.filter(
        organisation__in=organisations_of(user, "rule.manage"), removed_at=None
    )
    return rows.select_related("organisation", "department", "ensemble", "created_by")


def rules_counted(user) -> QuerySet[Rule]:
    """Return the same with their images of the last thirty days: started, refused."""
    lately = Q(matches__created_at__gt=now() - LOOKED_BACK)
    return rules_visible_to(user).annotate(
        started=Count("matches", filter=lately & Q(matches__run__isnull=False)),
        refused=Count("matches", filter=lately & ~Q(matches__problem="")),
        last_at=Max("matches__created_at"),
    )


def matches_told(rule: Rule) -> QuerySet[RuleMatch, dict]:
    """Return what became of the rule's images, the newest first: one row for each run or reason."""
    rows = RuleMatch.objects.filter(rule=rule).order_by()
    return (
        rows.values("upload", "run", "problem", "closed_at")
        .annotate(images=Count("pk"), at=Max("created_at"))
        .order_by(F("at").desc(), "upload")
    )


def would_match(rule: Rule) -> WouldMatch:
    """Count what the rule would have started in the last thirty days, had it been on."""
    images = Image.objects.filter(
        organisation=rule.organisation_id,
        modality=rule.modality,
        study__deleted_at=None,
        created_at__gt=now() - LOOKED_BACK,
    )
    if rule.department_id is not None:
        images = images.filter(study__department=rule.department_id)
    if not rule.body_part:
        counted = images.aggregate(n=Count("pk"), studies=Count("study", distinct=True))
        return WouldMatch(counted["n"], counted["studies"])
    newest = list(images.order_by("-created_at")[: MOST_OPENED + 1])
    fit = [one for one in newest[:MOST_OPENED] if one.body_part == rule.body_part]
    return WouldMatch(len(fit), len({one.study_id for one in fit}), len(newest) > MOST_OPENED)
