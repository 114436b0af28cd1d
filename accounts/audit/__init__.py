"""The audit trail; `record` is its one door."""

from accounts.audit.context import RequestFacts, acting, as_worker
from accounts.audit.once import record_once, record_view
from accounts.audit.record import record

__all__ = ["RequestFacts", "acting", "as_worker", "record", "record_once", "record_view"]
