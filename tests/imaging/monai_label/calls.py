"""What MONAI Label's client 0.8.5 sends, byte for byte, and its module where it is installed."""

from __future__ import annotations

import importlib.util
import json
import sys
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote_plus

import pytest
from django.test import Client

from accounts.selectors import home_organisation
from accounts.services.label_tokens import label_token_create

EDGE = "----------lImIt_of_THE_fIle_eW_$"  # the boundary that it always takes


def token_of(user, department=None, **fields) -> str:
    organisation = fields.pop("organisation", None) or home_organisation(user)
    _token, secret = label_token_create(
        user=user, organisation=organisation, department=department, **fields
    )
    return secret


def real_client() -> ModuleType:
    """The client's own module alone: the package around it asks for torch."""
    if sys.version_info >= (3, 13):
        pytest.skip("MONAI Label's client imports cgi, which Python 3.13 has no more")
    package = importlib.util.find_spec("monailabel")
    if package is None:
        pytest.skip("monailabel is not installed: pip install --no-deps monailabel==0.8.5")
    folder = Path(package.submodule_search_locations[0])
    spec = importlib.util.spec_from_file_location("ml_client", folder / "client" / "client.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Caller:
    """Asks below /ml/<token> as that client does, with Django's test client."""

    def __init__(self, secret: str) -> None:
        self.at, self.client = f"/ml/{secret}", Client()

    def get(self, path: str, status: int = 200, **query: str):
        return self._said(self.client.get(self.at + path, query), status)

    def head(self, path: str, status: int = 200, **query: str):
        return self._said(self.client.head(self.at + path, query), status)

    def delete(self, path: str, status: int = 200):
        return self._said(self.client.delete(self.at + path), status)

    def post_json(self, path: str, body: dict[str, Any], status: int = 200):
        answer = self.client.post(self.at + path, body, content_type="application/json")
        return self._said(answer, status)

    def infer(self, model: str, image: str = "", status: int = 200, query: str = "", **sent: Any):
        """`sent`: params, and file and label as (name, content)."""
        params = sent.pop("params", {}) | {"client_id": "user-xyz"}
        body = form({"params": json.dumps(params)}, sent)
        path = f"{self.at}/infer/{quote_plus(model)}?image={quote_plus(image)}{query}"
        kind = f"multipart/form-data; boundary={EDGE}"
        return self._said(self.client.post(path, body, content_type=kind), status)

    def put_session(self, name: str, content: bytes, status: int = 200, query: str = ""):
        """As `requests` writes the form: one part named files."""
        edge = "0d6c9f8be1d4"
        head = f'Content-Disposition: form-data; name="files"; filename="{name}"'
        body = f"--{edge}\r\n{head}\r\n\r\n".encode() + content + f"\r\n--{edge}--\r\n".encode()
        kind = f"multipart/form-data; boundary={edge}"
        return self._said(self.client.put(f"{self.at}/session/{query}", body, kind), status)

    @staticmethod
    def _said(answer, status: int):
        assert answer.status_code == status, getattr(answer, "content", answer)
        return answer


def form(fields: dict[str, str], files: dict[str, tuple[str, bytes]]) -> bytes:
    lines: list[bytes] = []
    for name, value in fields.items():
        lines += [f"--{EDGE}".encode(), f'Content-Disposition: form-data; name="{name}"'.encode()]
        lines += [b"", value.encode()]
    for name, (filename, content) in files.items():
        told = f'Content-Disposition: form-data; name="{name}"; filename="/tmp/{filename}"'
        lines += [f"--{EDGE}".encode(), told.encode(), b"Content-Type: application/octet-stream"]
        lines += [b"", content]
    return b"\r\n".join([*lines, f"--{EDGE}--".encode(), b"", b""])


def parts(answer) -> tuple[dict[str, Any], str, bytes]:
    """Return (params, file name, file) of a multipart answer."""
    head = f"Content-Type: {answer['Content-Type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + answer.content)
    params, image = message.iter_parts()
    named = [one.get_param("name", header="content-disposition") for one in (params, image)]
    assert named == ["params", "image"]
    return json.loads(params.get_content()), image.get_filename(), image.get_payload(decode=True)


def body(answer) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content
