"""The forms that take a second factor; each spends its code through the bridge, nowhere else."""

from __future__ import annotations

import struct

from allauth.account import forms as account
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as stock
from allauth.mfa.signals import authentication_failed
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms import RESET_VERSION, Plain, SetNewPassword
from accounts.services.factors import code_verify, device_for_code, has_factor, has_security_key

CODE = _("Code")
CODE_HINT = _("Six digits from your authenticator app, or one of your recovery codes.")
# what the library raises over an answer that no key gave
NO_ANSWER = (
    ArithmeticError, AttributeError, LookupError, NotImplementedError, TypeError, ValueError,
    struct.error,
)  # fmt: skip
ATTRIBUTES = {"autocomplete": "one-time-code", "inputmode": "numeric", "class": "code"}


def code_field() -> forms.CharField:
    return forms.CharField(
        label=CODE, help_text=CODE_HINT, max_length=32, widget=forms.TextInput(ATTRIBUTES)
    )


class Digits(Plain):
    """A code that a device shows: digits, completed by the browser or the phone."""

    labels = {"code": CODE}
    hints = {"code": CODE_HINT}

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs |= ATTRIBUTES


class Spends(Digits):
    """Take the code through the bridge's `verify_token`, not allauth's own comparison."""

    def clean_code(self) -> str:
        device = device_for_code(
            user=self.user, code=self.cleaned_data["code"], request=context.request
        )
        if device is None:
            self._refuse()
        self.authenticator = device.authenticator
        self.authenticator.user = self.user
        return self.cleaned_data["code"]

    def _refuse(self) -> None:
        first = self.user.authenticator_set.exclude(type="webauthn").order_by("-type").first()
        if first is not None:
            self._emit_authentication_failed(first)
        raise get_adapter().validation_error("incorrect_code")


class Authenticate(Spends, stock.AuthenticateForm):
    """The second step of signing in."""


class Reauthenticate(Spends, stock.ReauthenticateForm):
    """The code's half of a step-up."""


class ActivateTOTP(Digits, ActivateTOTPForm):
    labels = {"code": _("Code from the app")}
    hints = {"code": _("Six digits; they change every 30 seconds.")}


class KeyAnswer(forms.JSONField):
    """What a security key answered: one object; whatever else is sent is refused in words."""

    def __init__(self) -> None:
        super().__init__(widget=forms.HiddenInput)

    def to_python(self, value):
        try:
            found = super().to_python(value)
        except (ValueError, RecursionError):  # numbers of 5,000 digits, arrays 100,000 deep
            found = value
        if not isinstance(found, dict):
            raise get_adapter().validation_error("incorrect_code")
        return found

    def bound_data(self, data, initial):
        """An answer is for one asking: a form that is shown again asks anew."""
        return None


class AddSecurityKey(Plain, AddWebAuthnForm):
    labels = {"name": _("Name")}
    hints = {"name": _("So that you know it again, for instance “blue key” or “my phone”.")}
    credential = KeyAnswer()

    def clean(self) -> dict:
        try:
            return super().clean()
        except forms.ValidationError:
            raise
        except NO_ANSWER as error:
            raise get_adapter().validation_error("incorrect_code") from error


class TakesKeyAnswer(forms.Form):
    """Refuse a wrong answer of a key in words, and have it written down as a wrong code is."""

    credential = KeyAnswer()

    def clean_credential(self):
        try:
            return super().clean_credential()
        except forms.ValidationError:
            self._tell()
            raise
        except NO_ANSWER as error:
            self._tell()
            raise get_adapter().validation_error("incorrect_code") from error

    def _tell(self) -> None:
        key = self.user.authenticator_set.filter(type="webauthn").first()
        if key is not None:
            authentication_failed.send(
                sender=key.__class__, request=context.request, user=self.user, authenticator=key,
                reauthentication=self.reauthenticated, passwordless=False,
            )  # fmt: skip


class AuthenticateKey(TakesKeyAnswer, AuthenticateWebAuthnForm):
    """The second step of signing in, by key."""


class ReauthenticateKey(TakesKeyAnswer, ReauthenticateWebAuthnForm):
    """The key's half of a step-up."""


class EditSecurityKey(Plain, EditWebAuthnForm):
    labels = {"name": _("Name")}


class StepUp(Plain, account.ReauthenticateForm):
    """Password, and code or key of whoever has one, on one page: both, or it did not happen."""

    labels = {"password": _("Password"), "code": CODE}
    hints = {"code": CODE_HINT}

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.factor: forms.Form | None = None
        if has_factor(self.user):
            self.fields["code"] = code_field()
        if has_security_key(self.user):
            self.fields["code"].required = False
            self.fields["credential"] = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict:
        """Spend the code, or take the key's answer, only beside a right password."""
        data = super().clean() or self.cleaned_data
        if "code" not in self.fields or self.errors:
            return data
        name, kind = "code", Reauthenticate
        if data.get("credential"):
            name, kind = "credential", ReauthenticateKey
        self.factor = kind(user=self.user, data={name: data[name]})
        if not self.factor.is_valid():
            self.add_error("code", self.factor.errors[name])
        return data

    def save(self) -> None:
        """Write the factor's use down; the view does so for the password."""
        if self.factor is not None:
            self.factor.save()


class ResetPassword(SetNewPassword, account.ResetPasswordKeyForm):
    """A new password: the mailed code opened this form, an enrolled person's factor closes it."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if self.user is not None and has_factor(self.user):
            self.fields["code"] = code_field()

    def clean(self) -> dict:
        """Spend the code last, when nothing else is wrong with the form."""
        data = super().clean() or self.cleaned_data
        if context.request.session.get(RESET_VERSION) != self.user.auth_version:
            raise forms.ValidationError(_("The account has changed since. Ask for a new code."))
        if "code" not in self.fields or self.errors:
            return data
        if not code_verify(user=self.user, code=data["code"], request=context.request):
            self.add_error("code", get_adapter().validation_error("incorrect_code"))
        return data
