"""Roles are given and taken by those who may, never by oneself, within the plan, and written."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils.timezone import now

from accounts.models import AuditEvent, Invitation, Membership, Notice
from accounts.roles import ADMINISTRATOR, AUDITOR, CLINICIAN, RADIOLOGIST, TECHNICIAN
from accounts.services.invitations import (
    invitation_accept,
    invitation_send,
    invitation_withdraw,
    invitations_of,
)
from accounts.services.memberships import (
    department_create,
    membership_change,
    membership_end,
    membership_grant,
)
from accounts.services.people import person_register
from tests.accounts.factories import (
    DepartmentFactory,
    MembershipFactory,
    OrganisationFactory,
    PlanFactory,
    StrangerFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def house():
    return OrganisationFactory()


@pytest.fixture
def administrator(house):
    return UserFactory(organisation=house, role=ADMINISTRATOR)


def test_an_administrator_gives_changes_and_ends_a_role(house, administrator):
    person, department = StrangerFactory(), DepartmentFactory(organisation=house)
    membership = membership_grant(
        by=administrator, user=person, organisation=house, role=CLINICIAN, department=department
    )
    membership_change(by=administrator, membership=membership, until=now() + timedelta(days=9))
    membership.refresh_from_db()
    assert membership.until is not None
    membership_end(by=administrator, membership=membership)
    assert not person.memberships.exists()
    events = AuditEvent.objects.filter(target=f"membership:{membership.pk}").order_by("at")
    assert [(one.action, one.actor) for one in events] == [
        ("membership.create", administrator),
        ("membership.change", administrator),
        ("membership.delete", administrator),
    ]
    person.refresh_from_db()
    assert person.auth_version == 3
    assert Notice.objects.filter(to=person, kind="role_changed").count() == 3


def test_given_twice_a_role_is_one_and_nobody_is_told_again(house, administrator):
    person = StrangerFactory()
    for _ in range(2):
        membership_grant(by=administrator, user=person, organisation=house, role=TECHNICIAN)
    assert Membership.objects.filter(user=person).count() == 1
    assert AuditEvent.objects.filter(action="membership.create").count() == 1


@pytest.mark.parametrize("role", [RADIOLOGIST, AUDITOR, TECHNICIAN])
def test_only_an_administrator_of_that_house_gives_roles(house, role):
    for by in (UserFactory(organisation=house, role=role), UserFactory(role=ADMINISTRATOR)):
        with pytest.raises(PermissionDenied, match="Administrator"):
            membership_grant(by=by, user=StrangerFactory(), organisation=house, role=CLINICIAN)
    assert not Membership.objects.filter(role=CLINICIAN).exists()


def test_nobody_changes_their_own_roles(house, administrator):
    operator = StrangerFactory(is_superuser=True)
    for by in (administrator, operator):
        with pytest.raises(ValidationError, match="own roles"):
            membership_grant(by=by, user=by, organisation=house, role=RADIOLOGIST)
    own = administrator.memberships.get()
    with pytest.raises(ValidationError, match="own roles"):
        membership_end(by=administrator, membership=own)
    with pytest.raises(ValidationError, match="own roles"):
        invitation_send(
            by=administrator, organisation=house, email=administrator.email, role=RADIOLOGIST
        )
    assert administrator.memberships.get() == own


def test_an_administrator_neither_names_nor_removes_an_auditor(house, administrator):
    auditor = MembershipFactory(organisation=house, role=AUDITOR)
    with pytest.raises(ValidationError, match="neither names nor removes"):
        membership_end(by=administrator, membership=auditor)
    with pytest.raises(ValidationError, match="neither names nor removes"):
        membership_grant(by=administrator, user=StrangerFactory(), organisation=house, role=AUDITOR)
    operator = StrangerFactory(is_superuser=True)
    membership_grant(by=operator, user=StrangerFactory(), organisation=house, role=AUDITOR)
    assert Notice.objects.filter(to=auditor.user, kind="role_raised").count() == 1


def test_auditor_excludes_administrator_in_words_and_in_sql(house, administrator):
    operator = StrangerFactory(is_superuser=True)
    with pytest.raises(ValidationError, match="auditor and administrator"):
        membership_grant(by=operator, user=administrator, organisation=house, role=AUDITOR)
    with pytest.raises(IntegrityError), transaction.atomic():
        MembershipFactory(user=administrator, organisation=house, role=AUDITOR)
    elsewhere = OrganisationFactory()
    membership_grant(by=operator, user=administrator, organisation=elsewhere, role=AUDITOR)


def test_what_ran_out_makes_room_for_the_other(house):
    person = StrangerFactory()
    MembershipFactory(
        user=person, organisation=house, role=ADMINISTRATOR, until=now() - timedelta(days=1)
    )
    membership_grant(by=None, user=person, organisation=house, role=AUDITOR)
    assert person.memberships.get().role == AUDITOR


def test_oversight_is_of_the_whole_house(house, administrator):
    department = DepartmentFactory(organisation=house)
    with pytest.raises(ValidationError, match="whole organisation"):
        membership_grant(
            by=administrator, user=StrangerFactory(), organisation=house, role=ADMINISTRATOR,
            department=department,
        )  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        MembershipFactory(organisation=house, role=ADMINISTRATOR, department=department)


def test_anothers_department_and_a_past_day_are_refused(house, administrator):
    ask = {"by": administrator, "user": StrangerFactory(), "organisation": house,
           "role": CLINICIAN}  # fmt: skip
    with pytest.raises(ValidationError, match="another organisation"):
        membership_grant(**ask, department=DepartmentFactory())
    with pytest.raises(ValidationError, match="past"):
        membership_grant(**ask, until=now() - timedelta(days=1))


def test_the_plans_seats_are_counted_with_those_who_were_asked():
    house = OrganisationFactory(plan=PlanFactory(members=3, name="Free"))
    administrator = UserFactory(organisation=house, role=ADMINISTRATOR)
    member = UserFactory(organisation=house)
    invitation = invitation_send(
        by=administrator, organisation=house, email="new@example.org", role=CLINICIAN
    )
    with pytest.raises(ValidationError, match="“Free” has 3 seats"):
        invitation_send(by=administrator, organisation=house, email="b@example.org", role=CLINICIAN)
    with pytest.raises(ValidationError, match="3 seats"):
        membership_grant(
            by=administrator, user=StrangerFactory(), organisation=house, role=CLINICIAN
        )
    membership_grant(by=administrator, user=member, organisation=house, role=TECHNICIAN)
    invitation_withdraw(by=administrator, invitation=invitation)
    membership_grant(by=administrator, user=StrangerFactory(), organisation=house, role=CLINICIAN)


def test_a_known_and_an_unknown_address_are_asked_alike(
    house, administrator, django_capture_on_commit_callbacks
):
    known = StrangerFactory()
    with django_capture_on_commit_callbacks(execute=True):
        for email in (known.email, "nobody@example.org"):
            invitation_send(by=administrator, organisation=house, email=email, role=CLINICIAN)
    first, second = mail.outbox
    assert first.body == second.body
    assert not known.memberships.exists()
    assert house.name in first.body


def test_whoever_shows_the_address_joins(house, administrator):
    person = StrangerFactory()
    invitation = invitation_send(
        by=administrator, organisation=house, email=person.email.upper(), role=TECHNICIAN
    )
    assert list(invitations_of(person)) == [invitation]
    invitation_accept(user=person, invitation=invitation)
    assert person.memberships.get().role == TECHNICIAN
    assert not Invitation.objects.exists()


def test_an_invitation_is_for_its_address_verified_and_in_time(house, administrator):
    person = StrangerFactory()
    invitation = invitation_send(
        by=administrator, organisation=house, email=person.email, role=TECHNICIAN
    )
    with pytest.raises(ValidationError, match="no longer open"):
        invitation_accept(user=StrangerFactory(), invitation=invitation)
    person.emailaddress_set.update(verified=False)
    with pytest.raises(ValidationError, match="no longer open"):
        invitation_accept(user=person, invitation=invitation)
    person.emailaddress_set.update(verified=True)
    Invitation.objects.update(expires_at=now() - timedelta(seconds=1))
    with pytest.raises(ValidationError, match="no longer open"):
        invitation_accept(user=person, invitation=invitation)
    assert not person.memberships.exists()


def test_an_administrator_who_left_invites_nobody(house, administrator):
    person = StrangerFactory()
    invitation = invitation_send(
        by=administrator, organisation=house, email=person.email, role=ADMINISTRATOR
    )
    administrator.memberships.all().delete()
    with pytest.raises(PermissionDenied):
        invitation_accept(user=person, invitation=Invitation.objects.get(pk=invitation.pk))
    assert not person.memberships.exists()


def test_whoever_was_asked_to_join_founds_no_house_of_their_own(house, administrator):
    invitation_send(by=administrator, organisation=house, email="new@example.org", role=CLINICIAN)
    person = StrangerFactory(email="new@example.org")
    assert person_register(user=person) is None
    assert person_register(user=StrangerFactory()).role == RADIOLOGIST


def test_a_department_is_added_once(house, administrator):
    department_create(by=administrator, organisation=house, name=" Chest  ward ")
    assert house.departments.get().name == "Chest ward"
    for name in ("chest ward", "  "):
        with pytest.raises(ValidationError):
            department_create(by=administrator, organisation=house, name=name)
    with pytest.raises(PermissionDenied):
        department_create(by=UserFactory(organisation=house), organisation=house, name="Head")


def test_sql_holds_one_role_for_the_whole_house_and_one_invitation_to_it(house, administrator):
    member = MembershipFactory(organisation=house, role=CLINICIAN)
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(user=member.user, organisation=house, role=CLINICIAN)
    asked = {"organisation": house, "email": "new@example.org", "role": CLINICIAN}
    asked |= {"invited_by": administrator, "expires_at": now() + timedelta(days=1)}
    Invitation.objects.create(**asked)
    with pytest.raises(IntegrityError), transaction.atomic():
        Invitation.objects.create(**asked)
