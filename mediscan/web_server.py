"""The command line of the web server: one for `make start` and for what measures it."""

from __future__ import annotations

import sys

from mediscan.env import env_int


def gunicorn(host: str, port: int, workers: int) -> list[str]:
    """Give the command; it needs no settings, since the process that it starts reads them."""
    return [
        sys.executable, "-m", "gunicorn", "mediscan.wsgi",
        "--bind", f"{host}:{port}",
        "--worker-class", "mediscan.serving.Worker",
        "--workers", str(workers),
        "--threads", str(env_int("WEB_THREADS", 8)),
        "--timeout", "120",
        "--graceful-timeout", "5",
        "--max-requests", "20000",
        "--log-level", "warning",  # requests are logged by our middleware, without their query
        "--logger-class", "mediscan.serving.ServerLog",
    ]  # fmt: skip
