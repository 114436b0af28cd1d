"""The web server below Django: its lines, its patience, its answer to what nobody can read."""

from __future__ import annotations

import errno
import logging
import socket
import time
from contextlib import suppress
from http import HTTPStatus

from django.conf import settings
from django.template.loader import render_to_string
from gunicorn.glogging import Logger
from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

from accounts.boot import refuse_unsafe_start
from accounts.tracing import new_request_id, traced
from mediscan.logs import JsonLine, Redacted
from mediscan.policy import CONTENT_SECURITY_POLICY, HEADERS

QUIET_S = 20  # without a byte of a request; a thread waits no longer
SLOWEST = 1024  # bytes a second, on the average of a whole request
TAKEN_S = 120  # for what is sent to be taken
STATUS = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
}
OURS = (errors.ConfigurationProblem, errors.InvalidResponseHeader, errors.InvalidResponseHeaderName)

access = logging.getLogger("mediscan.access")


class ServerLog(Logger):
    """gunicorn makes its handlers itself; ours only gives them the house's line."""

    def setup(self, cfg) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.addFilter(Redacted())
            if settings.LOG_FORMAT == "json":
                handler.setFormatter(JsonLine())


class BoundedSocket(socket.socket):
    """A client's socket that is waited for only so long: a few slow ones would take every thread.

    gunicorn calls setblocking(True) when a thread takes up a request. Only the time in
    which we wait counts, not that in which we work.
    """

    def setblocking(self, flag: bool) -> None:
        self._waited, self._read = 0.0, 0
        self.settimeout(TAKEN_S if flag else 0.0)

    def recv(self, size: int, *flags: int) -> bytes:
        left = QUIET_S + self._read / SLOWEST - self._waited
        if left <= 0:
            raise ConnectionResetError(errno.ECONNRESET, "too slow")
        began = time.monotonic()
        try:
            self.settimeout(min(left, QUIET_S))
            data = super().recv(size, *flags)
        except TimeoutError:
            raise ConnectionResetError(errno.ECONNRESET, "too slow") from None
        finally:
            self._waited += time.monotonic() - began
            self.settimeout(TAKEN_S)
        self._read += len(data)
        return data


class Worker(ThreadWorker):
    """gunicorn's threads, which give up on who is slow and answer in the house's words."""

    def init_process(self) -> None:
        """Leave it to the settings whom X-Forwarded-Proto is believed from: TRUSTED_PROXIES.

        gunicorn by itself believes it from whoever connects from this machine.
        """
        self.cfg.set("secure_scheme_headers", {})
        super().init_process()

    def load_wsgi(self) -> None:
        super().load_wsgi()
        if not self.cfg.is_ssl:
            refuse_unsafe_start("boot_plain")

    def enqueue_req(self, conn) -> None:
        if not isinstance(conn.sock, BoundedSocket):
            conn.sock = BoundedSocket(fileno=conn.sock.detach())
            conn.sock.setblocking(False)
        super().enqueue_req(conn)

    def handle_error(self, req, client, addr, exc) -> None:
        """Answer what is no request: a page of ours, with an id, that repeats nothing of it."""
        if not isinstance(exc, errors.ParseException) or isinstance(exc, OURS):
            super().handle_error(req, client, addr, exc)
            return
        status = next((STATUS[kind] for kind in STATUS if isinstance(exc, kind)), None)
        request_id = new_request_id()
        with traced(request_id):
            access.warning("%s: no request that can be read", type(exc).__name__)
        with suppress(OSError):  # they did not wait for it
            client.sendall(_page(status or HTTPStatus.BAD_REQUEST, request_id))


def _page(status: HTTPStatus, request_id: str) -> bytes:
    """The whole answer, head and body, made without a request."""
    told = {
        "status": int(status),
        "request_id": request_id,
        "research_notice": settings.RESEARCH_NOTICE,
        "version": settings.VERSION,
    }
    body = render_to_string("400.html", told).encode()
    policy = "; ".join(
        f"{name} {' '.join(values)}"
        for name, values in CONTENT_SECURITY_POLICY["DIRECTIVES"].items()
    )
    head = {
        "Connection": "close",
        "Content-Type": "text/html; charset=utf-8",
        "Content-Length": str(len(body)),
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store, private",
        "X-Request-ID": request_id,
        **HEADERS,
    }
    lines = [f"HTTP/1.1 {int(status)} {status.phrase}", *(f"{k}: {v}" for k, v in head.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
