"""One factory per model of people and access, each making the smallest valid row."""

from __future__ import annotations

import factory
from allauth.account.models import EmailAddress

from accounts.models import Membership, Organisation, Plan, User
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
