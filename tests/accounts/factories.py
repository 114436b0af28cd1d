"""One factory per model of people and access, each making the smallest valid row."""

from __future__ import annotations

import time
from base64 import b32decode

import factory
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.oath import TOTP

from accounts import proof
from accounts.models import AllauthDevice, Department, Membership, Organisation, Plan, User
from accounts.roles import RADIOLOGIST

PASSWORD = "correct horse battery staple"


class PlanFactory(factory.django.DjangoModelFactory):
    """A plan without limits."""

    class Meta:
        model = Plan

    name = factory.Sequence("Plan {}".format)
    slug = factory.Sequence("plan-{}".format)


class OrganisationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Organisation

    name = factory.Sequence("Hospital {}".format)
    plan = factory.SubFactory(PlanFactory)


class DepartmentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Department

    organisation = factory.SubFactory(OrganisationFactory)
    name = factory.Sequence("Department {}".format)


class StrangerFactory(factory.django.DjangoModelFactory):
    """A person who belongs to no organisation."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence("person{}@example.org".format)
    name = factory.Sequence("Person {}".format)

    @classmethod
    def _create(cls, model_class, *args, **kwargs):
        user = model_class.objects.create_user(password=PASSWORD, **kwargs)
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        return user


class MembershipFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Membership

    user = factory.SubFactory(StrangerFactory)
    organisation = factory.SubFactory(OrganisationFactory)
    role = RADIOLOGIST


class UserFactory(StrangerFactory):
    """A radiologist of `organisation`; other roles by `role` (None: no membership)."""

    @classmethod
    def _create(cls, model_class, *args, organisation=None, role=RADIOLOGIST, **kwargs):
        user = super()._create(model_class, *args, **kwargs)
        if role is not None:
            organisation = organisation or OrganisationFactory()
            MembershipFactory(user=user, organisation=organisation, role=role)
        return user


SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def enrol(user, *, seed: str = SEED, recovery: bool = False) -> AllauthDevice:
    """Give `user` an authenticator app that has used no code yet; perhaps recovery codes too."""
    secret = {"secret": get_adapter().encrypt(seed)}
    authenticator, _ = Authenticator.objects.get_or_create(
        user=user, type=Authenticator.Type.TOTP, defaults={"data": secret}
    )
    if recovery:
        data = {"seed": get_adapter().encrypt("5" * 80), "used_mask": 0}
        Authenticator.objects.get_or_create(
            user=user, type=Authenticator.Type.RECOVERY_CODES, defaults={"data": data}
        )
    AllauthDevice.objects.filter(authenticator=authenticator).update(last_step=-1)
    return AllauthDevice.objects.get(authenticator=authenticator)


def code_at(step: int = 0, *, seed: str = SEED) -> str:
    """What the app shows now, or `step` times 30 seconds later."""
    totp = TOTP(b32decode(seed))
    totp.time = time.time() + 30 * step
    return f"{totp.token():06d}"


def recovery_codes(user) -> list[str]:
    return Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()


def verify(client: Client, user) -> Client:
    """Sign `user` in on `client` as with password and second factor, both shown just now.

    For pages behind the gate, the admin site and whatever needs a step-up. `verified_client`
    in tests/conftest.py is the fixture. A plain `force_login` is a session without a factor.
    """
    device = enrol(user)
    client.force_login(user)
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    session[proof.SESSION_KEY] = dict.fromkeys((proof.PASSWORD, proof.FACTOR), time.time())
    session.save()
    return client
