"""One act for one Idempotency-Key: what was answered is kept sealed, and given again for a day."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Model
from django.utils.timezone import now

from accounts import audit
from accounts.models import KeptAnswer
from accounts.vault.purposes import purpose_seal, purpose_unseal

PURPOSE = "answers"
LIVES = timedelta(hours=24)


def answer_claim(*, user: Model, key: str, act: str) -> tuple[KeptAnswer, bool]:
    """Return the row of this person's key and whether the act is still to be done.

    Call it in the transaction that acts: who sends the same key meanwhile waits for its end.
    """
    mine = KeptAnswer.objects.filter(user=user, key=key)
    mine.filter(created_at__lt=now() - LIVES).delete()
    return KeptAnswer.objects.get_or_create(user=user, key=key, defaults={"act": act})


def answer_keep(row: KeptAnswer, text: str) -> None:
    """Seal what is answered beside its key."""
    row.sealed = purpose_seal(PURPOSE, text, row.pk.hex)
    row.save(update_fields=["sealed"])


def answer_again(row: KeptAnswer) -> str:
    """Return what was answered; the trail says that it was told once more."""
    audit.record(row.user, "answer.repeat", row)
    return purpose_unseal(PURPOSE, row.sealed, row.pk.hex)


def answers_forget() -> int:
    """Forget the answers of yesterday, and with them their keys."""
    count, _by_table = KeptAnswer.objects.filter(created_at__lt=now() - LIVES).delete()
    return count
