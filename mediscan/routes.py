"""What every address is for: a declared action, every account, or the public; nothing undeclared.

A view of ours says it by `requires` or `signed_in` (a class by `required_action`).
The names below are those whose views are not ours, or open before there is an account.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver

from accounts.access import PUBLIC, SIGNED_IN

ADMIN = "admin.open"

BY_NAME = {
    **dict.fromkeys(
        (
            "home", "help", "help-shortcuts", "accounts:setup", "kit", "kit-viewer",
            "accounts:language",
            "healthz", "readyz",
            "account_login", "account_logout", "account_inactive", "account_signup",
            "account_email_verification_sent", "account_reset_password",
            "account_confirm_login_code", "account_confirm_password_reset_code",
            "account_complete_password_reset", "account_password_reset_completed",
            "mfa_authenticate",
        ),
        PUBLIC,
    ),
    **dict.fromkeys(
        (
            "account_reauthenticate", "account_email", "account_change_password",
            "account_set_password",
            "mfa_index", "mfa_reauthenticate", "mfa_activate_totp", "mfa_deactivate_totp",
            "mfa_view_recovery_codes", "mfa_generate_recovery_codes",
            "mfa_download_recovery_codes", "mfa_list_webauthn", "mfa_add_webauthn",
            "mfa_reauthenticate_webauthn", "mfa_remove_webauthn", "mfa_edit_webauthn",
        ),
        SIGNED_IN,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Route:
    """One address: its full name, its pattern, what it demands ("": undeclared)."""

    name: str
    pattern: str
    demand: str
    view: object


def routes() -> Iterator[Route]:
    """Yield every address of the house."""
    yield from _walk(get_resolver().url_patterns, "", "")


def demand_of(name: str, view) -> str:
    """Return the action, SIGNED_IN or PUBLIC that `view` declares; "" when it declares nothing."""
    if name.startswith("admin:"):
        return ADMIN
    worn = getattr(view, "required_action", "")
    worn = worn or getattr(view, "initkwargs", {}).get("required_action", "")  # of one action
    kind = getattr(view, "cls", None) or getattr(view, "view_class", None)
    return worn or getattr(kind, "required_action", "") or BY_NAME.get(name, "")


def _walk(patterns, namespace: str, prefix: str) -> Iterator[Route]:
    for one in patterns:
        pattern = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            inner = f"{namespace}{one.namespace}:" if one.namespace else namespace
            yield from _walk(one.url_patterns, inner, pattern)
        elif isinstance(one, URLPattern):
            name = f"{namespace}{one.name or ''}"
            yield Route(name, pattern, demand_of(name, one.callback), one.callback)
