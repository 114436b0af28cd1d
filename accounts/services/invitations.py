"""People are asked to join by e-mail; the answer says not whether they have an account."""

from __future__ import annotations

from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.languages import in_language_of
from accounts.models import Department, Invitation, Membership, Organisation, User
from accounts.services.membership_rules import manage_alone, manage_check, role_check, seats_check
from accounts.services.memberships import membership_write

OPEN_FOR = timedelta(days=14)


@transaction.atomic
def invitation_send(
    *,
    by: User,
    organisation: Organisation,
    email: str,
    role: str,
    department: Department | None = None,
    until: datetime | None = None,
) -> Invitation:
    """Offer a role to whoever has this address, and write to them. Sent again, it is renewed.

    Nothing differs for an address without an account. Raises: PermissionDenied;
    ValidationError in words.
    """
    email = email.strip().lower()
    manage_alone(by=by, organisation=organisation)
    if email == by.email.lower():
        raise ValidationError(
            _("Nobody changes their own roles. Ask another administrator of the organisation.")
        )
    role_check(
        by=by, user=None, organisation=organisation, role=role, department=department, until=until
    )
    seats_check(organisation=organisation, email=email)
    invitation, _is_new = Invitation.objects.update_or_create(
        organisation=organisation,
        email=email,
        role=role,
        department=department,
        defaults={"until": until, "invited_by": by, "expires_at": now() + OPEN_FOR},
    )
    audit.record(by, "membership.offer", invitation)
    transaction.on_commit(lambda: _mail(invitation))
    return invitation


@transaction.atomic
def invitation_accept(
    *, user: User, invitation: Invitation, request: HttpRequest | None = None
) -> Membership:
    """Join: the verified address is the proof. Raises: ValidationError when it cannot be any more.

    The rules are asked again: since it was sent the person may have become auditor.
    """
    is_open = invitations_of(user).filter(pk=invitation.pk).exists()
    if not is_open or not Invitation.objects.filter(pk=invitation.pk).delete()[0]:  # or just taken
        raise ValidationError(_("This invitation is no longer open. Ask for a new one."))
    offer = {
        "by": invitation.invited_by,
        "user": user,
        "organisation": invitation.organisation,
        "role": invitation.role,
        "department": invitation.department,
        "until": invitation.until,
    }
    manage_check(by=invitation.invited_by, organisation=invitation.organisation)
    role_check(**offer)
    return membership_write(**offer, request=request)


@transaction.atomic
def invitation_withdraw(*, by: User, invitation: Invitation) -> None:
    """Take an offer back. Twice, it changes nothing. Raises: PermissionDenied."""
    manage_check(by=by, organisation=invitation.organisation)
    audit.record(by, "membership.withdraw", invitation)
    Invitation.objects.filter(pk=invitation.pk).delete()


def invitations_of(user: User) -> QuerySet[Invitation]:
    """Return the open invitations to the verified addresses of `user`."""
    verified = EmailAddress.objects.filter(user=user, verified=True)
    emails = {one.lower() for one in verified.values_list("email", flat=True)}
    return Invitation.objects.filter(email__in=emails, expires_at__gt=now())


def _mail(invitation: Invitation) -> None:
    context = {"invitation": invitation, "address": settings.PUBLIC_BASE_URL}
    with in_language_of(User.objects.filter(email__iexact=invitation.email).first()):
        subject = _("MediScan: you are invited to join an organisation")
        text = render_to_string("accounts/email/invitation.txt", context)
    send_mail(subject, text, None, [invitation.email])
