"""What does not open is told to the trail and the auditors, where no rollback can undo it."""

from __future__ import annotations

import logging
from collections import deque
from datetime import timedelta

from django.db import DatabaseError, connection, models
from django.utils.timezone import now

MOST_WAITING = 1_000
ONE_NOTICE = timedelta(hours=1)  # a damaged disk is one piece of news, not thousands

logger = logging.getLogger(__name__)
_waiting: deque = deque(maxlen=MOST_WAITING)


def damage_note(row: models.Model, what: str) -> None:
    """Record that a `what` ("file", "value") of `row` did not open.

    Within a transaction, which the error will most likely roll back, it waits for
    `damages_tell` at the end of the request or task.
    """
    from accounts.audit.context import facts  # the trail seals under the vault: not at the top

    _waiting.append((facts.get(), type(row), row.pk, row.organisation_id, what))
    if not connection.in_atomic_block:
        damages_tell()


def damages_tell() -> None:
    """Write down what waits; what cannot be written now waits on."""
    while _waiting:
        noted = _waiting.popleft()
        try:
            _tell(*noted)
        except DatabaseError as error:
            _waiting.appendleft(noted)
            logger.error("damage could not be recorded yet: %s", type(error).__name__)
            return


def _tell(facts, model: type[models.Model], pk, organisation_id, what: str) -> None:
    from accounts import audit
    from accounts.audit.context import acting
    from accounts.models import Notice, Organisation
    from accounts.roles import AUDITOR
    from accounts.services.notices import notice_send_to_role

    organisation = Organisation.objects.filter(pk=organisation_id).first()
    with acting(facts):
        audit.record(
            None, "vault.damage", model(pk=pk), organisation=organisation,
            outcome="failed", reason=what,
        )  # fmt: skip
    kind = "failed_decryption"
    lately = Notice.objects.filter(kind=kind, at__gt=now() - ONE_NOTICE)
    if not lately.filter(to__memberships__organisation=organisation).exists():
        notice_send_to_role(
            role=AUDITOR, kind=kind, organisation=organisation, facts={"what": what}
        )
