"""The state of keys as an auditor reads it: ids, times and counts, never a byte of a key."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db.models import Case, Count, Min, Model, Q, QuerySet, UUIDField, When
from django.db.models.functions import Substr
from django.utils.timezone import now

from accounts.models import Blob, Organisation, VaultKey
from accounts.selectors import organisations_of
from accounts.vault.fields import SealedTextField
from accounts.vault.kek import current_kek

ACTION = "key.view_state"
KID_AT, KID_LONG = 4, 22  # of “v1.<kid>.…”, in URL-safe base64 without its padding
PATIENT = VaultKey.Kind.PATIENT


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One key and what is known of it; `under` is None where nobody counted."""

    row: VaultKey
    state: str
    age_days: int
    is_due: bool
    is_wrapped_now: bool
    under: int | None


@dataclass(frozen=True, slots=True)
class PatientKeys:
    """The keys of all patients of some organisations, in numbers."""

    current: int
    replaced: int
    destroyed: int
    due: int
    oldest: object


def keys_visible_to(user) -> QuerySet[VaultKey]:
    """Return the keys of the house's purposes, and of the organisations `user` audits."""
    houses = organisations_of(user, ACTION)
    if not houses.exists():
        return VaultKey.objects.none()
    mine = Q(kind=VaultKey.Kind.PURPOSE) | Q(organisation__in=houses)
    return VaultKey.objects.filter(mine).select_related("organisation").defer("wrapped")


def house_keys(user) -> QuerySet[VaultKey]:
    """Return all but patients' keys, those in use first."""
    return keys_visible_to(user).exclude(kind=PATIENT).order_by(
        "organisation__name", "purpose", "kind", _in_use(), "-created_at"
    )  # fmt: skip


def patient_keys(user) -> QuerySet[VaultKey]:
    """Return patients' keys: those that wait to be destroyed first, then the oldest."""
    waits = Case(When(retired_at__isnull=False, destroyed_at=None, then=0), default=1)
    return keys_visible_to(user).filter(kind=PATIENT).order_by(waits, "created_at", "pk")


def patient_keys_counted(user) -> PatientKeys:
    rows = keys_visible_to(user).filter(kind=PATIENT)
    used = Q(retired_at=None, destroyed_at=None)
    found = rows.order_by().aggregate(
        current=Count("pk", filter=used),
        replaced=Count("pk", filter=Q(retired_at__isnull=False, destroyed_at=None)),
        destroyed=Count("pk", filter=Q(destroyed_at__isnull=False)),
        due=Count("pk", filter=used & Q(created_at__lt=now() - _advised())),
        oldest=Min("created_at", filter=used),
    )
    return PatientKeys(**found)


def key_lines(keys: Collection[VaultKey], counts: Counter | None) -> list[KeyLine]:
    """Return each key with its age and state; `counts` as `counted_under` returns them."""
    kek, moment = current_kek().name, now()
    return [
        KeyLine(
            row=key,
            state=_state(key),
            age_days=(moment - key.created_at).days,
            is_due=_state(key) == "active" and moment - key.created_at > _advised()
            and key.kind != VaultKey.Kind.INDEX,  # which a rotation keeps
            is_wrapped_now=key.kind == PATIENT or key.wrapped_by == kek,
            under=None if counts is None else counts[key.pk],
        )
        for key in keys
    ]  # fmt: skip


def counted_under(user) -> Counter:
    """Return by key id how many sealed values and signed rows of one's organisations name it.

    A statement for each column, over all rows: for somebody who asks, not for each page.
    """
    houses = list(organisations_of(user, ACTION).values_list("pk", flat=True))
    counts: Counter = Counter()
    for model in apps.get_models():
        if "organisation" not in {field.name for field in model._meta.get_fields()}:
            continue
        for field in model._meta.concrete_fields:
            if isinstance(field, SealedTextField):
                counts.update(_sealed_under(model, field.attname, houses))
            elif field.name == "kid" and isinstance(field, UUIDField):
                counts.update(_signed_under(model, houses))
    return counts


def files_counted(user) -> dict[str, int]:
    """Return how many files lie under patients' keys, and how many under the organisation's."""
    files = Blob.objects.filter(organisation__in=organisations_of(user, ACTION)).order_by()
    return files.aggregate(
        patients=Count("pk", filter=Q(patient_id__isnull=False)),
        house=Count("pk", filter=Q(patient_id=None)),
    )


def houses_audited(user) -> QuerySet[Organisation]:
    return organisations_of(user, ACTION)


def _sealed_under(model: type[Model], column: str, houses: list) -> dict[UUID, int]:
    rows = model._base_manager.filter(organisation__in=houses).exclude(**{column: ""}).order_by()
    found = rows.values(named=Substr(column, KID_AT, KID_LONG)).annotate(n=Count("pk"))
    return {_kid(named): n for named, n in found.values_list("named", "n") if named}


def _signed_under(model: type[Model], houses: list) -> dict[UUID, int]:
    rows = model._base_manager.filter(organisation__in=houses, kid__isnull=False).order_by()
    return dict(rows.values_list("kid").annotate(n=Count("pk")))


def _kid(text: str) -> UUID:
    return UUID(bytes=base64.urlsafe_b64decode(f"{text}=="))


def _state(key: VaultKey) -> str:
    if key.destroyed_at:
        return "destroyed"
    return "replaced" if key.retired_at else "active"


def _in_use() -> Case:
    return Case(When(retired_at=None, destroyed_at=None, then=0), default=1)


def _advised() -> timedelta:
    return timedelta(days=settings.KEY_ADVISED_DAYS)
