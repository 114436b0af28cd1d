"""The auditor's page on erasures: who asked, who approved, and whether the ledger stands by it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts import audit
from accounts.access import requires
from accounts.models import Blob, VaultKey
from accounts.selectors import organisations_of
from accounts.vault.ledger import LedgerBroken, ledger_entries, ledger_path
from imaging.models import Erasure, Patient

ACTION = "patient.erase_witness"
SHOWN = 50


@dataclass(frozen=True, slots=True)
class Witnessed:
    """One erasure: `entry` is its number in the ledger; `is_gone`: nothing of them is left here.

    Both are None where it is not done; `entry` is 0 where the ledger does not name it.
    """

    erasure: Erasure
    entry: int | None
    is_gone: bool | None


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the ledger says of some organisations; `damage` says why it cannot be believed."""

    entries: dict[UUID, int]
    damage: str = ""

    @property
    def is_whole(self) -> bool:
        return not self.damage


@require_GET
@requires(ACTION)
def erasure_witness(request: HttpRequest) -> HttpResponse:
    """Show every request of the organisations audited; a patient is a random id here."""
    houses = set(organisations_of(request.user, ACTION).values_list("pk", flat=True))
    ledger = _ledger(houses)
    rows = Erasure.objects.filter(organisation__in=houses).order_by("-created_at", "-pk")
    people = rows.select_related("requested_by", "approved_by", "organisation")
    page = Paginator(people, SHOWN).get_page(request.GET.get("page"))
    audit.record(request.user, "audit.view", reason="erasures")
    context = {
        "page": page,
        "witnessed": _witnessed(page.object_list, ledger),
        "ledger": ledger,
        "back": sorted(_left(ledger.entries), key=str),
        "alone": len(ledger.entries.keys() - set(rows.values_list("patient_id", flat=True))),
    }
    return render(request, "imaging/erasure_witness.html", context)


def _ledger(houses: Collection[UUID]) -> Ledger:
    """Verify the whole ledger, and return what it says of these organisations."""
    try:
        entries = list(enumerate(ledger_entries(), start=1))
    except LedgerBroken as broken:
        path = ledger_path()
        return Ledger({}, str(broken).replace(str(path), path.name))
    mine = {one.patient_id: number for number, one in entries if one.organisation_id in houses}
    return Ledger(mine)


def _witnessed(erasures: Collection[Erasure], ledger: Ledger) -> list[Witnessed]:
    done = [one.patient_id for one in erasures if one.done_at]
    left = _left(done)
    return [
        Witnessed(
            one,
            entry=ledger.entries.get(one.patient_id, 0) if one.done_at else None,
            is_gone=one.patient_id not in left if one.done_at else None,
        )
        for one in erasures
    ]


def _left(patients: Collection[UUID]) -> set[UUID]:
    """Return those of whom this database still holds a row, a file or a key that opens."""
    wanted = list(patients)
    keys = VaultKey.objects.filter(patient_id__in=wanted, destroyed_at=None)
    return {
        *Patient.objects.filter(pk__in=wanted).values_list("pk", flat=True),
        *Blob.objects.filter(patient_id__in=wanted).values_list("patient_id", flat=True),
        *keys.values_list("patient_id", flat=True),
    }
