"""What the queue calls on the roof; none raises into the queue."""

from __future__ import annotations

import logging

from accounts import audit
from mediscan.examining import examination_make

logger = logging.getLogger(__name__)


@audit.as_worker
def house_examine() -> None:
    """Look the house over. State after: what was found is kept, with its time."""
    try:
        examination_make()
    except Exception:  # ours to read in the log; the page says that it was asked and not answered
        logger.exception("the house was not examined")
