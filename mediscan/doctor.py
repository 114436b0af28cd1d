"""What a house needs to run, looked at one by one: ok, warn or fail, each with its remedy."""

from __future__ import annotations

import importlib.metadata
import shutil
import smtplib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.core.mail import get_connection
from django.db import DatabaseError

from accounts.services.backups import backup_is_late, backup_last
from accounts.vault.keys import VaultError
from accounts.vault.purposes import purpose_sign, purpose_verify
from imaging.engine.client import Engine, EngineError
from imaging.models import ModelState, ModelVersion
from imaging.registry.looking import models_compare
from imaging.services.recovery import oldest_unclaimed
from imaging.services.workers import worker_is_alive
from mediscan.health import OK as READY
from mediscan.health import engine_words, readiness

OK, WARN, FAIL = "ok", "warn", "fail"
LOW_BYTES, LITTLE_BYTES = 1 << 30, 5 << 30
DECODERS = {  # package: what cannot be read without it
    "pydicom": "DICOM", "python-gdcm": "JPEG and lossless JPEG in DICOM",
    "pyjpegls": "JPEG-LS in DICOM", "pylibjpeg-openjpeg": "JPEG 2000 in DICOM",
    "pillow": "PNG, JPEG and TIFF", "nibabel": "NIfTI", "pynrrd": "NRRD",
}  # fmt: skip
FONTS = ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf", "NotoSans-Italic.ttf",
         "NotoSansArabic-Regular.ttf", "DroidSansFallback.ttf")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `remedy` is empty where it is ok."""

    name: str
    state: str
    words: str
    remedy: str = ""


def examine() -> Iterator[Finding]:
    """Yield a finding for each thing; one that breaks is a failure, and the others go on."""
    for name, look in LOOKS.items():
        try:
            yield from look()
        except Exception as error:  # whatever it is, the person who asked must read it
            words = f"could not be looked at: {type(error).__name__}: {error}"[:300]
            yield Finding(name, FAIL, words, "Read the log, and mend what it names.")


def _database() -> Iterator[Finding]:
    told = readiness()
    remedies = {
        "database": "Is it running, and is DATABASE_URL right?",
        "migrations": "Make a backup, then run: manage.py migrate",
    }
    for name, remedy in remedies.items():
        good = told[name] == READY
        yield Finding(name, OK if good else FAIL, told[name], "" if good else remedy)


def _queue() -> Iterator[Finding]:
    alive = worker_is_alive()
    remedy = "Start it: manage.py worker (make start runs it beside the site)."
    words = "a worker gave a sign lately" if alive else "no worker gave a sign lately"
    yield Finding("queue heartbeat", OK if alive else FAIL, words, "" if alive else remedy)
    if not alive and oldest_unclaimed():
        yield Finding("queue", WARN, "work waits that nobody takes", remedy)


def _devices() -> Iterator[Finding]:
    engine = Engine("infer")
    try:
        told = engine.call("describe_device", timeout_s=120)
    except EngineError as error:
        remedy = "Run it by hand and read why: python -m imaging.engine.child --infer --parent $$"
        yield Finding("engine", FAIL, str(error), remedy)
        return
    finally:
        engine.close()
    yield Finding("devices", OK, ", ".join([*told["devices"], *told["names"]]))
    words = engine_words()
    held = "missing" not in words
    remedy = "" if held else "Linux 5.13 or newer with Landlock, user namespaces, seccomp."
    yield Finding("engine child", OK if held else WARN, words, remedy)


def _decoders() -> Iterator[Finding]:
    missing = [name for name in DECODERS if not _is_installed(name)]
    for name in missing:
        words = f"{name} is missing: {DECODERS[name]} cannot be read"
        yield Finding("decoders", FAIL, words, "pip install -r requirements.txt")
    if not missing:
        yield Finding("decoders", OK, ", ".join(DECODERS))


def _fonts() -> Iterator[Finding]:
    folder = Path(settings.BASE_DIR) / "reports" / "fonts"
    missing = [name for name in FONTS if not (folder / name).is_file()]
    if missing:
        words = f"{', '.join(missing)} missing from {folder}"
        yield Finding("fonts", FAIL, words, "Restore reports/fonts from the repository.")
    else:
        yield Finding("fonts", OK, f"{len(FONTS)} fonts of the PDF")


def _mail() -> Iterator[Finding]:
    kind = settings.EMAIL_BACKEND.rsplit(".", 2)[-2]
    if kind in ("console", "dummy", "locmem"):
        words = f"mail goes to the {'terminal' if kind == 'console' else kind}"
        yield Finding("mail", WARN, words, "Set EMAIL_URL=smtp+tls://user:password@host:587")
        return
    connection = get_connection()
    try:
        connection.open()
        connection.close()
    except (OSError, smtplib.SMTPException) as error:
        remedy = "Is EMAIL_URL right, and does the server answer from here?"
        yield Finding("mail", FAIL, type(error).__name__, remedy)
    else:
        yield Finding("mail", OK, kind)


def _disk() -> Iterator[Finding]:
    places = {"data folder": settings.DATA_DIR, "models store": settings.MODEL_STORE}
    for name, place in places.items():
        there = next(one for one in (Path(place), *Path(place).parents) if one.exists())
        free = shutil.disk_usage(there).free
        state = OK if free >= LITTLE_BYTES else WARN if free >= LOW_BYTES else FAIL
        remedy = "" if state == OK else f"Free some room under {there}."
        yield Finding(f"disk, {name}", state, f"{free / 2**30:.1f} GiB free", remedy)


def _keys() -> Iterator[Finding]:
    try:
        kid, mac = purpose_sign("registry", b"doctor")
        whole = purpose_verify("registry", b"doctor", kid, mac)
    except (VaultError, DatabaseError) as error:
        whole, words = False, type(error).__name__
    else:
        words = "the key ring opens"
    remedy = "" if whole else "Is VAULT_KEK the one this database was made with?"
    yield Finding("keys", OK if whole else FAIL, words, remedy)


def _backup() -> Iterator[Finding]:
    last = backup_last()
    words = f"the last was made on {last:%d %b %Y, %H:%M} UTC" if last else "none was made so far"
    is_late = backup_is_late(within_hours=settings.BACKUP_WITHIN_HOURS)
    remedy = "manage.py backup make (docs/operators/backup.md)" if is_late else ""
    yield Finding("backup", WARN if is_late else OK, words, remedy)


def _models() -> Iterator[Finding]:
    for one in models_compare():
        state = WARN if one.kind == "new" else FAIL
        yield Finding(f"model {one.model}", state, one.words or one.kind, "manage.py sync_models")
    kept_out = ModelVersion.objects.filter(state=ModelState.QUARANTINED)
    for model in kept_out:
        yield Finding(f"model {model}", FAIL, model.problem, "Restore its files and sync again.")
    active = ModelVersion.objects.filter(state=ModelState.ACTIVE).count()
    words = f"{active} in service"
    remedy = "" if active else "manage.py sync_models"
    yield Finding("models", OK if active else WARN, words, remedy)


def _settings() -> Iterator[Finding]:
    checked = run_checks(include_deployment_checks=True)
    found = [one for one in checked if one.level >= ERROR and not one.is_silenced()]
    for one in found:
        yield Finding("settings", FAIL, one.msg, one.hint or "")
    if not found:
        yield Finding("settings", OK, settings.ENVIRONMENT)


LOOKS: dict[str, Callable[[], Iterator[Finding]]] = {
    "database": _database,
    "queue": _queue,
    "devices": _devices,
    "decoders": _decoders,
    "fonts": _fonts,
    "mail": _mail,
    "disk": _disk,
    "keys": _keys,
    "backup": _backup,
    "models": _models,
    "settings": _settings,
}


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
