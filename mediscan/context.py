"""What every template may show."""

from __future__ import annotations

from django.conf import settings

from accounts.gate import ALWAYS
from accounts.services.factors import is_verified


def site(request) -> dict[str, object]:
    user = getattr(request, "user", None)
    is_unproved = user is not None and user.is_authenticated and not is_verified(request)
    is_compulsory = settings.SECOND_FACTOR == ALWAYS
    return {
        "factor_is_optional": is_unproved and not is_compulsory,
        "is_at_the_gate": is_unproved and (is_compulsory or user.must_change_password),
        "research_notice": settings.RESEARCH_NOTICE,
        "request_id": getattr(request, "request_id", ""),
        "version": settings.VERSION,
    }
