"""The admin's forms for a new person and for a new password."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.contrib.auth.forms import AdminPasswordChangeForm, BaseUserCreationForm
from django.template.loader import render_to_string
from django.utils.html import format_html

from accounts.models import User
from accounts.passwords.words import HINT
from accounts.templatetags.passwords import meter


class Measured:
    """Show the strength meter below the first of the two fields of a new password."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        shown = render_to_string(
            "components/strength.html", meter("id_password1", getattr(self, "user", None))
        )
        self.fields["password1"].help_text = format_html("{}{}", HINT, shown)


class NewUserForm(Measured, BaseUserCreationForm):
    """A person with a password that an operator chose, to be changed at the first login."""

    class Meta:
        model = User
        fields = ("email", "name")
        field_classes = {}

    def clean_email(self) -> str:
        return self.cleaned_data["email"].lower()

    def save(self, commit: bool = True) -> User:
        self.instance.must_change_password = True
        return super().save(commit)

    def _save_m2m(self) -> None:
        """Vouch for the address: the operator knows whom they let in."""
        super()._save_m2m()
        EmailAddress.objects.get_or_create(
            user=self.instance,
            email=self.instance.email,
            defaults={"verified": True, "primary": True},
        )


class NewPasswordForm(Measured, AdminPasswordChangeForm):
    """A password that an operator chose, to be changed at the next login."""

    def save(self, commit: bool = True) -> User:
        self.user.must_change_password = True
        return super().save(commit)
