"""PURE: every event that another system can be told of, and when a try follows the last one."""

from __future__ import annotations

from datetime import timedelta


def _(text: str) -> str:
    """Mark words for translation; they are translated where they are shown."""
    return text


EVENTS = {  # type -> its words; `data` holds ids, by the names behind it
    "job.succeeded": _("An image was analysed"),  # job, run, image, result
    "job.failed": _("An image could not be analysed"),  # job, run, image
    "result.reviewed": _("A reader's decision was saved"),  # review, result, image
    "report.signed": _("A reader's decision was signed"),  # review, result, image
    "export.ready": _("A file that was asked for is made"),  # export
    "model.activated": _("A version of a model went into service"),  # model
}
TEST = "webhook.test"  # to one endpoint, when a person asks for it; its data names the endpoint

GAPS = (
    tuple(  # after each try but the last: 20 hours and 37 minutes, with all jitter below 24 hours
        timedelta(seconds=seconds) for seconds in (10, 60, 300, 1_800, 7_200, 21_600, 43_200)
    )
)
MOST_TRIES = len(GAPS) + 1
JITTER = 0.15  # of a gap, up or down, so that a thousand messages do not come back at once


def wait_after(tries: int, chance: float) -> timedelta | None:
    """Return how long to wait after so many tries; None: that was the last.

    `chance` is a number from 0 to 1 that decides the jitter.
    """
    if tries >= MOST_TRIES:
        return None
    return GAPS[tries - 1] * (1 + JITTER * (2 * chance - 1))
