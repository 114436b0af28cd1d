"""The receipt lets its sender look each study over, and sends on what is ticked."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from accounts.roles import TECHNICIAN
from imaging.models import Image, ItemStatus, Run
from tests.accounts.factories import DepartmentFactory, UserFactory
from tests.imaging.factories import (
    EnsembleFactory,
    ImageFactory,
    UploadFactory,
    UploadItemFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(client):
    person = UserFactory()
    client.force_login(person)
    return person


def arrived(user, *images, **fields):
    upload = UploadFactory(user=user, **fields)
    for image in images:
        UploadItemFactory(upload=upload, status=ItemStatus.ACCEPTED, image=image, blob=None)
    Image.objects.filter(pk__in=[one.pk for one in images]).update(created_at=now())
    upload.finished_at = now()
    upload.lease_until = None
    upload.save()
    return upload


def pictures(user, count=2, **fields):
    return [ImageFactory(user=user, **fields) for _ in range(count)]


def page_of(client, upload) -> str:
    return re.sub(r"\s+", " ", client.get(upload.get_absolute_url()).content.decode())


def send(client, upload, *images, follow=True, **form):
    form["study"] = [str(one.study_id) for one in images]
    address = reverse("imaging:upload-send", args=[upload.pk])
    return client.post(address, form, follow=follow)


def ticked(page: str) -> list[str]:
    return re.findall(r'name="study" value="([0-9a-f-]+)" checked', page)


def test_each_study_is_shown_with_what_arrived_and_is_ticked(client, user):
    first, second = pictures(user)
    second.warnings = ["Colour was turned to grey."]
    second.save()
    upload = arrived(user, first, second)
    page = page_of(client, upload)
    assert set(ticked(page)) == {str(first.study_id), str(second.study_id)}
    assert "Look the 2 studies over" in page
    assert "X-ray, 32 × 24 px" in page
    assert "Colour was turned to grey." in page
    for image in (first, second):
        assert reverse("imaging:image-thumbnail", args=[image.pk]) in page
        assert reverse("imaging:study-correct", args=[image.study_id]) in page


def test_what_was_here_already_says_where_and_is_not_ticked(client, user):
    (known,) = pictures(user, 1)
    Image.objects.update(created_at="2026-11-01T10:00:00Z")
    upload = UploadFactory(user=user)
    UploadItemFactory(upload=upload, status=ItemStatus.DUPLICATE, image=known, blob=None)
    upload.finished_at, upload.lease_until = now(), None
    upload.save()
    page = page_of(client, upload)
    assert ticked(page) == []
    assert "The same bytes have been here since 1 Nov 2026: nothing is stored twice." in page
    assert "Open the study that has them" in page
    assert "here already, so not ticked" in page


def test_what_lies_in_another_department_is_not_linked(client):
    person = UserFactory(role=TECHNICIAN)
    house = person.memberships.get().organisation
    mine, other = DepartmentFactory.create_batch(2, organisation=house)
    person.memberships.update(department=mine)
    client.force_login(person)
    known = ImageFactory(study__organisation=house, study__department=other)
    Image.objects.update(created_at="2026-11-01T10:00:00Z")
    upload = UploadFactory(user=person, organisation=house, department=mine, finished=True)
    UploadItemFactory(upload=upload, status=ItemStatus.DUPLICATE, image=known, blob=None)
    page = page_of(client, upload)
    assert "They lie in a study that is not open to you." in page
    assert "Open the study that has them" not in page
    assert 'name="study"' not in page


def test_all_of_it_is_sent_on_by_one_run_for_each_kind(client, user, queued):
    rays, (scan,) = pictures(user), pictures(user, 1, modality="mri")
    lungs, brain = EnsembleFactory(members=2), EnsembleFactory(modalities=["mri"])
    for member in brain.members.all():
        member.model_version.modalities = ["mri"]
        member.model_version.save()
    upload = arrived(user, *rays, scan)
    page = page_of(client, upload)
    assert 'name="ensemble-xray"' in page
    form = {"ensemble-xray": str(lungs.pk), "ensemble-mri": str(brain.pk), "token": "a" * 32}
    answer = send(client, upload, *rays, scan, **form)
    assert "2 runs are started." in answer.content.decode()
    run = Run.objects.get(ensemble=lungs)
    assert {job.image for job in run.jobs.all()} == set(rays)
    assert run.members.count() == 2
    assert Run.objects.get(ensemble=brain).jobs.get().image == scan
    send(client, upload, *rays, scan, **form)  # sent twice
    assert Run.objects.count() == 2


def test_another_choice_from_the_same_page_is_another_run(client, user, queued):
    first, second = pictures(user)
    ensemble = EnsembleFactory()
    upload = arrived(user, first, second)
    form = {"ensemble-xray": str(ensemble.pk), "token": "a" * 32}
    for image in (first, second, second):  # as the browser's way back allows it
        send(client, upload, image, **form)
    assert [job.image for run in Run.objects.order_by("created_at") for job in run.jobs.all()] == [
        first, second,
    ]  # fmt: skip


def test_only_what_is_ticked_of_this_upload_is_sent_on(client, user, queued):
    first, second = pictures(user)
    (elsewhere,) = pictures(user, 1)
    ensemble = EnsembleFactory()
    upload = arrived(user, first, second)
    answer = send(client, upload, second, elsewhere, follow=False,
                  **{"ensemble-xray": str(ensemble.pk)})  # fmt: skip
    run = Run.objects.get()
    assert answer.url == run.get_absolute_url()
    assert [job.image for job in run.jobs.all()] == [second]


def test_what_was_sent_on_says_so_and_is_not_ticked_again(client, user, queued):
    first, second = pictures(user)
    ensemble = EnsembleFactory()
    upload = arrived(user, first, second)
    assert "Nothing is analysed yet." in page_of(client, upload)
    send(client, upload, first, **{"ensemble-xray": str(ensemble.pk)})
    page = page_of(client, upload)
    assert ticked(page) == [str(second.study_id)]
    assert "sent on already" in page
    assert "Nothing is analysed yet." not in page
    assert reverse("imaging:study-correct", args=[first.study_id]) not in page


@pytest.mark.parametrize("asked", ["", "not-an-id", "unfit"])
def test_nothing_is_started_where_nothing_fits_or_nothing_is_chosen(client, user, queued, asked):
    images = pictures(user)
    upload = arrived(user, *images)
    if asked == "unfit":
        asked = str(EnsembleFactory(modalities=["ct"]).pk)
    answer = send(client, upload, *images, **{"ensemble-xray": asked})
    words = "does not fit" if asked else "Nothing is sent on"
    assert words in answer.content.decode()
    assert not Run.objects.exists()


def test_either_all_kinds_start_or_none(client, user, queued):
    (ray,), (scan,) = pictures(user, 1), pictures(user, 1, modality="mri")
    lungs = EnsembleFactory()
    upload = arrived(user, ray, scan)
    send(client, upload, ray, scan, **{"ensemble-xray": str(lungs.pk), "ensemble-mri": "none"})
    assert not Run.objects.exists()


def test_an_ensemble_with_a_model_that_does_not_serve_is_not_offered(client, user):
    good, bad = EnsembleFactory(title="The good one"), EnsembleFactory(title="The bad one")
    bad.members.get().model_version.__class__.objects.filter(
        pk=bad.members.get().model_version_id
    ).update(state="quarantined", problem="Its hash differs.")
    page = page_of(client, arrived(user, *pictures(user)))
    assert "The good one" in page
    assert "The bad one" not in page
    assert good.modalities == ["xray"]


def test_a_strangers_upload_is_not_found(client, user):
    stranger = UserFactory()
    upload = arrived(stranger, *pictures(stranger))
    assert send(client, upload, follow=False).status_code == 404


def test_many_studies_cost_no_more_questions_than_two(client, user):
    few, many = arrived(user, *pictures(user)), arrived(user, *pictures(user, 9))
    page_of(client, few)
    counts = []
    for upload in (few, many):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            page_of(client, upload)
        counts.append(len(asked))
    assert counts[0] == counts[1]
