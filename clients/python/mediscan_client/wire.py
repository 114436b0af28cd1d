"""How the client asks: once more where that is the same act, files whole or not at all."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from mediscan_client.errors import refused

TRIES = 4
MOST_PATIENCE_S = 120.0  # a longer Retry-After is the caller's to keep


class Wire:
    """Requests, their repetition, pages and files."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def get(self, address: str, query: Mapping[str, Any] | None = None) -> Any:
        """Return what an address says. Raises Refused."""
        return self._ask("GET", address, is_safe=True, params=query or None).json()

    def post(self, address: str, *, key: str | None = None, **more: Any) -> Any:
        """Return the answer to an act, repeated if need be where `key` names it. Raises Refused."""
        headers = {"Idempotency-Key": key} if key else {}
        response = self._ask("POST", address, is_safe=key is not None, headers=headers, **more)
        return response.json()

    def send_files(
        self,
        address: str,
        paths: Iterable[str | os.PathLike[str]],
        fields: Mapping[str, Any],
        key: str | None = None,
    ) -> Any:
        """Send files and fields as one form."""
        with ExitStack() as stack:
            files = [
                ("file", (Path(path).name, stack.enter_context(Path(path).open("rb"))))
                for path in paths
            ]
            return self.post(address, key=key, data=fields, files=files)

    def send_piece(self, address: str, fields: Mapping[str, Any], piece: bytes) -> Any:
        """Send one piece of a file; sent twice it is taken once, so it is asked for again."""
        files = {"piece": ("piece", piece)}
        return self._ask("POST", address, is_safe=True, data=fields, files=files).json()

    def pages(self, address: str, query: Mapping[str, str]) -> Iterator[Any]:
        """Yield what a list holds, page after page."""
        page = self.get(address, query)
        while True:
            yield from page["results"]
            if page["next"] is None:
                return
            page = self.get(httpx.URL(page["next"]).raw_path.decode())

    def download(
        self, address: str, path: str | os.PathLike[str], query: Mapping[str, Any] | None = None
    ) -> Path:
        """Write what an address holds; until it is whole it stands beside the name."""
        place = Path(path)
        part = place.with_name(f"{place.name}.{uuid.uuid4().hex[:8]}.part")
        try:
            with self._http.stream("GET", address, params=query or None) as response:
                if not response.is_success:  # a redirect's page is not the file
                    response.read()
                    raise refused(response)
                with part.open("wb") as sink:
                    for chunk in response.iter_bytes():
                        sink.write(chunk)
            part.replace(place)
        finally:
            part.unlink(missing_ok=True)
        return place

    def _ask(self, method: str, address: str, *, is_safe: bool, **more: Any) -> httpx.Response:
        """Ask, again where that is the same act; `is_safe` says that it is. Raises Refused."""
        for left in reversed(range(TRIES)):
            try:
                response = self._http.request(method, address, **more)
            except httpx.TransportError:
                if not is_safe or not left:
                    raise
                time.sleep(0.5 * 2 ** (TRIES - left - 1))
                continue
            if response.is_success:
                return response
            pause = _pause(response)
            if pause is None or not left:
                break
            time.sleep(pause)
        raise refused(response)


def _pause(response: httpx.Response) -> float | None:
    """Return the seconds after which the server wants to be asked again; None: not at all."""
    if response.status_code not in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE):
        return None
    said = response.headers.get("Retry-After", "")
    seconds = float(said) if said.isdigit() else 5.0
    return seconds if seconds <= MOST_PATIENCE_S else None
