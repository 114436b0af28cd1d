"""How allauth makes accounts here, keeps their factors sealed, and asks again who it is."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.db import transaction
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy

from accounts.even_time import look_up_as_often
from accounts.languages import in_language_of, language_of
from accounts.proof import is_fresh
from accounts.services.people import person_register
from accounts.throttle import (
    attempt_check,
    attempt_failed,
    attempt_succeeded,
    client_ip,
    device_remember,
)
from accounts.vault.purposes import purpose_seal, purpose_unseal


class AccountAdapter(DefaultAccountAdapter):
    """The sign-up and the letters of the site."""

    def save_user(self, request, user, form, commit: bool = True):
        """Save the person with an organisation of their own; both or neither."""
        user.name = form.cleaned_data.get("name", "").strip()
        user.language = language_of(None)  # that of the page on which they signed up
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

    # --- every check of a password passes the one door

    def pre_authenticate(self, request, **credentials) -> None:
        """Count the try, or raise TooManyAttempts."""
        attempt_check(request, kind="password", account=_login(credentials))
        super().pre_authenticate(request, **credentials)

    def authenticate(self, request, **credentials):
        user = super().authenticate(request, **credentials)
        look_up_as_often(_login(credentials))
        if user is not None:
            attempt_succeeded(request, kind="password", account=_login(credentials))
        return user

    def authentication_failed(self, request, **credentials) -> None:
        attempt_failed(request, kind="password", account=_login(credentials))

    def post_login(self, request, user, **kwargs):
        """Remember the device: from now on strangers' wrong passwords do not lock it out."""
        response = super().post_login(request, user, **kwargs)
        device_remember(request, response, user)
        return response

    def get_client_ip(self, request) -> str:
        return client_ip(request)

    def is_safe_url(self, url) -> bool:
        """Say whether `url` stays on this site; what is no address at all does not."""
        try:
            return super().is_safe_url(url)
        except ValueError:  # http://[
            return False

    def send_mail(self, template_prefix, email, context) -> None:
        """Write in the language of whom it goes to; whoever asked for it may be another."""
        with in_language_of(context.get("user")):
            super().send_mail(template_prefix, email, context)

    def format_email_subject(self, subject: str) -> str:
        return f"MediScan: {subject}"

    def get_password_change_redirect_url(self, request) -> str:
        return resolve_url("analytics:dashboard")

    def get_logout_redirect_url(self, request) -> str:
        """Say by the address that it worked: a cookie could not, the browser forgets them all."""
        return f"{resolve_url('home')}?left"

    def is_reauthentication_required(self, *, app: str, **kwargs) -> bool:
        return not is_fresh(context.request)

    def get_reauthentication_methods(self, user) -> list[dict]:
        """Offer one page that asks for all that this person has; half a proof is none."""
        if not (user.is_authenticated and user.has_usable_password()):
            return []
        return [{"id": "reauthenticate", "url": reverse("account_reauthenticate")}]


class MFAAdapter(DefaultMFAAdapter):
    """Seeds at rest are ciphertext; the issuer is the product, never the Host header."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": gettext_lazy(
            "This code is not right, or was used before. Wait for the next one; if that is refused"
            " too, let the phone set its clock by itself."
        )
    }

    def encrypt(self, text: str) -> str:
        return purpose_seal("mfa", text)

    def decrypt(self, encrypted_text: str) -> str:
        return purpose_unseal("mfa", encrypted_text)

    def get_totp_issuer(self) -> str:
        return "MediScan"

    def build_totp_svg(self, url: str) -> str:
        """Draw the QR code as SVG to stand in the page: the policy forbids data: images."""
        # the library brings Pillow and lxml with it: 8 MiB that only an enrolment needs
        import qrcode
        from qrcode.image.svg import SvgPathImage

        drawn = qrcode.make(url, image_factory=SvgPathImage, border=2)
        return drawn.to_string(encoding="unicode")

    def generate_authenticator_name(self, user, type) -> str:
        return gettext("Security key")

    def _get_site_name(self) -> str:
        return "MediScan"


def _login(credentials: dict) -> str:
    return credentials.get("email") or credentials.get("username") or ""
