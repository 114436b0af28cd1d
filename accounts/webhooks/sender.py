"""Sends what is due: rows in one thread, the network in others; one message an endpoint at once."""

from __future__ import annotations

import logging
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from django.conf import settings

from accounts.services.outbox import (
    Message,
    Outcome,
    deliveries_due,
    delivery_claim,
    delivery_close,
)
from accounts.webhooks.sending import Undelivered, send

logger = logging.getLogger(__name__)
LANES = 16  # endpoints at once: a dead one holds its lane for ten seconds
PAUSE_S = 0.2


def send_due(linger_s: float = 0.0) -> int:
    """Send until nothing was due for `linger_s`; return how many tries were made."""
    tried, idle_since = 0, time.monotonic()
    under_way: dict[Future, Message] = {}
    with ThreadPoolExecutor(LANES) as pool:
        while True:
            tried += _start(pool, under_way)
            if under_way:
                _end(under_way)
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since >= linger_s:
                return tried
            else:
                time.sleep(PAUSE_S)


def _start(pool: ThreadPoolExecutor, under_way: dict[Future, Message]) -> int:
    free = LANES - len(under_way)
    if not free:
        return 0
    busy = {message.endpoint_id for message in under_way.values()}
    claimed = (delivery_claim(pk) for pk in deliveries_due(busy, free))
    started = {pool.submit(_try, message): message for message in claimed if message is not None}
    under_way |= started
    return len(started)


def _end(under_way: dict[Future, Message]) -> None:
    done, _waiting = wait(under_way, timeout=PAUSE_S, return_when=FIRST_COMPLETED)
    for future in done:
        message, outcome = under_way.pop(future), future.result()
        delivery_close(message, outcome)
        said = outcome.problem or "delivered"
        logger.info("webhook delivery %s, try %d: %s", message.delivery_id, message.tries, said)


def _try(message: Message) -> Outcome:
    """Send one message; no database here, which knows its threads apart."""
    begun = time.monotonic()
    headers = {"Content-Type": "application/json", "User-Agent": f"MediScan/{settings.VERSION}"}
    try:
        status = send(
            message.url,
            body=message.body,
            headers=headers | message.headers,
            allowed=settings.WEBHOOK_NETWORKS,
            ca_file=settings.WEBHOOK_CA_FILE,
        )
    except Undelivered as failed:
        return Outcome(failed.status, failed.code, _ms(begun))
    except Exception:  # of one message: the others go on, and this one has had a try
        logger.exception("webhook delivery %s", message.delivery_id)
        return Outcome(None, "unexpected", _ms(begun))
    return Outcome(status, "", _ms(begun))


def _ms(begun: float) -> int:
    return round(1000 * (time.monotonic() - begun))
