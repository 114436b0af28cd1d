"""Telling people what happened to their account, their organisation or the house."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from functools import partial
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.timezone import now

from accounts.languages import in_language_of
from accounts.models import Membership, Notice, Organisation, User
from accounts.notices import kind_named

logger = logging.getLogger(__name__)


@transaction.atomic
def notice_send(*, to: User, kind: str, facts: Mapping[str, object] | None = None) -> Notice:
    """Show `to` a notice in the app; most are mailed too, once the transaction has committed.

    Some are mailed only to whoever wishes it (`Kind.wish`).
    `facts` fill the sentence of the kind and hold no patient data. A mail server
    that is away is logged: the notice in the app stays. Raises ValueError for an
    undeclared kind, or for facts that are not exactly those of its sentence.
    """
    given, sort = dict(facts or {}), kind_named(kind)
    if set(given) != set(sort.facts):
        raise ValueError(f"{kind} takes the facts {sort.facts}, not {tuple(given)}")
    texts = {name: str(value)[:200] for name, value in given.items()}
    notice = Notice.objects.create(to=to, kind=kind, facts=texts)
    if sort.by_mail or (sort.wish and getattr(to, sort.wish)):
        transaction.on_commit(partial(_mail, notice))
    return notice


@transaction.atomic
def notice_send_to_role(
    *,
    role: str,
    kind: str,
    organisation: Organisation | None = None,
    facts: Mapping[str, object] | None = None,
) -> list[Notice]:
    """Tell everybody with `role` in `organisation`; in every organisation where none is given."""
    members = Membership.objects.current().filter(role=role, user__is_active=True)
    if organisation is not None:
        members = members.filter(organisation=organisation)
    people = User.objects.filter(pk__in=members.values("user"))
    return [notice_send(to=person, kind=kind, facts=facts) for person in people]


@transaction.atomic
def notices_read(*, to: User, notices: Iterable[Notice] | None = None) -> int:
    """Mark notices of `to` as read, all where none are named. Called twice, it changes nothing."""
    unread = Notice.objects.filter(to=to, read_at=None)
    if notices is not None:
        unread = unread.filter(pk__in=[notice.pk for notice in notices])
    return unread.update(read_at=now())


def _mail(notice: Notice) -> None:
    address = settings.PUBLIC_BASE_URL.rstrip("/") + reverse(notice.page)
    context = {"notice": notice, "address": address}
    with in_language_of(notice.to):
        subject = f"MediScan: {notice.title}"
        text = render_to_string("accounts/email/notice.txt", context)
    try:
        send_mail(subject, text, None, [notice.to.email])
    except (OSError, SMTPException) as error:
        logger.error("notice %s was not mailed: %s", notice.pk, type(error).__name__)
