"""Every act that other systems are told of, to a receiver that dies meanwhile and comes back."""

from __future__ import annotations

import ipaddress

import pytest
from django.core.management import call_command
from django.utils.timezone import now
from standardwebhooks.webhooks import Webhook

from accounts.models import WebhookDelivery
from accounts.roles import ADMINISTRATOR, RADIOLOGIST
from accounts.webhooks.events import EVENTS
from imaging.registry.states import model_activate
from imaging.services import jobs
from imaging.services.reviews import review_save, review_sign
from reports.services import export_create
from reports.tasks import make_export
from tests.accounts.factories import MembershipFactory, UserFactory
from tests.accounts.webhooks.endpoints import an_endpoint
from tests.accounts.webhooks.receiver import Receiver
from tests.imaging.analyses import fake_analysis
from tests.imaging.factories import (
    JobFactory,
    ModelVersionFactory,
    ResultFactory,
    RunFactory,
    sealed,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader():
    return UserFactory(role=RADIOLOGIST)


@pytest.fixture
def house(reader):
    return reader.memberships.get().organisation


@pytest.fixture
def receiver(tmp_path, settings):
    (tmp_path / "tls").mkdir()
    made = Receiver(tmp_path / "tls")
    settings.WEBHOOK_NETWORKS = (ipaddress.ip_network("127.0.0.0/8"),)
    settings.WEBHOOK_NETWORKS += (ipaddress.ip_network("::1/128"),)
    settings.WEBHOOK_CA_FILE = made.ca
    yield made
    made.stop()


def six_acts(reader, house, folder) -> dict[str, set[str]]:
    """Do each act once; return by event the ids that its message is to hold."""
    run = RunFactory(requested_by=reader, organisation=house)
    good, bad = (jobs.job_claim(str(JobFactory(run=run).pk)) for _ in range(2))
    assert jobs.job_succeed(good, fake_analysis(good, folder), folder)
    assert jobs.job_fail(bad, error="no memory")
    result = sealed(ResultFactory(user=reader))
    review = review_save(by=reader, result=result, seen=0, decision="accepted")
    review_sign(by=reader, review=review, meaning="reviewed")
    export = export_create(user=reader, kind="csv", results=[result])
    make_export(str(export.pk))
    model = ModelVersionFactory(state="checked")
    administrator = MembershipFactory(organisation=house, role=ADMINISTRATOR).user
    model_activate(user=administrator, model=model)
    of_review = {str(review.pk), str(result.pk), str(result.image_id)}
    return {
        "job.succeeded": {str(one) for one in (good.pk, run.pk, good.image_id, good.result.pk)},
        "job.failed": {str(one) for one in (bad.pk, run.pk, bad.image_id)},
        "result.reviewed": of_review,
        "report.signed": of_review,
        "export.ready": {str(export.pk)},
        "model.activated": {str(model.pk)},
    }


def send() -> None:
    WebhookDelivery.objects.filter(state="waiting").update(next_try_at=now())
    call_command("send_webhooks", verbosity=0)


def test_each_event_arrives_signed_though_the_receiver_was_dead(
    reader, house, receiver, queued, tmp_path
):
    endpoint = an_endpoint(house, url=receiver.url)
    expected = six_acts(reader, house, tmp_path)
    assert expected.keys() == EVENTS.keys()
    send()  # nobody is there
    assert {row.problem for row in WebhookDelivery.objects.all()} == {"connection"}
    receiver.start()
    send()
    receiver.stop()
    came = receiver.messages()
    assert len(came) == len(EVENTS)
    for message in came:
        told = Webhook(endpoint.secret).verify(message["body"], message["headers"])
        assert set(told) == {"type", "timestamp", "data"}
        assert set(told["data"].values()) == expected.pop(told["type"])
    assert expected == {}
    assert {row.state for row in WebhookDelivery.objects.all()} == {"delivered"}


def test_no_other_hospital_hears_of_it(reader, house, receiver, queued, tmp_path):
    an_endpoint(url=receiver.url)
    six_acts(reader, house, tmp_path)
    assert {row.event for row in WebhookDelivery.objects.all()} == {"model.activated"}


def test_a_message_says_ids_and_nothing_else(reader, house, receiver, queued, tmp_path):
    an_endpoint(house, url=receiver.url)
    six_acts(reader, house, tmp_path)
    receiver.start()
    send()
    for message in receiver.messages():
        assert message["headers"]["user-agent"].startswith("MediScan/")
        assert "no memory" not in message["body"]
        assert house.name not in message["body"]
