"""A security key in software: it answers a registration and a sign-in as a real one would."""

from __future__ import annotations

import hashlib
import json
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_encode

ORIGIN, SITE = "http://testserver", "testserver"
PRESENT, ATTESTED = 0x01, 0x40


class SoftKey:
    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._id = b"soft key of a test"
        self._count = 0

    def register(self, options: dict) -> dict:
        """Answer what the page of adding a key asks."""
        public = cbor.encode(ES256.from_cryptography_key(self._key.public_key()))
        credential = bytes(16) + struct.pack(">H", len(self._id)) + self._id + public
        about = self._about(PRESENT | ATTESTED) + credential
        told = {"fmt": "none", "attStmt": {}, "authData": about}
        return self._answer(
            clientDataJSON=self._client("webauthn.create", options),
            attestationObject=cbor.encode(told),
        )

    def sign(self, options: dict) -> dict:
        """Answer what a sign-in or a step-up asks."""
        client, about = self._client("webauthn.get", options), self._about(PRESENT)
        signed = about + hashlib.sha256(client).digest()
        return self._answer(
            clientDataJSON=client,
            authenticatorData=about,
            signature=self._key.sign(signed, ec.ECDSA(hashes.SHA256())),
        )

    def _client(self, kind: str, options: dict) -> bytes:
        challenge = options["publicKey"]["challenge"]
        return json.dumps({"type": kind, "challenge": challenge, "origin": ORIGIN}).encode()

    def _about(self, flags: int) -> bytes:
        self._count += 1
        return hashlib.sha256(SITE.encode()).digest() + struct.pack(">BI", flags, self._count)

    def _answer(self, **response: bytes) -> dict:
        name = websafe_encode(self._id)
        told = {key: websafe_encode(value) for key, value in response.items()}
        return {"id": name, "rawId": name, "type": "public-key", "response": told,
                "clientExtensionResults": {}}  # fmt: skip
