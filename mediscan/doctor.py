"""What a house needs to run, looked at one by one: ok, warn or fail, each with its remedy."""

from __future__ import annotations

import importlib.metadata
import shutil
import smtplib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.core.mail import get_connection
from django.db import DatabaseError
from django.utils.translation import gettext

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


def _(text: str) -> str:
    """Mark words for translation; they are translated where they are shown."""
    return text


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at, in templates of sentences; `do` is empty where it is ok."""

    what: str
    state: str
    says: str
    do: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self._filled(self.what)

    @property
    def words(self) -> str:
        return self._filled(self.says)

    @property
    def remedy(self) -> str:
        return self._filled(self.do)

    def told(self) -> dict[str, str]:
        """Return it in English, for terminals and programs."""
        return {"name": self.name, "state": self.state, "words": self.words, "remedy": self.remedy}

    def said(self) -> dict[str, str]:
        """Return it in the language of the page."""
        here = {"name": self.what, "words": self.says, "remedy": self.do}
        filled = {name: self._filled(gettext(text)) for name, text in here.items() if text}
        return {"state": self.state, "remedy": ""} | filled

    def _filled(self, text: str) -> str:
        return text % self.facts if self.facts and "%(" in text else text


def examine(names: Iterable[str] = ()) -> Iterator[Finding]:
    """Yield a finding for each thing; one that breaks is a failure, and the others go on.

    `names` are those of LOOKS that are looked at; none: all of them.
    """
    for name in names or LOOKS:
        try:
            yield from LOOKS[name]()
        except Exception as error:  # whatever it is, the person who asked must read it
            told = {"error": f"{type(error).__name__}: {error}"[:300]}
            words = _("could not be looked at: %(error)s")
            yield Finding(name, FAIL, words, _("Read the log, and mend what it names."), told)


def _database() -> Iterator[Finding]:
    told = readiness()
    remedies = {
        "database": (_("database"), _("Is it running, and is DATABASE_URL right?")),
        "migrations": (_("migrations"), _("Make a backup, then run: manage.py migrate")),
    }
    for name, (what, remedy) in remedies.items():
        good = told[name] == READY
        yield Finding(what, OK if good else FAIL, told[name], "" if good else remedy)


def _queue() -> Iterator[Finding]:
    alive = worker_is_alive()
    remedy = _("Start it: manage.py worker (make start runs it beside the site).")
    words = _("a worker gave a sign lately") if alive else _("no worker gave a sign lately")
    yield Finding(_("queue heartbeat"), OK if alive else FAIL, words, "" if alive else remedy)
    if not alive and oldest_unclaimed():
        yield Finding(_("queue"), WARN, _("work waits that nobody takes"), remedy)


def _devices() -> Iterator[Finding]:
    engine = Engine("infer")
    try:
        told = engine.call("describe_device", timeout_s=120)
    except EngineError as error:
        remedy = _(
            "Run it by hand and read why: python -m imaging.engine.child --infer --parent $$"
        )
        yield Finding(_("engine"), FAIL, str(error), remedy)
        return
    finally:
        engine.close()
    yield Finding(_("devices"), OK, ", ".join([*told["devices"], *told["names"]]))
    words = engine_words()
    held = "missing" not in words
    remedy = "" if held else _("Linux 5.13 or newer with Landlock, user namespaces, seccomp.")
    yield Finding(_("engine child"), OK if held else WARN, words, remedy)


def _decoders() -> Iterator[Finding]:
    missing = [name for name in DECODERS if not _is_installed(name)]
    for name in missing:
        words = _("%(name)s is missing: %(kind)s cannot be read")
        facts = {"name": name, "kind": DECODERS[name]}
        yield Finding(_("decoders"), FAIL, words, "pip install -r requirements.txt", facts)
    if not missing:
        yield Finding(_("decoders"), OK, ", ".join(DECODERS))


def _fonts() -> Iterator[Finding]:
    folder = Path(settings.BASE_DIR) / "reports" / "fonts"
    missing = [name for name in FONTS if not (folder / name).is_file()]
    if missing:
        words, facts = _("missing: %(names)s"), {"names": ", ".join(missing)}
        remedy = _("Restore reports/fonts from the repository.")
        yield Finding(_("fonts"), FAIL, words, remedy, facts)
    else:
        yield Finding(_("fonts"), OK, _("%(n)s fonts of the PDF"), "", {"n": str(len(FONTS))})


def _mail() -> Iterator[Finding]:
    kind = settings.EMAIL_BACKEND.rsplit(".", 2)[-2]
    if kind in ("console", "dummy", "locmem"):
        words, facts = _("mail goes nowhere but to: %(kind)s"), {"kind": kind}
        remedy = _("Set EMAIL_URL=smtp+tls://user:password@host:587")
        yield Finding(_("mail"), WARN, words, remedy, facts)
        return
    connection = get_connection()
    try:
        connection.open()
        connection.close()
    except (OSError, smtplib.SMTPException) as error:
        remedy = _("Is EMAIL_URL right, and does the server answer from here?")
        yield Finding(_("mail"), FAIL, type(error).__name__, remedy)
    else:
        yield Finding(_("mail"), OK, kind)


def _disk() -> Iterator[Finding]:
    places = {
        _("disk, data folder"): settings.DATA_DIR,
        _("disk, models store"): settings.MODEL_STORE,
    }
    for name, place in places.items():
        free, there = disk_free(place)
        state = OK if free >= LITTLE_BYTES else WARN if free >= LOW_BYTES else FAIL
        remedy = "" if state == OK else _("Free some room under %(there)s.")
        facts = {"free": f"{free / 2**30:.1f}", "there": str(there)}
        yield Finding(name, state, _("%(free)s GiB free"), remedy, facts)


def _keys() -> Iterator[Finding]:
    try:
        kid, mac = purpose_sign("registry", b"doctor")
        whole = purpose_verify("registry", b"doctor", kid, mac)
    except (VaultError, DatabaseError) as error:
        whole, words = False, type(error).__name__
    else:
        words = _("the key ring opens")
    remedy = "" if whole else _("Is VAULT_KEK the one this database was made with?")
    yield Finding(_("keys"), OK if whole else FAIL, words, remedy)


def _backup() -> Iterator[Finding]:
    last = backup_last()
    within = settings.BACKUP_WITHIN_HOURS
    if last:
        words, facts = _("the last was made on %(at)s UTC"), {"at": f"{last:%Y-%m-%d %H:%M}"}
    elif within:
        words = _("none yet; the first is due within %(hours)s hours of the first day")
        facts = {"hours": str(within)}
    else:
        words, facts = _("none, and none is asked for (BACKUP_WITHIN_HOURS=0)"), {}
    is_late = backup_is_late(within_hours=within)
    remedy = "manage.py backup make (docs/operators/backup.md)" if is_late else ""
    yield Finding(_("backup"), WARN if is_late else OK, words, remedy, facts)


def _models() -> Iterator[Finding]:
    what = _("model %(model)s")
    for one in models_compare():
        facts, state = {"model": one.model}, WARN if one.kind == "new" else FAIL
        yield Finding(what, state, one.words or one.kind, "manage.py sync_models", facts)
    kept_out = ModelVersion.objects.filter(state=ModelState.QUARANTINED)
    for model in kept_out:
        remedy, facts = _("Restore its files and sync again."), {"model": str(model)}
        yield Finding(what, FAIL, model.problem, remedy, facts)
    active = ModelVersion.objects.filter(state=ModelState.ACTIVE).count()
    remedy, facts = "" if active else "manage.py sync_models", {"n": str(active)}
    yield Finding(_("models"), OK if active else WARN, _("%(n)s in service"), remedy, facts)


def _settings() -> Iterator[Finding]:
    checked = run_checks(include_deployment_checks=True)
    found = [one for one in checked if one.level >= ERROR and not one.is_silenced()]
    for one in found:
        yield Finding(_("settings"), FAIL, one.msg, one.hint or "")
    if not found:
        yield Finding(_("settings"), OK, settings.ENVIRONMENT)


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


def disk_free(place: str | Path) -> tuple[int, Path]:
    """Return the free bytes where `place` is or will be, and the folder that was asked."""
    there = next(one for one in (Path(place), *Path(place).parents) if one.exists())
    return shutil.disk_usage(there).free, there


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
