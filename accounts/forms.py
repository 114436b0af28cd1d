"""allauth's forms in our words: a label above, a hint below, no placeholder."""

from __future__ import annotations

from allauth.account import forms as stock
from allauth.account.adapter import get_adapter
from allauth.core import context
from django import forms
from django.contrib.auth import get_user_model
from django.db import IntegrityError
from django.utils.translation import gettext_lazy as _

from accounts.even_time import look_up_as_often
from accounts.passwords.words import HINT
from accounts.throttle import attempt_check, attempt_failed, attempt_succeeded

RESET_VERSION = "reset_version"  # in the session that asked for the letter
EMAIL = _("E-mail address")
RESET_STATE = "account_password_reset_verification"  # where allauth keeps it in the session
CODE_HINT = _("Upper or lower case, with or without the dash. Pasting works.")


class Plain:
    """Take the placeholders away; name and explain the fields as the subclass says."""

    labels: dict[str, object] = {}
    hints: dict[str, object] = {}

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = self.labels.get(name, field.label)
            field.help_text = self.hints.get(name, "")


class LoginForm(Plain, stock.LoginForm):
    labels = {"login": EMAIL, "password": _("Password")}


class SignupForm(Plain, stock.SignupForm):
    name = forms.CharField(
        max_length=200, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    field_order = ["email", "name", "password1", "password2"]
    labels = {
        "email": EMAIL,
        "name": _("Name"),
        "password1": _("Password"),
        "password2": _("Password, once more"),
    }
    hints = {
        "email": _("You sign in with it. We send a code there to see that it is yours."),
        "name": _("As it should stand in reports and on screen."),
        "password1": HINT,
    }

    def try_save(self, request):
        """Of two that register an address at one instant, the second is told what a late one is."""
        try:
            return super().try_save(request)
        except IntegrityError:
            if not get_user_model().objects.filter(email__iexact=self.cleaned_data["email"]):
                raise
        self.account_already_exists = True
        return super().try_save(request)


class AddEmailForm(Plain, stock.AddEmailForm):
    labels = {"email": _("New e-mail address")}
    hints = {"email": _("We send a code there to see that it is yours.")}


class ChangeEmailForm(Plain, stock.ChangeEmailForm):
    labels = {"email": EMAIL}


class ChangePasswordForm(Plain, stock.ChangePasswordForm):
    labels = {
        "oldpassword": _("Current password"),
        "password1": _("New password"),
        "password2": _("New password, once more"),
    }
    hints = {"password1": HINT}

    def clean_oldpassword(self) -> str:
        """Check the current password where every password is checked and counted."""
        password = self.cleaned_data["oldpassword"]
        if not get_adapter().reauthenticate(self.user, password):
            raise get_adapter().validation_error("enter_current_password")
        return password


class SetNewPassword(Plain):
    """Two fields for a password that is new."""

    labels = {"password1": _("New password"), "password2": _("New password, once more")}
    hints = {"password1": HINT}


class SetPasswordForm(SetNewPassword, stock.SetPasswordForm):
    """For an account that has no password yet."""


class ResetPasswordForm(Plain, stock.ResetPasswordForm):
    labels = {"email": EMAIL}

    def clean_email(self) -> str:
        email = super().clean_email()
        look_up_as_often(email)
        return email

    def save(self, request, **kwargs) -> str:
        """Send the code; letters that nobody answers have to wait longer and longer.

        It is bound to the account as it is now: a change since makes it worthless.
        """
        attempt_check(request, kind="mail", account=self.cleaned_data["email"])
        user = self.users[0] if self.users else None
        request.session[RESET_VERSION] = getattr(user, "auth_version", None)
        return super().save(request, **kwargs)


class Code(Plain):
    """A mailed code: typed in large letters, corrected and completed by nobody."""

    labels = {"code": _("Code")}
    hints = {"code": CODE_HINT}

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs |= {
            "class": "code", "autocapitalize": "characters", "spellcheck": "false",
        }  # fmt: skip


class EmailCodeForm(Code, stock.ConfirmEmailVerificationCodeForm):
    """The code that shows an address to be one's own."""


class ResetCodeForm(Code, stock.ConfirmPasswordResetCodeForm):
    """The code that opens the choice of a new password."""

    def clean_code(self) -> str:
        """Count the try for the address that was typed, known or not."""
        request = context.request
        email = request.session[RESET_STATE]["email"]
        attempt_check(request, kind="reset", account=email)
        try:
            code = super().clean_code()
        except forms.ValidationError:
            attempt_failed(request, kind="reset", account=email)
            raise
        attempt_succeeded(request, kind="reset", account=email)
        return code
