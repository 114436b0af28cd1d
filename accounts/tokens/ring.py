"""The keys that sign tokens: the vault's purpose "jwt", each named by its id in the header."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from django.db.models import Q
from django.utils.timezone import now

from accounts.vault.cipher import VaultError, derive
from accounts.vault.keys import key_by_id, purpose_key
from accounts.vault.tables import VaultKey

PURPOSE = "jwt"
USE = "JWT HS256"  # under the key's own signing key: serves nothing else
# a retired key verifies until the last token under it has ended; other processes may go on
# signing with it for the minute that they remember it
GRACE = timedelta(hours=24, minutes=5)

logger = logging.getLogger(__name__)


def signing_key() -> tuple[str, bytes]:
    """Return the id and the bytes of the key that signs now."""
    key = purpose_key(PURPOSE)
    return key.kid.hex, derive(key.signing, USE)


def verifying_key(kid: str) -> bytes | None:
    """Return the key that `kid` names, or None: unknown, of another purpose, or past its time."""
    current, secret = signing_key()
    if kid == current:
        return secret
    try:
        wanted = UUID(hex=kid)
        row = VaultKey.objects.filter(
            Q(retired_at=None) | Q(retired_at__gt=now() - GRACE),
            pk=wanted,
            kind=VaultKey.Kind.PURPOSE,
            purpose=PURPOSE,
        )
        return derive(key_by_id(wanted).signing, USE) if row.exists() else None
    except ValueError:
        return None
    except VaultError as error:
        logger.warning("jwt key %s does not open: %s", kid, error)
        return None
