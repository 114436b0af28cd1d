"""The page for 3D Slicer: an address made once, shown once, seen and ended by its owner alone."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.urls import reverse

from accounts.models import LabelToken
from tests.accounts.factories import DepartmentFactory, MembershipFactory, UserFactory
from tests.imaging.monai_label.calls import Caller, token_of

pytestmark = pytest.mark.django_db
PAGE = reverse("imaging:slicer")


def sent(place, **more) -> dict:
    return {"id": str(uuid4()), "place": place} | more


@pytest.fixture
def member():
    return MembershipFactory()


def test_an_address_is_made_shown_once_and_opens(verified_client, member, settings):
    client = verified_client(member.user)
    form = sent(f"{member.organisation.pk}:")
    answer = client.post(PAGE, form)
    assert answer.status_code == 201
    (address,) = re.findall(
        rf"{settings.PUBLIC_BASE_URL}/ml/([\w-]{{43}})<", answer.content.decode()
    )
    Caller(address).get("/info/")
    again = client.post(PAGE, form, follow=True)
    assert "made already" in again.content.decode()
    assert address not in again.content.decode()
    assert LabelToken.objects.count() == 1


def test_each_department_is_a_place_of_its_own(verified_client, member):
    chest = DepartmentFactory(organisation=member.organisation)
    client = verified_client(member.user)
    assert chest.name in client.get(PAGE).content.decode()
    client.post(PAGE, sent(f"{member.organisation.pk}:{chest.pk}"))
    assert LabelToken.objects.get().department == chest
    foreign = DepartmentFactory()
    answer = client.post(PAGE, sent(f"{foreign.organisation_id}:{foreign.pk}"))
    assert answer.status_code == 422
    assert LabelToken.objects.count() == 1


def test_ending_it_is_its_owners(client, verified_client, member):
    token_of(member.user)
    token = LabelToken.objects.get()
    end = reverse("imaging:slicer-end", args=[token.pk])
    stranger = UserFactory(organisation=member.organisation)
    assert verified_client(stranger).post(end).status_code == 404
    assert "Open addresses" not in client.get(PAGE).content.decode()
    client = verified_client(member.user)
    assert "Open addresses" in client.get(PAGE).content.decode()
    assert client.post(end, follow=True).status_code == 200
    token.refresh_from_db()
    assert token.revoked_at is not None


@pytest.mark.parametrize(("role", "status"), [
    ("radiologist", 200), ("clinician", 200), ("technician", 403), ("auditor", 403),
])  # fmt: skip
def test_it_is_for_whoever_may_see_results(verified_client, role, status):
    assert verified_client(UserFactory(role=role)).get(PAGE).status_code == status


def test_the_anonymous_are_sent_away_and_an_old_proof_is_asked_for_again(client, member):
    assert client.get(PAGE).status_code == 302
    client.force_login(member.user)
    answer = client.post(PAGE, sent(f"{member.organisation.pk}:"))
    assert answer.status_code == 302
    assert not LabelToken.objects.exists()


def test_too_many_are_refused_in_words(verified_client, member):
    for _more in range(10):
        token_of(member.user)
    answer = verified_client(member.user).post(PAGE, sent(f"{member.organisation.pk}:"))
    assert answer.status_code == 422
    assert "10 addresses are open" in answer.content.decode()
