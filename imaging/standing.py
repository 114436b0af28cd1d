"""PURE: from the jobs, results and reviews of a study to how it stands on the worklist."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

WORST = ("high", "moderate", "low", "no finding", "not assessed")
URGENT = ("high", "moderate", "not assessed", "low", "no finding")  # the unknown before the low
FAILED, DRAFT, NEW, LIVE, SIGNED = 10, 20, 40, 41, 50  # urgency; unread results come before
UNTOLD = 12  # where a reader may not know: after what they may, before the drafts
PLACES = {"failed": 0, "unread": 1, "draft": 2, "live": 3, "new": 4, "cancelled": 5, "signed": 6}
Row = Mapping[str, Any]


def standing_of(
    jobs: Sequence[Row], results: Sequence[Row], reviews: Mapping[UUID, Row]
) -> dict[str, Any]:
    """Return the columns of one study from its newest jobs, all its results and their reviews."""
    job, work = _work(jobs)
    answer, reading = _answer(results, reviews)
    review = reviews.get(answer["pk"]) if answer else None
    newest = {one["image"]: one for one in results}  # the last of each image
    unsaid = sum(one["severity"] == "not assessed" for one in newest.values())
    return {
        "work": work,
        "reading": reading,
        "answer": answer and answer["pk"],
        "review": review and review["pk"],
        "job": job and job["pk"],
        "ensemble": (answer or job or {}).get("ensemble"),
        "severity": answer["severity"] if answer else "",
        "disagree": bool(answer and answer["disagree"]),
        "signed_at": review["signed_at"] if review and reading == "signed" else None,
        "urgency": _urgency(work, reading, answer),
        "place": min(PLACES.get(work, 9), PLACES.get(reading, 9)),
        "assessed": len(newest) - unsaid,
        "not_assessed": unsaid,
    }  # fmt: skip


def _work(jobs: Sequence[Row]) -> tuple[Row | None, str]:
    """Return the job that decides and the word: what runs, else what failed, else the newest."""
    for word, wanted in (
        ("live", ("queued", "running")),
        ("failed", ("failed",)),
        ("done", ("succeeded",)),
        ("cancelled", ("cancelled",)),
    ):
        found = [one for one in jobs if one["status"] in wanted]
        if found:
            running = [one for one in found if one["status"] == "running"]
            return max(running or found, key=lambda one: (one["created_at"], one["pk"])), word
    return None, "new"


def _answer(results: Sequence[Row], reviews: Mapping[UUID, Row]) -> tuple[Row | None, str]:
    """Return the worst unread result, else the worst of those read last, and how far reading is.

    A result is read when somebody decided on it, or on another one of its image since it is there.
    """
    read: dict[UUID, Row] = {}  # by image the result decided on last
    for one in results:
        review = reviews.get(one["pk"])
        last = read.get(one["image"])
        if review and (last is None or review["at"] >= reviews[last["pk"]]["at"]):
            read[one["image"]] = one
    unread = [
        one for one in results
        if one["image"] not in read or reviews[read[one["image"]]["pk"]]["at"] < one["created_at"]
    ]  # fmt: skip
    if unread:
        return _worst(unread), "unread"
    if not read:
        return None, ""
    drafts = [one for one in read.values() if not reviews[one["pk"]]["signed_at"]]
    return _worst(drafts or read.values()), "draft" if drafts else "signed"


def _worst(results: Collection[Row]) -> Row:
    """Return the worst of them by its word; of several, the newest."""
    newest = sorted(results, key=lambda one: (one["created_at"], one["pk"]), reverse=True)
    return min(newest, key=lambda one: WORST.index(one["severity"]))


def _urgency(work: str, reading: str, answer: Row | None) -> int:
    degree = 2 * URGENT.index(answer["severity"]) + (not answer["disagree"]) if answer else 0
    if reading == "unread":
        return degree
    if work == "failed":
        return FAILED
    if reading == "draft":
        return DRAFT + degree
    if reading == "signed":
        return SIGNED + degree
    return LIVE if work == "live" else NEW
