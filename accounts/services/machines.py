"""Machines of an organisation: an account each, which no form lets in."""

from __future__ import annotations

from uuid import uuid4

from django.db import transaction

from accounts.models import Organisation, ServiceAccount, User
from accounts.roles import INTEGRATOR
from accounts.services.people import member_add


@transaction.atomic
def machine_named(
    *, organisation: Organisation, name: str, by: User | None, request_id: str = ""
) -> ServiceAccount:
    """Return the machine of this name, made if need be, with its inactive user and its role."""
    Organisation.objects.select_for_update(of=("self",)).get(pk=organisation.pk)  # at once: one
    found = ServiceAccount.objects.filter(organisation=organisation, name__iexact=name).first()
    if found is not None:
        return found
    user = User.objects.create_user(
        f"service-{uuid4().hex}@service.invalid", name=name, is_active=False
    )
    member_add(user=user, organisation=organisation, role=INTEGRATOR, by=by, request_id=request_id)
    return ServiceAccount.objects.create(organisation=organisation, user=user, name=name)
