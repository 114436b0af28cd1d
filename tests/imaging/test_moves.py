"""A study is moved to another department: by those of its own, and with it who sees it."""

import pytest
from django.urls import reverse

from accounts.models import AuditEvent
from accounts.roles import ADMINISTRATOR, CLINICIAN, RADIOLOGIST
from imaging.selectors import studies_visible_to
from imaging.services.refusals import NotPossible
from imaging.services.study_moves import study_move
from tests.accounts.factories import DepartmentFactory, MembershipFactory, OrganisationFactory
from tests.imaging.factories import ImageFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def house():
    return OrganisationFactory()


@pytest.fixture
def departments(house):
    return [DepartmentFactory(organisation=house, name=name) for name in ("Chest", "Head")]


@pytest.fixture
def study(house, departments):
    return ImageFactory(study__organisation=house, study__department=departments[0]).study


def member(house, department=None, role=RADIOLOGIST):
    return MembershipFactory(organisation=house, department=department, role=role).user


def address(study):
    return reverse("imaging:study-move", args=[study.pk])


def test_it_leaves_one_department_and_comes_to_another(client, house, departments, study):
    chest, head = departments
    mover, receiver = member(house, chest), member(house, head)
    client.force_login(mover)
    page = client.get(study.get_absolute_url()).content.decode()
    assert "Move to another department" in page
    assert "Head" in page
    answer = client.post(address(study), {"department": head.pk})
    assert answer.url == reverse("imaging:study-list")  # it is theirs to see no longer
    assert not studies_visible_to(mover).exists()
    assert studies_visible_to(type(receiver).objects.get(pk=receiver.pk)).get() == study
    event = AuditEvent.objects.get(action="study.move")
    assert (event.actor, event.target, event.patient) == (
        mover, f"study:{study.pk}", study.patient_id
    )  # fmt: skip


def test_a_member_of_the_whole_house_stays_on_the_page(client, house, departments, study):
    client.force_login(member(house))
    answer = client.post(address(study), {"department": departments[1].pk})
    assert answer.url == study.get_absolute_url()
    assert client.get(answer.url).status_code == 200


def test_nobody_else_may(client, house, departments, study):
    client.force_login(member(house, departments[1]))
    assert client.post(address(study), {"department": departments[1].pk}).status_code == 404
    for role in (CLINICIAN, ADMINISTRATOR):
        client.force_login(member(house, role=role))
        assert client.post(address(study), {"department": departments[1].pk}).status_code == 403
    client.force_login(member(OrganisationFactory()))
    assert client.post(address(study), {"department": departments[1].pk}).status_code == 404
    client.logout()
    assert client.post(address(study)).status_code == 302
    study.refresh_from_db()
    assert study.department == departments[0]


def test_only_to_another_department_of_the_house(client, house, departments, study):
    foreign = DepartmentFactory()
    mover = member(house, departments[0])
    client.force_login(mover)
    for wrong in (foreign.pk, departments[0].pk, ""):
        assert client.post(address(study), {"department": wrong}).url == study.get_absolute_url()
    study.refresh_from_db()
    assert study.department == departments[0]
    with pytest.raises(NotPossible, match="another organisation"):
        study_move(by=mover, study=study, department=foreign)
    assert not study_move(by=mover, study=study, department=departments[0])
    assert not AuditEvent.objects.filter(action="study.move").exists()


def test_where_there_is_one_department_nothing_is_offered(client):
    house = OrganisationFactory()
    study = ImageFactory(study__organisation=house).study
    client.force_login(member(house))
    assert "Move to another department" not in client.get(study.get_absolute_url()).content.decode()
