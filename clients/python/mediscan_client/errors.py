"""What the server says when it refuses."""

from __future__ import annotations

from typing import Any

import httpx


class Refused(Exception):
    """An answer of 400 or more, as application/problem+json (RFC 9457) tells it.

    status      the HTTP status.
    code        for programs: not_found, overtaken, step_up_required, …
    detail      for people: why, and the remedy.
    errors      by field: [{"field": …, "code": …, "detail": …}].
    request_id  what the server's log knows the request by.
    file        where a piece did not fit: how much of its file is there; else None.
    """

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code", ""))
        self.detail = str(problem.get("detail") or problem.get("title") or "")
        self.errors: list[dict[str, str]] = problem.get("errors") or []
        self.request_id = str(problem.get("request_id", ""))
        self.file: dict[str, Any] | None = problem.get("file")
        fields = "".join(f" {one.get('field')}: {one.get('detail')}" for one in self.errors)
        super().__init__(f"{status} {self.code}: {self.detail}{fields}")


def refused(response: httpx.Response) -> Refused:
    """Return what a refusing response says, whose body is read; a proxy's page has no words."""
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    problem = problem if isinstance(problem, dict) else {}
    if response.is_redirect:
        there = response.headers.get("Location", "")
        said = f"The server sends you to {there}. Give the address where people open the site."
        problem = {"code": "redirected", "detail": said}
    return Refused(response.status_code, problem)
