"""What every template may show."""

from __future__ import annotations

from django.conf import settings


def site(request) -> dict[str, object]:
    return {
        "research_notice": settings.RESEARCH_NOTICE,
        "request_id": getattr(request, "request_id", ""),
        "version": settings.VERSION,
    }
