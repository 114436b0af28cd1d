"""Sends checkpoints to another host as they are made: RFC 5424 lines, over TLS by RFC 5425."""

from __future__ import annotations

import logging
import socket
import ssl
from datetime import UTC, datetime
from urllib.parse import urlsplit

from django.conf import settings

logger = logging.getLogger(__name__)
TIMEOUT_S = 3
PRIORITY = 13 * 8 + 5  # facility: log audit; severity: notice
PORTS = {"udp": 514, "tcp": 601, "tls": 6514}


def send_line(text: str) -> bool:
    """Send `text` to AUDIT_SYSLOG, for instance tls://log.example.org; say whether it left.

    A host that is away is logged: table and file hold the checkpoint all the same.
    """
    if not settings.AUDIT_SYSLOG:
        return False
    target = urlsplit(settings.AUDIT_SYSLOG)
    where = (target.hostname or "", target.port or PORTS[target.scheme])
    stamp = datetime.now(UTC).isoformat(timespec="seconds")
    line = f"<{PRIORITY}>1 {stamp} {socket.gethostname()} mediscan - checkpoint - {text}".encode()
    try:
        _send(target.scheme, where, line)
    except OSError as error:
        logger.error("checkpoint not sent to the syslog: %s", type(error).__name__)
        return False
    return True


def _send(scheme: str, where: tuple[str, int], line: bytes) -> None:
    if scheme == "udp":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(line, where)
        return
    framed = str(len(line)).encode() + b" " + line
    with socket.create_connection(where, TIMEOUT_S) as plain:
        if scheme == "tcp":
            plain.sendall(framed)
            return
        context = ssl.create_default_context()
        with context.wrap_socket(plain, server_hostname=where[0]) as secure:
            secure.sendall(framed)
