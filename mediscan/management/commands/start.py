"""A running site from whatever state the folder is in."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from accounts import audit
from accounts.boot import refuse_unsafe_start
from mediscan.env import PRODUCTION, env_int, env_str
from mediscan.web_server import gunicorn

STOP_AFTER_S = 8


class Command(BaseCommand):
    help = "Migrate, register models, analyse a sample, then serve web and worker until Ctrl-C."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--host", default=env_str("HOST", "127.0.0.1"))
        parser.add_argument("--port", type=int, default=env_int("PORT", 8000))
        parser.add_argument("--no-sample", action="store_true", help="do not analyse a sample")

    def handle(self, *, host: str, port: int, no_sample: bool, **options) -> None:
        refuse_unsafe_start("boot", "boot_engine")
        refuse_a_busy_port(host, port)
        self._prepare()
        refuse_unsafe_start("boot_database")
        children = Children()
        signal.signal(signal.SIGTERM, _as_ctrl_c)
        try:
            children.start([sys.executable, "manage.py", "worker"])
            children.start(gunicorn(host, port, settings.WEB_WORKERS))
            audit.record(None, "system.start", reason="site")
            wait_for_port(host, port)
            if not no_sample and settings.ENVIRONMENT != PRODUCTION:
                self._seed_sample()
            self.stdout.write(self.style.SUCCESS(f"MediScan is ready: http://{host}:{port}/"))
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


class Children:
    """The processes of the site: when one ends, all end."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen] = []

    def start(self, command: list[str]) -> None:
        self._running.append(
            subprocess.Popen(command, cwd=settings.BASE_DIR, start_new_session=True)
        )

    def wait(self) -> None:
        """Block until a child ends of itself, which is a failure."""
        while True:
            for child in self._running:
                if child.poll() is not None:
                    raise CommandError(
                        f"{Path(child.args[0]).name} {child.args[1]} ended with code"
                        f" {child.returncode}; its last lines above say why."
                    )
            time.sleep(0.5)

    def stop(self) -> None:
        """Ask each main process to end; what lingers is killed with its group."""
        for child in self._running:
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + STOP_AFTER_S
        for child in self._running:
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()


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
