"""The guard of pages that show a record: a role opens them, or an open break-glass."""

from __future__ import annotations

from accounts.access import requires
from imaging.scope import may_see


def reads(action: str):
    """Let a view be opened by the roles of `action`, and by whoever broke the glass."""
    return requires(action, may=may_see)
