"""People, the organisations they work for, and what they did."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.timezone import now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import roles
from accounts.answer_table import KeptAnswer
from accounts.attempt_tables import AttemptCounter
from accounts.audit.chain_tables import AuditCheckpoint, AuditPending, AuditSeal
from accounts.audit.tables import AuditEvent
from accounts.factor_table import AllauthDevice
from accounts.invitation_table import Invitation
from accounts.notice_table import Notice
from accounts.plan_table import PlanRequest
from accounts.tokens.label_table import LabelToken
from accounts.tokens.tables import ApiKey, ServiceAccount, TokenFamily
from accounts.vault.tables import Blob, VaultKey
from accounts.webhooks.tables import DeliveryState, OffReason, WebhookDelivery, WebhookEndpoint

__all__ = [
    "AllauthDevice",
    "ApiKey",
    "AttemptCounter",
    "AuditCheckpoint",
    "AuditEvent",
    "AuditPending",
    "AuditSeal",
    "Blob",
    "DeliveryState",
    "Department",
    "Invitation",
    "KeptAnswer",
    "LabelToken",
    "Membership",
    "Notice",
    "OffReason",
    "Organisation",
    "Plan",
    "PlanRequest",
    "ServiceAccount",
    "TokenFamily",
    "User",
    "VaultKey",
    "WebhookDelivery",
    "WebhookEndpoint",
]

ROLES = [(key, _(name)) for key, name in roles.ROLES.items()]


class Plan(models.Model):
    """What an organisation subscribed to; null means without limit."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=64)
    slug = models.SlugField(_("short name"), max_length=64, unique=True)
    runs_per_month = models.PositiveIntegerField(
        _("runs a month"), null=True, blank=True, help_text=_("empty: without limit")
    )
    storage_bytes = models.PositiveBigIntegerField(
        _("storage in bytes"), null=True, blank=True, help_text=_("empty: without limit")
    )
    members = models.PositiveIntegerField(
        _("members"), null=True, blank=True, help_text=_("empty: without limit")
    )

    class Meta:
        ordering = ["name"]
        verbose_name = _("plan")
        verbose_name_plural = _("plans")

    def __str__(self) -> str:
        return self.name


class Organisation(models.Model):
    """The tenant: everything clinical belongs to exactly one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=200)
    plan = models.ForeignKey(
        Plan, models.PROTECT, related_name="organisations", verbose_name=_("plan")
    )
    read_first = models.BooleanField(
        _("read first"),
        default=False,
        help_text=_("Readers write down an impression before they are sent what the models say."),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")

    def __str__(self) -> str:
        return self.name


class Department(models.Model):
    """A part of an organisation."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        Organisation, models.CASCADE, related_name="departments", verbose_name=_("organisation")
    )
    name = models.CharField(_("name"), max_length=200)

    class Meta:
        ordering = ["name"]
        verbose_name = _("department")
        verbose_name_plural = _("departments")
        constraints = [
            models.UniqueConstraint(fields=["organisation", "name"], name="department_name_once")
        ]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager):
    def create_user(self, email: str, password: str | None = None, **fields) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, email: str) -> User:
        return self.get(email__iexact=email)


class User(AbstractBaseUser, PermissionsMixin):
    """A person; the e-mail address is the login name."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(_("e-mail address"), max_length=254)
    name = models.CharField(_("name"), max_length=200, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("staff"), default=False, help_text=_("May open the admin."))
    must_change_password = models.BooleanField(_("must change the password"), default=False)
    read_first = models.BooleanField(
        _("read first"),
        default=False,
        help_text=_("Their own wish; the organisation's setting holds anyway."),
    )
    language = models.CharField(  # "": as the browser asks
        _("language"),
        max_length=16,
        blank=True,
        default="",
        help_text=_("Of their pages and e-mails."),
    )
    theme = models.CharField(  # "": as the device has it
        _("theme"),
        max_length=8,
        blank=True,
        default="",
        help_text=_("Light or dark; empty: as the device."),
    )
    palette = models.CharField(  # "": the first of those there are
        _("palette"),
        max_length=16,
        blank=True,
        default="",
        help_text=_("Colours of their heatmaps."),
    )
    shortcuts = models.BooleanField(
        _("keyboard shortcuts"), default=True, help_text=_("Keys act on pages that have some.")
    )
    mails_runs = models.BooleanField(
        _("mails about runs"),
        default=False,
        help_text=_("Also tell them by mail when a run of theirs ends."),
    )
    auth_version = models.PositiveIntegerField(default=0, editable=False)
    date_joined = models.DateTimeField(_("joined at"), default=now, editable=False)

    USERNAME_FIELD = EMAIL_FIELD = "email"
    objects = UserManager()

    class Meta:
        ordering = ["email"]
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_once",
                violation_error_message=_("There is an account with this e-mail address."),
            )
        ]

    def __str__(self) -> str:
        return self.name or self.email


class MembershipQuerySet(models.QuerySet):
    def current(self) -> MembershipQuerySet:
        return self.filter(Q(until=None) | Q(until__gt=now()))

    def of_people(self) -> MembershipQuerySet:
        """Leave out service accounts: they take no seat and have a page of their own."""
        return self.filter(user__service_account=None)


class Membership(models.Model):
    """A person's role in an organisation, or in one of its departments, perhaps until a date."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="memberships",
        verbose_name=_("person"),
    )
    organisation = models.ForeignKey(
        Organisation, models.CASCADE, related_name="memberships", verbose_name=_("organisation")
    )
    department = models.ForeignKey(
        Department, models.CASCADE, null=True, blank=True, verbose_name=_("department")
    )
    role = models.CharField(
        _("role"), max_length=16, choices=[(key, _(name)) for key, name in roles.ROLES.items()]
    )
    until = models.DateTimeField(_("until"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            # two, for SQLite knows no unique nulls
            models.UniqueConstraint(
                fields=["user", "organisation", "department", "role"], name="membership_once"
            ),
            models.UniqueConstraint(
                fields=["user", "organisation", "role"],
                condition=Q(department=None),
                name="membership_of_the_whole_once",
            ),
            models.CheckConstraint(
                condition=Q(role__in=list(roles.ROLES)), name="membership_role_known"
            ),
            models.UniqueConstraint(
                fields=["user", "organisation"],
                condition=Q(role__in=roles.OVERSIGHT),
                name="membership_auditor_or_administrator",
                violation_error_message=_(
                    "Nobody is auditor and administrator of one organisation."
                ),
            ),
            models.CheckConstraint(
                condition=~Q(role__in=roles.OVERSIGHT) | Q(department=None),
                name="membership_oversight_is_of_the_whole",
                violation_error_message=_("This role is of the whole organisation: no department."),
            ),
        ]

    def __str__(self) -> str:
        facts = {"role": self.get_role_display(), "organisation": self.organisation}
        return gettext("%(role)s at %(organisation)s") % facts
