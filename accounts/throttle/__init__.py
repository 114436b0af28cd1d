"""The one door against guessing and floods: tries at secrets, rates of pages, who the client is."""

from accounts.throttle.addresses import client_ip, network_of
from accounts.throttle.attempts import (
    attempt_check,
    attempt_failed,
    attempt_succeeded,
    attempts_forgive,
)
from accounts.throttle.devices import device_remember
from accounts.throttle.errors import TooMany, TooManyAttempts, TooManyRequests
from accounts.throttle.rates import limited

__all__ = [
    "TooMany",
    "TooManyAttempts",
    "TooManyRequests",
    "attempt_check",
    "attempt_failed",
    "attempt_succeeded",
    "attempts_forgive",
    "client_ip",
    "device_remember",
    "limited",
    "network_of",
]
