"""What several components share: one moment, one id, two people."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

AT = datetime(2026, 3, 14, 9, 26, tzinfo=UTC)
ID = UUID(int=0x1234567890ABCDEF1234567890ABCDEF)
READER, OTHER = "Dr. Reader", "Dr. Other"
DIGEST = "4f1c9ab07de2658395be4c10f7a2d3864f1c9ab07de2658395be4c10f7a2d386"
