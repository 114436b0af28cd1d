"""The KEK behind a door of its own: an executable, or a file; what is wrong is said."""

from __future__ import annotations

import stat
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from accounts.vault.cipher import DamagedKey
from accounts.vault.kms import CommandKms, FileKms, KmsAway

SECRET, AAD = bytes(range(32)), b"vault key v1"
SERVICE = """#!{python}
import sys
verb, data = sys.argv[1], sys.stdin.buffer.read()
aad = bytes.fromhex(sys.argv[2]) if len(sys.argv) > 2 else b""
masked = lambda text: bytes(byte ^ 0x5A for byte in text)
if verb == "name":
    print("hsm-1")
elif verb == "wrap":
    sys.stdout.buffer.write(aad + masked(data))
elif not data.startswith(aad):
    sys.exit(3)
else:
    sys.stdout.buffer.write(masked(data[len(aad):]))
"""


def executable(folder, text: str) -> str:
    path = folder / "kms"
    path.write_text(text.replace("{python}", sys.executable))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.fixture
def service(tmp_path, settings) -> CommandKms:
    settings.VAULT_KMS_COMMAND = executable(tmp_path, SERVICE)
    return CommandKms()


def test_what_the_service_wrapped_it_unwraps(service):
    wrapped = service.wrap(SECRET, AAD)
    assert SECRET not in wrapped
    assert service.unwrap(wrapped, AAD) == SECRET
    assert service.name == "hsm-1"


def test_a_key_wrapped_for_another_row_is_refused(service):
    with pytest.raises(DamagedKey, match="changed or moved"):
        service.unwrap(service.wrap(SECRET, AAD), b"another row")


def test_a_key_of_the_wrong_length_is_refused(service):
    with pytest.raises(DamagedKey, match="31 bytes, not 32"):
        service.unwrap(service.wrap(SECRET[:31], AAD), AAD)


def test_a_service_that_fails_is_away_and_nothing_is_lost(tmp_path, settings):
    settings.VAULT_KMS_COMMAND = executable(tmp_path, "#!/bin/sh\nexit 7\n")
    with pytest.raises(KmsAway, match="code 7"):
        CommandKms()
    settings.VAULT_KMS_COMMAND = str(tmp_path / "nothing")
    with pytest.raises(KmsAway, match="does not answer"):
        CommandKms()


def test_without_a_command_the_setting_is_named(settings):
    settings.VAULT_KMS_COMMAND = ""
    with pytest.raises(ImproperlyConfigured, match="VAULT_KMS_COMMAND"):
        CommandKms()


def test_a_key_in_a_file_opens_what_it_wrapped_and_no_other_file_does(tmp_path, settings):
    settings.VAULT_KMS_FILE = str(tmp_path / "a")
    (tmp_path / "a").write_bytes(SECRET)
    kms = FileKms()
    wrapped = kms.wrap(SECRET[::-1], AAD)
    assert FileKms().unwrap(wrapped, AAD) == SECRET[::-1]
    (tmp_path / "a").write_bytes(SECRET[::-1])
    with pytest.raises(DamagedKey):
        FileKms().unwrap(wrapped, AAD)


@pytest.mark.parametrize("content", [None, b"short"])
def test_a_file_that_holds_no_key_is_named(tmp_path, settings, content):
    settings.VAULT_KMS_FILE = str(tmp_path / "b")
    if content is not None:
        (tmp_path / "b").write_bytes(content)
    with pytest.raises(ImproperlyConfigured, match="VAULT_KMS_FILE"):
        FileKms()


def test_the_vault_keeps_its_keys_under_the_service(db, tmp_path, settings):
    from accounts.vault import keys
    from accounts.vault.purposes import purpose_seal, purpose_unseal
    from accounts.vault.tables import VaultKey

    settings.VAULT_KMS_COMMAND = executable(tmp_path, SERVICE)
    settings.VAULT_KMS = "accounts.vault.kms.CommandKms"
    sealed = purpose_seal("links", "a word")
    keys.cache.clear()
    assert purpose_unseal("links", sealed) == "a word"
    assert VaultKey.objects.get(purpose="links").wrapped_by == "hsm-1"
