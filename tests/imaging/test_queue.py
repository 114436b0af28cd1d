"""The seam: after the commit, by path, and what still waits can be asked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils.timezone import now
from django_q.models import OrmQ

from imaging import queue

pytestmark = pytest.mark.django_db
TASK = "imaging.tasks.run_job"


def test_enqueue_waits_for_the_commit(monkeypatch, django_capture_on_commit_callbacks):
    calls = []
    monkeypatch.setattr(queue, "async_task", lambda *call, **where: calls.append((*call, where)))
    with django_capture_on_commit_callbacks(execute=True):
        queue.enqueue(TASK, "42")
        assert calls == []
    assert calls == [(TASK, "42", {"cluster": "cpu"})]


def test_each_queue_holds_its_own_calls(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        queue.enqueue(TASK, "42")
        queue.enqueue(TASK, "43", queue=queue.GPU)
    assert sorted(OrmQ.objects.values_list("key", flat=True)) == ["cpu", "gpu"]
    assert queue.waiting(TASK) == {"42"}
    assert queue.waiting(TASK, queue.CPU, queue.GPU) == {"42", "43"}


def test_what_waits_is_known_by_its_first_argument(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        queue.enqueue(TASK, "42")
        queue.enqueue("imaging.tasks.ingest_upload", "43")
    assert queue.waiting(TASK) == {"42"}


def test_what_a_cluster_took_waits_no_more_until_it_is_offered_again(
    django_capture_on_commit_callbacks,
):
    with django_capture_on_commit_callbacks(execute=True):
        queue.enqueue(TASK, "42")
    OrmQ.objects.update(lock=now() + timedelta(hours=1))
    assert queue.waiting(TASK) == set()
    assert queue.release_taken() == 1
    assert queue.waiting(TASK) == {"42"}


def test_a_call_signed_with_another_key_is_nobodys(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        queue.enqueue(TASK, "42")
    OrmQ.objects.update(payload="forged:payload")
    assert queue.waiting(TASK) == set()
