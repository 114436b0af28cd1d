"""/session/: a file of one's own, encrypted, for an hour, and gone on time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils.timezone import now

from accounts.models import AuditEvent, Blob
from accounts.vault.storage import blob_path
from imaging.models import LabelSession
from imaging.services.label_sessions import MOST_LIVE, label_sessions_expire
from tests.accounts.factories import UserFactory
from tests.imaging.monai_label.calls import Caller, body, token_of
from tests.imaging.monai_label.test_infer import PNG

pytestmark = pytest.mark.django_db(transaction=True)


def kept(ml, content: bytes = PNG, **more) -> str:
    return ml.put_session("chest-of-Jane-Doe.png", content, **more).json()["session_id"]


def test_it_is_told_sent_back_and_deleted(ml):
    session = kept(ml)
    told = ml.get(f"/session/{session}").json()
    assert (told["name"], told["meta"], told["expiry"]) == (session, {"size": len(PNG)}, 3600)
    assert (told["path"], told["image"]) == ("", "")
    assert body(ml.get(f"/session/{session}", image="true")) == PNG
    path = blob_path(LabelSession.objects.get().blob.pk, 1)
    assert PNG not in path.read_bytes()
    assert ml.delete(f"/session/{session}").json()["name"] == session
    assert not path.exists()
    assert not Blob.objects.exists()
    ml.get(f"/session/{session}", status=404)
    acts = AuditEvent.objects.filter(action__startswith="label_session").order_by("at")
    assert [one.action for one in acts] == ["label_session.create", "label_session.delete"]


def test_another_person_and_another_place_find_nothing(ml, user):
    session = kept(ml)
    house = user.memberships.first().organisation
    colleague = Caller(token_of(UserFactory(organisation=house)))
    for caller in (colleague, Caller(token_of(UserFactory()))):
        caller.get(f"/session/{session}", status=404)
        caller.delete(f"/session/{session}", status=404)
    assert LabelSession.objects.exists()


def test_it_ends_on_time_whatever_was_asked_for(ml):
    short = kept(ml, query="?expiry=60")
    long = kept(ml, PNG + b"another", query="?expiry=999999")
    assert ml.get(f"/session/{short}").json()["expiry"] == 60
    assert ml.get(f"/session/{long}").json()["expiry"] == 3600
    assert label_sessions_expire() == 0
    LabelSession.objects.filter(pk=short).update(expires_at=now() - timedelta(seconds=1))
    ml.get(f"/session/{short}", status=404)
    assert label_sessions_expire() == 1
    assert [str(one.pk) for one in LabelSession.objects.all()] == [long]
    ml.put_session("a.png", PNG, status=400, query="?expiry=soon")


def test_the_same_file_is_the_same_session_and_too_many_are_refused(ml):
    assert kept(ml) == kept(ml)
    for number in range(MOST_LIVE - 1):
        kept(ml, PNG + bytes([number]))
    before = Blob.objects.count()
    answer = ml.put_session("a.png", PNG + b"one more", status=422)
    assert "10 of your files" in answer.json()["detail"]
    assert Blob.objects.count() == before
    assert kept(ml) == kept(ml)


def test_what_the_first_bytes_prove_wrong_and_a_full_plan_are_refused(ml, user, settings):
    answer = ml.put_session("a.png", b"MZ" + bytes(100), status=422)
    assert answer.json()["code"] == "not_possible"
    settings.UPLOAD_MAX_FILE_BYTES = 10
    assert "larger than" in ml.put_session("a.png", PNG, status=422).json()["detail"]
    settings.UPLOAD_MAX_FILE_BYTES = 2**20
    plan = user.memberships.first().organisation.plan
    type(plan).objects.filter(pk=plan.pk).update(storage_bytes=1)
    assert "storage" in ml.put_session("a.png", PNG, status=422).json()["detail"]
    assert not LabelSession.objects.exists()


def test_one_file_at_a_time(ml):
    answer = ml.client.put(f"{ml.at}/session/", b"", "multipart/form-data; boundary=x")
    assert answer.status_code == 400
