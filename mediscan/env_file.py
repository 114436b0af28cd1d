"""The file .env with fresh secrets, written before any setting exists."""

from __future__ import annotations

import argparse
import base64
import json
import os
import secrets
import sys
from pathlib import Path

DEVELOPMENT, PRODUCTION = "development", "production"  # as in env.py, which needs the packages
TEMPLATE = """\
# MediScan reads this file at start; a variable of the real environment wins.
# Keep it private (mode 0600), out of version control and out of the backup of the database.
# SECRET_KEY, VAULT_KEK, VAULT_KEK_ALSO and EMAIL_URL may each be given as NAME_FILE instead: the
# path of a file that holds the secret, mode 0400.

# --- secrets (python manage.py create_env_file writes fresh ones)
# Signs sessions' cookies and links. A new one signs everybody out.
SECRET_KEY={secret_key}
# The key of the vault: 32 bytes in base64. Patient data and images are sealed under it and
# CANNOT BE READ WITHOUT IT. Keep a copy in a second safe place; never change it by hand.
VAULT_KEK={vault_kek}
# A second key that opens but wraps nothing, while keys are rotated (docs/operators/keys.md).
#VAULT_KEK_ALSO=
# A key service instead of VAULT_KEK: a class, and the executable that it asks.
#VAULT_KMS=accounts.vault.kms.CommandKms
#VAULT_KMS_COMMAND=/usr/local/bin/mediscan-kms
# Or a file of 32 raw bytes, with accounts.vault.kms.FileKms.
#VAULT_KMS_FILE=/run/keys/mediscan

# --- the site
# development: for trying and building, on your own machine. production: for patients' data; every
# unsafe setting is then refused at start, each by name. Without this line an https:// address
# in PUBLIC_BASE_URL means production, anything else development.
ENVIRONMENT={environment}
# Who must have a second factor. always: everybody (production knows nothing else); admin: for the
# admin site and for signing (the default in development).
#SECOND_FACTOR=always
# A session ends after so many minutes without activity (15 on shared stations), and after 12 hours.
#SESSION_IDLE_MINUTES=30
# true shows debug pages: in development alone, never with patients' data.
DEBUG=false
# The names by which browsers reach the site, separated by commas.
#ALLOWED_HOSTS=localhost,127.0.0.1,[::1]
# The address in e-mails and reports. https:// turns secure cookies and HSTS on.
#PUBLIC_BASE_URL=http://localhost:8000
# Where `make start` listens.
#HOST=127.0.0.1
#PORT=8000
# How many trusted proxies stand in front: each adds to X-Forwarded-For, and they set
# X-Forwarded-Proto anew. 0: none, then neither header is believed; an https:// address needs one at
# least, since the server of this house speaks no TLS.
#TRUSTED_PROXIES=0
# A list of stolen passwords to refuse beside the common ones: Pwned Passwords, ordered by SHA-1.
#PASSWORD_BREACHED_FILE=/srv/mediscan/pwned-passwords.txt

# --- data
# Without it: SQLite in the data folder. Over a socket: postgres://user@/name?host=/run/postgresql
#DATABASE_URL=postgres://mediscan:password@localhost:5432/mediscan
# true lets production run on SQLite: one machine, one disk, few writers.
#ALLOW_SQLITE=false
# Encrypted files, the SQLite database and collected static files. Default: var/
#MEDISCAN_DATA_DIR=/srv/mediscan
# Remembers which patients were erased, for the day an older backup is restored. Keep it outside of
# the data folder and of the backup. Default: erasures.jsonl in the data folder.
#ERASURE_LEDGER=/srv/mediscan-ledger/erasures.jsonl
# The folder of trained models. Default: models/
#MEDISCAN_MODELS=/srv/mediscan-models
# A shared cache, needed with several web servers. Without it: a table of the database.
#CACHE_URL=redis://localhost:6379/0

# --- e-mail (sign-up and reset codes). Without any of these it is printed on the terminal.
# A mail server: smtp:// (port 25), smtp+tls:// (STARTTLS, 587) or smtps:// (465).
#EMAIL_URL=smtp+tls://user:password@mail.example.org:587
# Or a folder that receives each e-mail as a file.
#EMAIL_FILE_DIR=/srv/mediscan/mail
# Who writes them. Default: noreply at the host of PUBLIC_BASE_URL.
#DEFAULT_FROM_EMAIL=MediScan <noreply@example.org>

# --- size
# Processes and threads of the web server; processes of the background worker (each loads the
# models) and the memory each may take, in MB.
#WEB_WORKERS=1
#WEB_THREADS=8
#WORKERS=1
# The same of the queue of a machine with a GPU (docs/operators/devices.md).
#GPU_WORKERS=1
#ENGINE_MEMORY_CAP_MB=2000
# The process that opens sent files and runs models leaves the network first, which needs the
# kernel's leave. true accepts in writing that here it cannot.
#ALLOW_ENGINE_NETWORK=false
# The largest upload at once and the largest file in it, in bytes.
#UPLOAD_MAX_BYTES=2147483648
#UPLOAD_MAX_FILE_BYTES=536870912
#UPLOAD_OPEN_BYTES=8589934592
#UPLOAD_MAX_MODEL_BYTES=2147483648
# DICOMweb (docs/integrators/dicomweb.md): seconds that a call stays for the worker, frames in one
# call, and whether record and accession numbers may be searched for: they then stand in addresses.
#DICOMWEB_WAIT_S=25
#DICOMWEB_MAX_FRAMES=500
#DICOMWEB_SEARCH_IDENTITY=false
# MONAI Label clients (docs/integrators/slicer.md): minutes that an address is good for and that a
# file of a session is kept, and seconds that a call stays for the worker.
#LABEL_TOKEN_MINUTES=60
#LABEL_SESSION_MINUTES=60
#LABEL_WAIT_S=25
# Seconds without a sign after which a background worker is taken for dead.
#LEASE_S=60
# Days in which a deleted study can be restored; then its files are removed for good.
#STUDY_KEPT_DAYS=30
# Days after which the auditor's page advises new keys (docs/operators/keys.md).
#KEY_ADVISED_DAYS=365

# --- the audit trail
# The key that signs its checkpoints: 32 bytes in base64 (openssl rand -base64 32), best as
# AUDIT_SIGNING_KEY_FILE that only the worker's user may read. Without it the vault keeps one.
#AUDIT_SIGNING_KEY=
# Public keys (PEM files) that are believed beside our own, separated by commas: a former key, or
# the worker's, where the web server does not know the signing key.
#AUDIT_PUBLIC_KEYS=/etc/mediscan/audit-2025.pub
# The append-only file of checkpoints, and a host that receives them too: keep both out of the reach
# of who administers the database. Default: audit-checkpoints.jsonl in the data folder; no host.
#AUDIT_CHECKPOINTS=/var/log/mediscan/audit-checkpoints.jsonl
#AUDIT_SYSLOG=tls://log.example.org:6514

# --- webhooks (docs/integrators/webhooks.md)
# Networks of your own that messages may be sent to, separated by commas: everything else that is
# not public is refused. And the authority of their certificates, a PEM file.
#WEBHOOK_NETWORKS=10.20.0.0/16
#WEBHOOK_CA_FILE=/etc/mediscan/hospital-ca.pem

# --- backups (docs/operators/backup.md)
# The public key that backups are sealed to, and after how many hours without one administrators
# are told. 0: nobody is. Default: 26 in production, 0 in development.
#BACKUP_RECIPIENT=/etc/mediscan/backup-public.pem
#BACKUP_WITHIN_HOURS=26

# --- words and time
#TIME_ZONE=UTC
#LOG_LEVEL=INFO
# json: one object a line, for machines (the default in production); line: for a person.
#LOG_FORMAT=line
"""


def main(arguments: list[str]) -> int:
    """Run `manage.py create_env_file`; the exit code is 0, or 1 with a sentence."""
    parser = argparse.ArgumentParser(
        prog="manage.py create_env_file",
        description="Write a .env with fresh random secrets.",
        epilog="Example: python manage.py create_env_file --output /etc/mediscan/.env --production."
        " Exit codes: 0 written, 1 not written, 2 asked wrongly.",
    )
    parser.add_argument(
        "--output", type=Path, default=Path(".env"), help="the file to write; default: .env"
    )
    parser.add_argument(
        "--production",
        action="store_true",
        help="for patients' data: the start refuses whatever is unsafe",
    )
    parser.add_argument(
        "--force", action="store_true", help="replace an existing file, kept as NAME.old"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object, without a secret")
    options = parser.parse_args(arguments)
    try:
        kept = _set_aside(options.output) if options.force else None
        write_env_file(options.output, PRODUCTION if options.production else DEVELOPMENT)
    except OSError as error:
        sentence = _sentence(error, options.output)
        print(f"MediScan: {sentence}", file=sys.stderr)
        if options.json:
            print(json.dumps({"error": sentence}))
        return 1
    if options.json:
        print(json.dumps({"written": str(options.output), "kept": str(kept) if kept else None}))
    else:
        _say_done(options.output, kept, is_production=options.production)
    return 0


def _say_done(output: Path, kept: Path | None, *, is_production: bool) -> None:
    if kept:
        print(f"The old file is now {kept}. Data sealed under its VAULT_KEK needs that key.")
    print(f"{output} was written with fresh secrets, readable by you alone.")
    if is_production:
        print(
            "Before the start set PUBLIC_BASE_URL, ALLOWED_HOSTS, TRUSTED_PROXIES, DATABASE_URL and"
            " EMAIL_URL in it."
        )


def write_env_file(path: Path, environment: str = DEVELOPMENT) -> None:
    """Create `path` with mode 0600 and fresh secrets; FileExistsError if it is there."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(
            render(
                environment=environment,
                secret_key=secrets.token_urlsafe(64),
                vault_kek=base64.b64encode(secrets.token_bytes(32)).decode(),
            )
        )


def render(*, environment: str, secret_key: str, vault_kek: str) -> str:
    """Return the text of the file; for development with empty secrets it is .env.example."""
    return TEMPLATE.format(environment=environment, secret_key=secret_key, vault_kek=vault_kek)


def _set_aside(path: Path) -> Path | None:
    """Rename an existing file to NAME.old, which must be free: it may hold the only key."""
    if not path.exists():
        return None
    old = path.with_name(f"{path.name}.old")
    os.link(path, old)  # unlike a rename, refuses to replace an older one
    path.unlink()
    return old


def _sentence(error: OSError, path: Path) -> str:
    if isinstance(error, FileExistsError):
        taken = error.filename2 or error.filename
        if str(taken).endswith(".old"):
            return f"{taken} exists already. Move it to a safe place first."
        return f"{path} exists already and was left as it is. To replace it, add --force."
    return f"{path} cannot be written: {error.strerror}."
