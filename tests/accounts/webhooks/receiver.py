"""A receiver of webhooks in a process of its own, with TLS by an authority that is made here."""

from __future__ import annotations

import datetime
import ipaddress
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PROGRAM = Path(__file__).with_name("receiver_program.py")


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _signed(subject, key, issuer, by, *extensions) -> x509.Certificate:
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5)
    made = (
        x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name(issuer))
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(start).not_valid_after(start + datetime.timedelta(days=1))
    )  # fmt: skip
    for extension in extensions:
        made = made.add_extension(extension, critical=False)
    return made.sign(by, hashes.SHA256())


def certificates(folder: Path, *hosts: str) -> Path:
    """Write ca.pem, and server.pem for `hosts` (names or addresses); return ca.pem."""
    authority, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca = _signed("Test CA", authority, "Test CA", authority, x509.BasicConstraints(True, None))
    names = [_general(host) for host in hosts]
    server = _signed("receiver", own, "Test CA", authority, x509.SubjectAlternativeName(names))
    pem = serialization.Encoding.PEM
    secret = own.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))
    (folder / "server.pem").write_bytes(secret + server.public_bytes(pem))
    return folder / "ca.pem"


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


class Receiver:
    """Starts, ends and starts again at one port; `answer` is a status, "drip" or "big"."""

    def __init__(self, folder: Path, answer: str = "204") -> None:
        self.folder, self.answer = folder, answer
        self.ca = certificates(folder, "localhost", "127.0.0.1")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/hook?from=mediscan"

    def start(self) -> Receiver:
        command = [sys.executable, str(PROGRAM), str(self.folder), str(self.port), self.answer]
        self._process = subprocess.Popen(command)
        for _try in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the receiver did not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def messages(self) -> list[dict]:
        """What came, each {"path", "headers", "body"}."""
        file = self.folder / "received.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return [json.loads(line) for line in lines]
