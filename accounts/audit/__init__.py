"""The audit trail; `record` is its one door."""

from accounts.audit.context import RequestFacts, acting
from accounts.audit.record import record

__all__ = ["RequestFacts", "acting", "record"]
