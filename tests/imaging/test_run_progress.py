"""One page of a run's images, and what is counted over all of them."""

import pytest
from django.urls import reverse

from imaging.models import JobStatus
from imaging.run_progress import PER_PAGE, run_progress
from tests.accounts.factories import UserFactory
from tests.imaging.factories import JobFactory, ResultFactory, RunFactory
from tests.imaging.test_pages import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(client):
    user = UserFactory()
    client.force_login(user)
    return user


@pytest.fixture
def long_run(user):
    run = RunFactory(requested_by=user)
    for position in range(PER_PAGE + 3):
        JobFactory(run=run, position=position, failed=position == PER_PAGE + 2)
    return run


def shown(client, run, **query) -> str:
    return text_of(client.get(reverse("imaging:run-detail", args=[run.pk]), query))


def test_a_page_holds_fifty_and_counts_all(user, long_run):
    first = run_progress(user, long_run, "")
    assert (len(first["page"]), first["total"], first["failed"]) == (PER_PAGE, PER_PAGE + 3, 1)
    last = run_progress(user, long_run, "2")
    assert [job.position for job in last["page"]] == [PER_PAGE, PER_PAGE + 1, PER_PAGE + 2]


@pytest.mark.parametrize(
    ("asked", "number"), [("0", 2), ("-1", 2), ("99", 2), ("x", 1), ("9" * 5000, 1)]
)
def test_a_page_that_is_not_there_is_the_nearest_one(user, long_run, asked, number):
    assert run_progress(user, long_run, asked)["page"].number == number


def test_each_poll_asks_for_the_page_it_is_on(client, user, long_run):
    url = reverse("imaging:run-status", args=[long_run.pk])
    assert f'hx-get="{url}"' in shown(client, long_run)
    assert f'hx-get="{url}?page=2"' in shown(client, long_run, page=2)
    assert f"51–53 of {PER_PAGE + 3}" in shown(client, long_run, page=2)


def test_all_results_of_a_long_run_can_be_exported_at_once(client, user, long_run):
    whole = f'name="run" value="{long_run.pk}"'
    long_run.jobs.exclude(status=JobStatus.FAILED).delete()
    assert whole not in shown(client, long_run)  # one page: the ticks say it all
    for position in range(PER_PAGE + 1):
        ResultFactory(job=JobFactory(run=long_run, position=position, succeeded=True))
    assert whole in shown(client, long_run)


def test_a_failed_run_offers_its_failed_images_to_other_models(client, user, long_run):
    long_run.jobs.live().update(status=JobStatus.CANCELLED, finished_at=long_run.created_at)
    assert f"?failed={long_run.pk}" in shown(client, long_run)
    form = client.get(reverse("imaging:run-create"), {"failed": long_run.pk})
    assert [image.pk for image in form.context["images"]] == [
        long_run.jobs.get(status=JobStatus.FAILED).image_id
    ]


def test_a_strangers_failures_are_not_offered(client, user):
    job = JobFactory(failed=True)
    page = client.get(reverse("imaging:run-create"), {"failed": job.run_id})
    assert "Choose images first" in text_of(page)
