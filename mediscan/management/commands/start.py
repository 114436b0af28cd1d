"""A running site from whatever state the folder is in."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts import audit
from accounts.boot import refuse_unsafe_start
from accounts.commands import HouseCommand
from accounts.services.configuration import configuration_note
from mediscan.env import PRODUCTION, env_int, env_str
from mediscan.web_server import gunicorn

STOP_AFTER_S = 8
STAYS_UP_S = 30  # what ends sooner would only end again


class Command(HouseCommand):
    help = "Migrate, register models, analyse a sample, then serve web and worker until Ctrl-C."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--host", default=env_str("HOST", "127.0.0.1"),
                            help="default: $HOST, else this machine alone")  # fmt: skip
        parser.add_argument("--port", type=int, default=env_int("PORT", 8000),
                            help="default: $PORT, else 8000")  # fmt: skip
        parser.add_argument("--no-sample", action="store_true", help="do not analyse a sample")

    def handle(self, *, host: str, port: int, no_sample: bool, **options) -> None:
        refuse_unsafe_start("boot", "boot_plain", "boot_engine")
        refuse_a_busy_port(host, port)
        self._prepare()
        refuse_unsafe_start("boot_database")
        children = Children(lambda text: self.stderr.write(self.style.WARNING(text)))
        signal.signal(signal.SIGTERM, _as_ctrl_c)
        try:
            children.start([sys.executable, "manage.py", "worker"])
            children.start(gunicorn(host, port, settings.WEB_WORKERS))
            audit.record(None, "system.start", reason="site")
            configuration_note("site")
            wait_for_port(host, port)
            if not no_sample and settings.ENVIRONMENT != PRODUCTION:
                self._seed_sample()
            self.stdout.write(self.style.SUCCESS(f"MediScan is ready: {site_address(host, port)}"))
            self.stdout.write(f"{settings.RESEARCH_NOTICE}. Ctrl-C stops it.")
            self.stdout.flush()
            children.wait()
        except KeyboardInterrupt:
            self.stdout.write("Stopping …")
        finally:
            children.stop()
            audit.record(None, "system.stop", reason="site")

    def _seed_sample(self) -> None:
        """Analyse a sample; a site without one is a site all the same."""
        try:
            call_command("seed_sample", stdout=self.stdout, stderr=self.stderr)
        except CommandError as error:
            self.stderr.write(self.style.WARNING(f"No sample was analysed: {error}"))

    def _prepare(self) -> None:
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
        call_command("migrate", interactive=False, verbosity=0)
        call_command("createcachetable", verbosity=0)
        call_command("replay_erasures", verbosity=0, stdout=self.stdout)
        if static_is_stale():
            call_command("collectstatic", interactive=False, verbosity=0, clear=True)
        call_command("sync_models", stdout=self.stdout)
        if settings.ENVIRONMENT == PRODUCTION:  # no account but those that a person asked for
            if not get_user_model().objects.exists():
                self.stdout.write(
                    "There is no account yet: python manage.py create_admin --email …"
                )
        else:
            call_command("create_admin", stdout=self.stdout)


def site_address(host: str, port: int) -> str:
    """Return where people find the site: behind a proxy that is not where it listens."""
    here = f"http://{host}:{port}/"
    if settings.PUBLIC_BASE_URL.startswith("https://"):
        return f"{settings.PUBLIC_BASE_URL}/, for your proxy at {here}"
    return here


class Children:
    """The processes of the site: one that ends is started again, unless it cannot stay up."""

    def __init__(self, tell: Callable[[str], Any]) -> None:
        self._running: list[tuple[subprocess.Popen, float]] = []
        self._tell = tell

    def start(self, command: list[str]) -> None:
        child = subprocess.Popen(command, cwd=settings.BASE_DIR, start_new_session=True)
        self._running.append((child, time.monotonic()))

    def wait(self) -> None:
        """Start again what ends of itself. Raises CommandError for what cannot stay up."""
        while True:
            for child, since in list(self._running):
                if child.poll() is not None:
                    self._again(child, since)
            time.sleep(0.5)

    def _again(self, child: subprocess.Popen, since: float) -> None:
        ended = f"{_name_of(child)} ended with code {child.returncode}"
        if time.monotonic() - since < STAYS_UP_S:
            raise CommandError(f"{ended}; its last lines above say why.")
        self._running.remove((child, since))
        self.start(child.args)
        self._tell(f"{ended} and was started again.")

    def stop(self) -> None:
        """Ask each main process to end; what lingers is killed with its group."""
        children = [child for child, _since in self._running]
        for child in children:
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + STOP_AFTER_S
        for child in children:
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()


def _name_of(child: subprocess.Popen) -> str:
    return "The web server" if "gunicorn" in child.args else f"“{' '.join(child.args[1:])}”"


def refuse_a_busy_port(host: str, port: int) -> None:
    """Raise CommandError with a remedy when somebody else listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise CommandError(
                    f"Port {port} is in use. Stop what uses it, or choose another:"
                    f" PORT={port + 1} make start"
                ) from None
            raise CommandError(f"{host}:{port} cannot be used: {error.strerror}.") from None


def wait_for_port(host: str, port: int, timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((host, port)) == 0:
                return
        time.sleep(0.1)
    raise CommandError(f"The web server did not answer on port {port} within {timeout_s:.0f} s.")


def static_is_stale() -> bool:
    """Say whether a source in static/ is newer than the collected manifest."""
    manifest = settings.STATIC_ROOT / "staticfiles.json"
    if not manifest.exists():
        return True
    sources = [settings.BASE_DIR / "requirements.txt", *settings.BASE_DIR.glob("static/**/*")]
    return max(path.stat().st_mtime for path in sources) > manifest.stat().st_mtime


def _as_ctrl_c(signum, frame) -> None:
    raise KeyboardInterrupt
