"""A real worker sends; the receiver is killed, and whatever happened meanwhile arrives once."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from standardwebhooks.webhooks import Webhook

from accounts.models import WebhookDelivery
from accounts.services.webhooks import webhook_test
from accounts.webhooks.events import MOST_TRIES
from tests.accounts.webhooks.endpoints import an_endpoint
from tests.accounts.webhooks.receiver import Receiver
from tests.imaging.live import Worker, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def receiver(tmp_path, settings):
    (tmp_path / "tls").mkdir()
    made = Receiver(tmp_path / "tls")
    settings.WEBHOOK_NETWORKS = ("127.0.0.0/8", "::1/128")
    yield made
    made.stop()


@pytest.fixture
def worker(tmp_path, receiver):
    call_command("createcachetable", "cache", verbosity=0)
    networks = {"WEBHOOK_NETWORKS": "127.0.0.0/8,::1/128", "WEBHOOK_CA_FILE": str(receiver.ca)}
    with Worker(tmp_path / "worker.log", **networks) as worker:
        yield worker


def states() -> list[str]:
    return sorted(WebhookDelivery.objects.values_list("state", flat=True))


def test_a_receiver_that_is_killed_gets_each_message_once_it_is_back(worker, receiver):
    receiver.start()
    endpoint = an_endpoint(url=receiver.url)
    by = endpoint.created_by
    webhook_test(by=by, endpoint=endpoint)
    wait_for(lambda: states() == ["delivered"], 60, worker.tail)
    receiver.stop()
    for _message in range(3):
        webhook_test(by=by, endpoint=endpoint)
    lost = WebhookDelivery.objects.filter(state="waiting")
    wait_for(lambda: lost.filter(problem="connection").exists(), 60, worker.tail)
    receiver.start()
    wait_for(lambda: states() == ["delivered"] * 4, 120, worker.tail)
    came = receiver.messages()
    for message in came:
        assert Webhook(endpoint.secret).verify(message["body"], message["headers"])
    ids = [message["headers"]["webhook-id"] for message in came]
    assert len(ids) == len(set(ids)) == 4
    assert 1 < max(WebhookDelivery.objects.values_list("tries", flat=True)) <= MOST_TRIES
