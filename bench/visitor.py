"""A signed-in person who looks at pages of a running site, as a browser asks for them."""

from __future__ import annotations

import re
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.cookiejar import CookieJar
from itertools import cycle, islice
from typing import Any

from bench.house import SuiteFailed

AT_ONCE = 4
TIMEOUT_S = 60
LAYERS = ("original", "mask", "outline", "heat", "disagreement")
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Visitor:
    def __init__(self, base: str) -> None:
        self._base = base
        self._jar = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._jar))

    def sign_in(self, email: str, password: str) -> None:
        """Fill in the login page. Raises SuiteFailed when it comes back."""
        page = self._open("/accounts/login/").decode()
        token = _TOKEN.search(page)
        if token is None:
            raise SuiteFailed("the login page holds no form")
        form = {"login": email, "password": password, "csrfmiddlewaretoken": token[1]}
        self._open("/accounts/login/", urllib.parse.urlencode(form).encode())
        if not any(cookie.name.endswith("sessionid") for cookie in self._jar):
            raise SuiteFailed("the benchmark's own account could not sign in")

    def get(self, path: str, first_bytes: int = 0) -> int:
        """Fetch one address, all of it or a first range; return the number of bytes."""
        headers = {"Range": f"bytes=0-{first_bytes - 1}"} if first_bytes else {}
        return len(self._open(path, headers=headers))

    def look_around(self, addresses: Sequence[tuple[str, int]], count: int) -> int:
        """Fetch `count` addresses, turn by turn, several at once; return the bytes."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return sum(pool.map(lambda one: self.get(*one), islice(cycle(addresses), count)))

    def _open(self, path: str, data: bytes | None = None, headers: Any = None) -> bytes:
        request = urllib.request.Request(self._base + path, data, headers or {})
        request.add_header("Referer", self._base + path)
        with self._opener.open(request, timeout=TIMEOUT_S) as answer:
            if answer.geturl().startswith(f"{self._base}/accounts/login/") and data:
                raise SuiteFailed("the login page refused")
            return answer.read()


def mixed(batch: dict[str, Any]) -> list[tuple[str, int]]:
    """Return (path, range or 0) of what a reader of this batch opens, image by image."""
    return [address for place in zip(
        batch["studies"], batch["images_ids"], batch["results"], strict=True
    ) for address in _of_one(batch["run"], *place)]  # fmt: skip


def _of_one(run: str, study: str, image: str, result: str) -> Iterator[tuple[str, int]]:
    yield from ((path, 0) for path in (
        "/dashboard/", "/worklist/", "/worklist/?modality=xray&severity=high", f"/studies/{study}/",
        "/runs/", f"/runs/{run}/", f"/runs/new/?image={image}", f"/results/{result}/",
        f"/images/{image}/thumbnail/", f"/images/{image}/pixels/", "/exports/", "/models/",
        "/uploads/new/",
    ))  # fmt: skip
    yield from ((f"/results/{result}/layers/{layer}.png?t=0.4", 0) for layer in LAYERS)
    yield from ((f"/results/{result}/maps/{name}/", 0) for name in ("ensemble", "member-0"))
    yield f"/results/{result}/maps/ensemble/", 65536
    yield f"/images/{image}/pixels/", 65536
