"""A DICOM listener: C-ECHO and C-STORE for listed AE titles; datasets are stored, never parsed."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from django.db import close_old_connections, connection
from pynetdicom import AE, _config, evt
from pynetdicom.transport import ThreadedAssociationServer

from accounts import audit
from accounts.models import Department, Organisation
from imaging.dimse.kinds import CLASSES, SYNTAXES, VERIFICATION
from imaging.dimse.look import dataset_check
from imaging.dimse.peers import Peer, may_connect
from imaging.models import ItemStatus
from imaging.services.associations import Association, may_send, sender_of
from imaging.types import Refused

logger = logging.getLogger(__name__)
SUCCESS, FAILED, NOT_AUTHORISED = 0x0000, 0x0110, 0x0124  # PS3.7 C.5
NO_ROOM, NO_MATCH, NOT_UNDERSTOOD = 0xA700, 0xA900, 0xC000  # PS3.4 B.2.3
REASONS = {"no-space": NO_ROOM, "quota-storage": NO_ROOM, "too-large": NO_ROOM,
           "study-mismatch": NO_MATCH}  # fmt: skip
ROLE = "dicom listener"
IDLE_S = 30
_config.LOG_HANDLER_LEVEL = "none"  # the library tells no command and no identifier to the log
OVERHEAD = 2**20  # bytes of commands and headers beside one dataset
REJECTED, BY_USER, CALLING_UNKNOWN = 0x01, 0x01, 0x03  # PS3.8 9.3.4


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one sender may cost; a dataset lies in memory until it is encrypted."""

    associations: int = 4
    pdu_bytes: int = 128 * 1024
    file_bytes: int = 256 * 2**20


@dataclass
class Told:
    """What the listener did since it started."""

    associations: int = 0
    stored: int = 0
    refused: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def add(self, **counts: int) -> None:
        with self._lock:
            for name, count in counts.items():
                setattr(self, name, getattr(self, name) + count)


class Listener:
    """Serves in threads of its own, from `start` to `stop`."""

    def __init__(
        self, ae_title: str, peers: Mapping[str, Peer], bounds: Bounds, tls: ssl.SSLContext | None
    ) -> None:
        self._peers, self._bounds, self._tls = peers, bounds, tls
        self.told = Told()
        self._open: dict[Any, Association] = {}
        self._server: ThreadedAssociationServer | None = None
        self._ae = AE(ae_title=ae_title)
        self._ae.require_called_aet = True
        self._ae.require_calling_aet = list(peers)
        self._ae.maximum_associations = bounds.associations
        self._ae.maximum_pdu_size = bounds.pdu_bytes
        self._ae.network_timeout = self._ae.acse_timeout = self._ae.dimse_timeout = IDLE_S
        self._ae.add_supported_context(VERIFICATION)
        for kind in CLASSES:
            self._ae.add_supported_context(kind, SYNTAXES)

    def start(self, host: str, port: int) -> int:
        """Begin to listen; return the port. Raises: OSError where the address is not free."""
        self._server = self._ae.start_server(
            (host, port),
            block=False,
            ssl_context=self._tls,
            evt_handlers=[
                (evt.EVT_CONN_OPEN, self._guard),
                (evt.EVT_REQUESTED, self._look),
                (evt.EVT_C_ECHO, self._echo),
                (evt.EVT_C_STORE, self._store),
                (evt.EVT_CONN_CLOSE, self._closed),
                (evt.EVT_RELEASED, self._closed),
                (evt.EVT_ABORTED, self._closed),
            ],
        )
        return self._server.server_address[1]

    def stop(self) -> None:
        """Take nothing more: abort what is open, give what was stored to the worker."""
        for association in list(self._ae.active_associations):
            association.abort()
        self._ae.shutdown()
        for key in list(self._open):
            self._end(key)

    def _guard(self, event: evt.Event) -> None:
        """Before a byte is read: drop strangers' addresses, and bound what a message brings."""
        socket = event.assoc.dul.socket
        if not may_connect(self._peers, event.address[0]):
            logger.warning("dicom listener: an address that no AE title has was dropped")
            socket.recv = _nothing
            return
        socket.recv = _Bounded(socket.recv, self._bounds)

    def _echo(self, event: evt.Event) -> int:
        event.assoc.dul.socket.recv.begin()
        return SUCCESS

    def _look(self, event: evt.Event) -> None:
        """Reject an AE title that comes from another address than its own."""
        peer = self._peers.get(event.assoc.requestor.primitive.calling_ae_title.strip())
        if peer is not None and not peer.comes_from(event.assoc.requestor.address):
            logger.warning("dicom listener: AE %s came from another address", peer.ae_title)
            event.assoc.acse.send_reject(REJECTED, BY_USER, CALLING_UNKNOWN)
            event.assoc.kill()

    def _store(self, event: evt.Event) -> int:
        """Keep one dataset as a file and answer in the words of PS3.4."""
        event.assoc.dul.socket.recv.begin()  # this one is read: the next may come
        close_old_connections()
        with _of_thread(event.assoc.requestor.address):
            try:
                status = self._kept(event)
            except Refused as refusal:
                status = REASONS.get(refusal.code, NOT_UNDERSTOOD)
            except Exception:  # the sender reads a status, we the traceback
                logger.exception("dicom listener: an instance could not be stored")
                status = FAILED
        self.told.add(**{"refused" if status else "stored": 1})
        return status

    def _kept(self, event: evt.Event) -> int:
        """Return the status of one C-STORE. Raises: Refused for a dataset that is broken."""
        association = self._association(event.assoc)
        if association is None:
            return NOT_AUTHORISED
        dataset_check(
            event.encoded_dataset(include_meta=False),
            syntax=str(event.context.transfer_syntax),
            sop_class=str(event.request.AffectedSOPClassUID),
            sop_instance=str(event.request.AffectedSOPInstanceUID),
        )
        item = association.take(event.encoded_dataset())
        if item.status == ItemStatus.REFUSED:
            return REASONS.get(item.code, NOT_UNDERSTOOD)
        return SUCCESS

    def _association(self, key: Any) -> Association | None:
        """Return what this association stores into; None where its account or place is gone."""
        if key in self._open:
            return self._open[key]
        peer = self._peers[key.requestor.ae_title.strip()]
        house = Organisation.objects.select_related("plan").get(pk=peer.organisation)
        user = sender_of(house, peer.ae_title)
        if not may_send(user, house):
            return None
        department = Department.objects.filter(organisation=house, pk=peer.department).first()
        if peer.department and department is None:  # nothing is filed where more people see it
            logger.warning("dicom listener: the department of AE %s is gone", peer.ae_title)
            return None
        self._open[key] = Association(
            user=user, organisation=house, department=department, ae_title=peer.ae_title
        )
        self.told.add(associations=1)
        return self._open[key]

    def _closed(self, event: evt.Event) -> None:
        with _of_thread(event.assoc.requestor.address):
            self._end(event.assoc)
        connection.close()

    def _end(self, key: Any) -> None:
        association = self._open.pop(key, None)
        if association is not None:
            association.close()


class _Bounded:
    """`recv` of one connection: no longer PDU than was agreed, no larger message than is taken."""

    def __init__(self, recv: Callable[[int], bytearray], bounds: Bounds) -> None:
        self._recv, self._bounds, self._came = recv, bounds, 0

    def begin(self) -> None:
        self._came = 0

    def __call__(self, count: int) -> bytearray:
        self._came += count
        longest = self._bounds.pdu_bytes + OVERHEAD
        if count > longest or self._came > self._bounds.file_bytes + OVERHEAD:
            raise OSError("more bytes than are taken in one message")
        return self._recv(count)


def _nothing(count: int) -> bytearray:
    raise OSError("not from this address")


@contextmanager
def _of_thread(address: str):
    """Let what is recorded inside say that it came by DIMSE, and from where."""
    with audit.acting(audit.RequestFacts(ip=address, role=ROLE)):
        yield
