"""The audit trail; `record` is its one door."""

from accounts.audit.record import record

__all__ = ["record"]
