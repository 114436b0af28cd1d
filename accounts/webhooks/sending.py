"""One message over TLS to an address that was checked: no redirect, no answer read, no waiting."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from accounts.webhooks.addresses import Network, Target, WrongAddress, addresses_of, target_of

MOST_S = 10.0  # for all of it: look-up aside, connecting, sending, the head of the answer
CONNECT_S = 5.0


class Undelivered(Exception):
    """The message did not arrive; `code` says why, `status` what was answered if anything was."""

    def __init__(self, code: str, status: int | None = None) -> None:
        super().__init__(code)
        self.code, self.status = code, status


def send(
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str],
    allowed: Sequence[Network] = (),
    ca_file: Path | None = None,
) -> int:
    """POST `body` and return the status, one of 2xx. Raises Undelivered.

    The name is looked up once, and what was checked is what is connected to; the certificate
    is that of the name. Of the answer no more than its head is read.
    """
    try:
        target = target_of(url, allowed)
        addresses = addresses_of(target, allowed)
    except WrongAddress as wrong:
        raise Undelivered(wrong.code) from None
    connection = _Checked(target, addresses, _context(ca_file), time.monotonic() + MOST_S)
    try:
        status = _status(connection, target, body, headers)
    except ssl.SSLCertVerificationError:
        raise Undelivered("certificate") from None
    except TimeoutError:
        raise Undelivered("timeout") from None
    except (OSError, http.client.HTTPException):
        raise Undelivered("timeout" if connection.is_late else "connection") from None
    finally:
        connection.close()
    if 200 <= status < 300:
        return status
    raise Undelivered("redirect" if 300 <= status < 400 else "status", status)


def _status(connection: _Checked, target: Target, body: bytes, headers: Mapping[str, str]) -> int:
    with connection.deadline():
        connection.request("POST", target.path, body=body, headers=dict(headers))
        return connection.getresponse().status


class _Checked(http.client.HTTPSConnection):
    """Connects to one of the checked addresses under the name of the host, until a moment."""

    def __init__(
        self, target: Target, addresses: Sequence[str], context: ssl.SSLContext, until: float
    ) -> None:
        super().__init__(target.host, target.port, context=context)
        self._addresses, self._until, self._tls = addresses, until, context
        self._raw: socket.socket | None = None
        self.is_late = False

    def connect(self) -> None:
        self._raw = self._connected()
        self._raw.settimeout(max(0.1, self._until - time.monotonic()))
        self.sock = self._tls.wrap_socket(self._raw, server_hostname=self.host)

    def deadline(self) -> _Deadline:
        return _Deadline(self, max(0.1, self._until - time.monotonic()))

    def cut(self) -> None:
        """End what drips: whoever waits on the socket gets an error."""
        self.is_late = True
        if self.sock is not None or self._raw is not None:
            try:
                # below TLS, which would forget its session under the thread that reads
                socket.socket.shutdown(self.sock or self._raw, socket.SHUT_RDWR)
            except OSError:
                return  # it ended by itself meanwhile

    def _connected(self) -> socket.socket:
        error: OSError = TimeoutError()
        for address in self._addresses:
            left = min(CONNECT_S, self._until - time.monotonic())
            if left <= 0:
                raise TimeoutError
            try:
                return socket.create_connection((address, self.port), timeout=left)
            except OSError as this:
                error = this
        raise error


class _Deadline:
    """A block that is cut off when its time is over, however little it waits at once."""

    def __init__(self, connection: _Checked, seconds: float) -> None:
        self._timer = threading.Timer(seconds, connection.cut)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *error: object) -> None:
        self._timer.cancel()


def _context(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context
