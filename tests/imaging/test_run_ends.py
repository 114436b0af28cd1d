"""Whoever asked for a run is told once that it ended: in the app, and by mail if they wish it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import Notice
from imaging.models import Image
from imaging.services.run_ends import run_end_tell
from tests.accounts.factories import UserFactory
from tests.imaging.factories import ImageFactory, JobFactory, RunFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(django_capture_on_commit_callbacks):
    """Return a function that ends a run of one success and one failure of `user`."""

    def tell(user, **last):
        run = RunFactory(requested_by=user)
        JobFactory(run=run, succeeded=True, image=ImageFactory(user=user))
        JobFactory(run=run, position=1, **(last or {"failed": True}))
        with django_capture_on_commit_callbacks(execute=True):
            run_end_tell(run)
        return run

    return tell


def test_without_a_wish_it_is_told_in_the_app_alone(told, mailoutbox):
    user = UserFactory()
    told(user)
    assert Notice.objects.get(to=user).facts == {"succeeded": "1", "failed": "1"}
    assert mailoutbox == []


@pytest.mark.parametrize(
    ("language", "subject", "sentence"),
    [("en", "A run has finished", "1 succeeded, 1 failed"),
     ("de", "Ein Lauf ist fertig", "1 gelungen, 1 fehlgeschlagen")],
)  # fmt: skip
def test_a_wish_is_one_mail_with_the_counts_and_a_link(
    told, mailoutbox, settings, language, subject, sentence
):
    settings.PUBLIC_BASE_URL = "https://scan.example.org"
    user = UserFactory(mails_runs=True, language=language)
    run = told(user)
    (mail,) = mailoutbox
    assert (mail.to, mail.subject) == ([user.email], f"MediScan: {subject}")
    assert sentence in mail.body
    assert f"https://scan.example.org{reverse('imaging:run-list')}" in mail.body
    for image in Image.objects.filter(jobs__run=run):
        assert image.patient_id is None or str(image.patient_id) not in mail.body
    assert set(Notice.objects.get(to=user).facts) == {"succeeded", "failed"}


def test_a_run_that_still_works_is_told_of_nowhere(told, mailoutbox):
    told(UserFactory(mails_runs=True), running=True)
    assert not Notice.objects.exists()
    assert mailoutbox == []
