"""PURE: an answer of one field and one file, as MONAI Label's client reads it (RFC 7578)."""

from __future__ import annotations

import secrets


def new_boundary() -> str:
    return f"mediscan-{secrets.token_hex(16)}"


def content_type(boundary: str) -> str:
    return f"multipart/form-data; boundary={boundary}"


def form_body(params: bytes, filename: str, media: str, content: bytes, boundary: str) -> bytes:
    """Return the body: `params`, a JSON object, and `image`, a file of that name."""
    parts = (
        (b'name="params"', b"application/json", params),
        (f'name="image"; filename="{filename}"'.encode("ascii"), media.encode("ascii"), content),
    )
    edge = f"--{boundary}".encode("ascii")
    lines: list[bytes] = []
    for named, kind, data in parts:
        lines += [
            edge,
            b"Content-Disposition: form-data; " + named,
            b"Content-Type: " + kind,
            b"",
            data,
        ]
    return b"\r\n".join([*lines, edge + b"--", b""])
