"""Listen for what modalities send by DICOM C-STORE, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import json
import signal
import ssl
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from accounts.boot import refuse_unsafe_start
from accounts.commands import misuse
from accounts.json_answers import AnswersJson
from accounts.models import Department, Organisation
from imaging.dimse.peers import Peer, WrongPeers, read_peers

MISSING = (
    "The DICOM listener needs pynetdicom, which is not installed here."
    " Install it: python -m pip install -r requirements-dicom-net.txt"
)


class Command(AnswersJson):
    help = (
        "Take images from modalities and archives by DICOM: C-ECHO and C-STORE, from listed AE"
        " titles alone, each for one organisation (docs/integrators/dimse.md). Ends on SIGTERM or"
        " Ctrl-C."
    )
    example = "dicom_listener --peers peers.json --host 0.0.0.0"

    def add_arguments(self, parser) -> None:
        parser.add_argument("--peers", type=Path, required=True, help="JSON file of who may send")
        parser.add_argument("--ae-title", default="MEDISCAN", help="our own; others are rejected")
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", type=int, default=11112, help="0: any free one")
        parser.add_argument("--associations", type=int, default=4, help="at a time, at most")
        parser.add_argument("--max-pdu", type=int, default=131072, metavar="BYTES",
                            help="largest piece that a sender may send")  # fmt: skip
        parser.add_argument(
            "--max-file", type=int, default=256, metavar="MIB",
            help="largest dataset; as many as --associations of it may lie in memory at once",
        )  # fmt: skip
        parser.add_argument("--tls-cert", type=Path, help="certificate chain, PEM: speak TLS")
        parser.add_argument("--tls-key", type=Path, help="its key, PEM")
        parser.add_argument("--tls-ca", type=Path, help="take clients with a certificate of this")
        parser.add_argument("--check", action="store_true", help="read all of it, listen to nobody")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, **options: Any) -> None:
        refuse_unsafe_start("boot")
        try:
            from imaging.dimse.listener import Bounds, Listener
        except ModuleNotFoundError as error:
            if error.name != "pynetdicom":
                raise
            raise CommandError(MISSING) from None
        peers = _peers(options["peers"])
        bounds = Bounds(
            associations=_between(options, "associations", 1, 64),
            pdu_bytes=_between(options, "max_pdu", 4096, 2**20),
            file_bytes=min(
                _between(options, "max_file", 1, 2048) * 2**20, settings.UPLOAD_MAX_FILE_BYTES
            ),
        )
        listener = Listener(_title(options["ae_title"]), peers, bounds, _tls(options))
        if options["check"]:
            self._say(options, {"peers": sorted(peers)}, f"{len(peers)} AE titles may send.")
            return
        self._serve(listener, options)

    def _serve(self, listener: Any, options: Mapping[str, Any]) -> None:
        ended = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())
        host, wanted = options["host"], options["port"]
        try:
            port = listener.start(host, wanted)
        except OSError as error:
            raise CommandError(f"{host}:{wanted} is not free: {error.strerror}.") from None
        title = options["ae_title"]
        here = {"listening": f"{host}:{port}", "ae_title": title}
        self._say(options, here, f"{title} listens on {host}:{port}.")
        ended.wait()
        listener.stop()
        told = listener.told
        counts = {"stored": told.stored, "refused": told.refused, "senders": told.associations}
        self._say(options, counts, f"Stopped: {told.stored} stored, {told.refused} refused.")

    def _say(self, options: Mapping[str, Any], told: dict[str, Any], words: str) -> None:
        self.stdout.write(json.dumps(told) if options["json"] else words)
        self.stdout.flush()


def _peers(path: Path) -> dict[str, Peer]:
    """Read the file, and ask the database for the houses that it names. Raises: CommandError."""
    try:
        peers = read_peers(path)
    except WrongPeers as wrong:
        raise misuse(str(wrong)) from None
    for peer in peers.values():
        if not Organisation.objects.filter(pk=peer.organisation).exists():
            raise misuse(f"{peer.ae_title}: there is no organisation {peer.organisation}.")
        rooms = Department.objects.filter(organisation=peer.organisation, pk=peer.department)
        if peer.department is not None and not rooms.exists():
            raise misuse(f"{peer.ae_title}: its organisation has no department {peer.department}.")
    return peers


def _title(text: str) -> str:
    if not 0 < len(text.strip()) <= 16 or not text.isascii() or "\\" in text:
        raise misuse("--ae-title must have 1 to 16 plain characters.")
    return text.strip()


def _between(options: Mapping[str, Any], name: str, low: int, high: int) -> int:
    value = options[name]
    if not low <= value <= high:
        raise misuse(f"--{name.replace('_', '-')} must be from {low} to {high}.")
    return value


def _tls(options: Mapping[str, Any]) -> ssl.SSLContext | None:
    """Return how to speak TLS; None: without. Raises: CommandError for files that do not serve."""
    cert, key, ca = options["tls_cert"], options["tls_key"], options["tls_ca"]
    if not (cert or key or ca):
        return None
    if not (cert and key):
        raise misuse("TLS needs both --tls-cert and --tls-key.")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key)
        if ca:
            context.load_verify_locations(ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise misuse(f"The files for TLS cannot be used: {error}") from None
    return context
