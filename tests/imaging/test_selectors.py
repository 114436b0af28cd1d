"""What each person may see: their organisation's, nothing else, in one statement."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils.timezone import now

from accounts.roles import AUDITOR
from accounts.selectors import home_organisation, standings_of
from imaging import selectors
from imaging.models import ModelState
from tests.accounts.factories import MembershipFactory, StrangerFactory, UserFactory
from tests.imaging.factories import ModelVersionFactory, ResultFactory, UploadFactory

pytestmark = pytest.mark.django_db

OF_RESULT = {
    "results_visible_to": lambda result: result,
    "jobs_visible_to": lambda result: result.job,
    "runs_visible_to": lambda result: result.job.run,
    "images_visible_to": lambda result: result.image,
    "studies_visible_to": lambda result: result.image.study,
}


@pytest.mark.parametrize("name", OF_RESULT)
def test_the_owner_and_a_colleague_see_it_and_a_stranger_does_not(name):
    result = ResultFactory()
    select, row = getattr(selectors, name), OF_RESULT[name](result)
    owner = result.job.run.requested_by
    colleague = MembershipFactory(organisation=result.organisation).user
    for user in (owner, colleague):
        assert list(select(user)) == [row]
    for user in (UserFactory(), StrangerFactory(), AnonymousUser()):
        assert list(select(user)) == []


def test_an_operator_without_membership_sees_no_patient():
    result = ResultFactory()
    operator = StrangerFactory(is_superuser=True, is_staff=True)
    assert not selectors.studies_visible_to(operator).exists()
    assert not selectors.results_visible_to(operator).filter(pk=result.pk).exists()


def test_a_membership_that_ended_shows_nothing():
    result = ResultFactory()
    former = MembershipFactory(organisation=result.organisation, until=now()).user
    assert not selectors.results_visible_to(former).exists()


@pytest.mark.parametrize("name", OF_RESULT)
def test_a_role_counts_only_where_it_was_given(name):
    result = ResultFactory()
    auditor_there = UserFactory()  # and a radiologist at home
    MembershipFactory(user=auditor_there, organisation=result.organisation, role=AUDITOR)
    select = getattr(selectors, name)
    assert list(select(auditor_there)) == []
    own = ResultFactory(user=auditor_there)
    assert list(select(auditor_there)) == [OF_RESULT[name](own)]


def test_new_work_belongs_where_its_person_may_do_it():
    first = MembershipFactory(role=AUDITOR)
    second = MembershipFactory(user=first.user)
    assert home_organisation(first.user) == first.organisation
    assert home_organisation(first.user, "upload.create") == second.organisation


def test_uploads_are_the_organisations():
    upload = UploadFactory()
    assert list(selectors.uploads_visible_to(upload.user)) == [upload]
    assert not selectors.uploads_visible_to(UserFactory()).exists()


def test_only_active_models_may_be_chosen():
    active = ModelVersionFactory()
    for state in (ModelState.CHECKED, ModelState.RETIRED, ModelState.QUARANTINED):
        ModelVersionFactory(state=state)
    assert list(selectors.models_choosable()) == [active]


@pytest.mark.parametrize("count", [1, 5])
def test_a_list_of_results_costs_one_statement_for_one_and_for_five(
    count, django_assert_num_queries
):
    user = UserFactory()
    for _ in range(count):
        ResultFactory(user=user)
    standings_of(user)  # read once per request, by whichever guard comes first
    with django_assert_num_queries(1):
        for result in selectors.results_visible_to(user):
            assert result.job.run.title
            assert result.image.study.modality
            assert result.image.pixels.size


@pytest.mark.parametrize("count", [1, 5])
def test_a_list_of_jobs_and_of_images_costs_one_statement(count, django_assert_num_queries):
    user = UserFactory()
    for _ in range(count):
        ResultFactory(user=user)
    standings_of(user)
    with django_assert_num_queries(2):
        assert all(job.run.title and job.image.width for job in selectors.jobs_visible_to(user))
        assert all(one.thumbnail.size for one in selectors.images_visible_to(user))
