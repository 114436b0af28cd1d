"""PURE: how each row of the trail is tied to the one before it, and what a checkpoint says.

The hash shows that a row was edited, inserted, removed or moved; its MAC, under the
trail's key, that somebody with SQL alone calculated the chain anew; the signed
checkpoint, kept elsewhere too, that its end was cut or that the key was misused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

GENESIS = "0" * 64
_LINK, _SEAL, _POINT = b"mediscan audit link v1\n", "mediscan audit seal v1\n", b"checkpoint v1\n"


def link(prev: str, row: bytes, mac: str) -> str:
    """Return the hash of a row: over the hash before it, its canonical JSON and its HMAC."""
    return hashlib.sha256(b"".join((_LINK, prev.encode(), row, mac.encode()))).hexdigest()


def seal_message(seq: int, event: str, prev: str, digest: str) -> bytes:
    """Return what the MAC of a seal covers; `event` is the row's id in hexadecimal."""
    return f"{_SEAL}{seq}:{event}:{prev}:{digest}".encode()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How the trail stood: its newest seq and hash, how many rows were kept, when.

    `unsigned` counts the rows from before rows were signed; the first checkpoint
    fixes it.
    """

    seq: int
    hash: str
    count: int
    time: str
    unsigned: int = 0
    key: str = ""
    signature: str = ""

    def message(self) -> bytes:
        said = {name: value for name, value in asdict(self).items() if name != "signature"}
        return _POINT + json.dumps(said, sort_keys=True, separators=(",", ":")).encode()

    def signed(self, private: Ed25519PrivateKey) -> Checkpoint:
        """Return this checkpoint with its signature, and the name of the key that made it."""
        values = asdict(self) | {"key": key_name(private.public_key()), "signature": ""}
        unsigned = Checkpoint(**values)
        return Checkpoint(**values | {"signature": private.sign(unsigned.message()).hex()})

    def is_signed_by(self, public: Ed25519PublicKey) -> bool:
        try:
            public.verify(bytes.fromhex(self.signature), self.message())
        except (InvalidSignature, ValueError):
            return False
        return True

    def line(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)


def purged_up_to(points: Iterable[Checkpoint]) -> int:
    """Return up to which link rows were purged, as genuine checkpoints say; 0 for none."""
    return max((point.seq - point.count for point in points), default=0)


def parse_checkpoint(line: str) -> Checkpoint:
    """Read one line of the checkpoint file. Raises ValueError for any other text."""
    try:
        found = Checkpoint(**json.loads(line))
    except TypeError:
        raise ValueError("not a checkpoint") from None
    if not (isinstance(found.seq, int) and isinstance(found.hash, str)):
        raise ValueError("not a checkpoint")
    return found


def key_name(public: Ed25519PublicKey) -> str:
    """Name a public key in 16 hexadecimal digits."""
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()[:16]
