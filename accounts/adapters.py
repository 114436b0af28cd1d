"""How allauth makes accounts here: a person, their organisation and role in one step."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.db import transaction
from django.shortcuts import resolve_url

from accounts.services.people import person_register


class AccountAdapter(DefaultAccountAdapter):
    """The sign-up and the letters of the site."""

    def save_user(self, request, user, form, commit: bool = True):
        """Save the person with an organisation of their own; both or neither."""
        user.name = form.cleaned_data.get("name", "").strip()
        with transaction.atomic():
            user = super().save_user(request, user, form, commit=commit)
            if commit:
                person_register(user=user, request_id=getattr(request, "request_id", ""))
        return user

    def clean_password(self, password, user=None):
        """Refuse a password like the name that was typed beside it, too."""
        if user is not None and user._state.adding:  # the stand-in that sign-up makes
            user.name = self.request.POST.get("name", "")[:200]
        return super().clean_password(password, user)

    def format_email_subject(self, subject: str) -> str:
        return f"MediScan: {subject}"

    def get_password_change_redirect_url(self, request) -> str:
        return resolve_url("analytics:dashboard")
