"""Two keys that VAULT_KMS may name: one behind an executable, one in a file of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from accounts.vault.cipher import KEY_BYTES, DamagedKey, VaultError
from accounts.vault.kek import LocalKek

TIMEOUT_S = 20
LONGEST = 64 * 1024  # bytes of an answer


class KmsAway(VaultError):
    """The key service does not answer; nothing is lost, and nothing opens until it does."""


class CommandKms:
    """VAULT_KMS_COMMAND, an executable of the operator's: it talks to the real key service.

    `COMMAND name` prints the key's name. `COMMAND wrap AAD` and `COMMAND unwrap AAD` read the
    bytes on stdin and write the others to stdout; AAD is hexadecimal and holds no secret.
    Exit code 0: done. 3: these bytes were not wrapped for this AAD. Anything else: away.
    """

    def __init__(self) -> None:
        self._command = settings.VAULT_KMS_COMMAND
        if not self._command:
            raise ImproperlyConfigured("VAULT_KMS_COMMAND is not set: the path of an executable.")
        self.name = self._ask(b"", "name").decode("ascii").strip()

    def wrap(self, secret: bytes, aad: bytes) -> bytes:
        return self._ask(secret, "wrap", aad.hex())

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        secret = self._ask(wrapped, "unwrap", aad.hex())
        if len(secret) != KEY_BYTES:
            raise DamagedKey(f"the key service returned {len(secret)} bytes, not {KEY_BYTES}")
        return secret

    def _ask(self, data: bytes, *arguments: str) -> bytes:
        try:
            done = subprocess.run(
                [self._command, *arguments], input=data, capture_output=True,
                timeout=TIMEOUT_S, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise KmsAway(f"VAULT_KMS_COMMAND does not answer: {type(error).__name__}") from None
        if done.returncode == 3:
            raise DamagedKey("the key service says that a wrapped key was changed or moved")
        if done.returncode or not 0 < len(done.stdout) <= LONGEST:
            raise KmsAway(f"VAULT_KMS_COMMAND {arguments[0]} ended with code {done.returncode}")
        return done.stdout


class FileKms(LocalKek):
    """The key in VAULT_KMS_FILE, 32 raw bytes: for tests, and for a file that a token unlocks."""

    def __init__(self) -> None:
        path = Path(settings.VAULT_KMS_FILE)
        try:
            secret = path.read_bytes()
        except OSError as error:
            raise ImproperlyConfigured(f"VAULT_KMS_FILE={path}: {error.strerror}.") from None
        if len(secret) != KEY_BYTES:
            raise ImproperlyConfigured(f"VAULT_KMS_FILE={path}: it must hold {KEY_BYTES} bytes.")
        super().__init__(secret)
        self.name = f"file:{self.name}"
