"""Sessions whose rows are ciphertext: codes, addresses and seeds on their way are in them."""

from __future__ import annotations

import json
from typing import Any

from accounts.vault.purposes import purpose_seal, purpose_unseal

PURPOSE = "sessions"


class SealedJSON:
    """Django's session serializer: JSON, sealed under the purpose key of sessions."""

    def dumps(self, value: Any) -> bytes:
        text = json.dumps(value, separators=(",", ":"))
        return purpose_seal(PURPOSE, text).encode("ascii")

    def loads(self, data: bytes) -> Any:
        """Return the session; DamagedField for a foreign one, which Django takes as empty."""
        return json.loads(purpose_unseal(PURPOSE, data.decode("ascii")))
