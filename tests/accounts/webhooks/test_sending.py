"""Over the wire: the checked address alone, its certificate, no redirect, no endless answer."""

from __future__ import annotations

import ipaddress
import socket
import time

import pytest

from accounts.webhooks import sending
from accounts.webhooks.sending import Undelivered, send
from tests.accounts.webhooks.receiver import Receiver

HOME = [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")]


@pytest.fixture
def receiver(tmp_path):
    made = []

    def started(answer: str = "204") -> Receiver:
        made.append(Receiver(tmp_path, answer).start())
        return made[0]

    yield started
    for one in made:
        one.stop()


def sent(receiver, url: str = "", **changes) -> int:
    how = {"body": b"{}", "headers": {"X-Test": "1"}, "allowed": HOME, "ca_file": receiver.ca}
    return send(url or receiver.url, **how | changes)


def failed(receiver, url: str = "", **changes) -> tuple[str, int | None]:
    with pytest.raises(Undelivered) as error:
        sent(receiver, url, **changes)
    return error.value.code, error.value.status


def test_it_arrives_as_it_was_written(receiver):
    there = receiver()
    assert sent(there, body=b'{"a":1}') == 204
    (message,) = there.messages()
    assert (message["path"], message["body"]) == ("/hook?from=mediscan", '{"a":1}')
    assert message["headers"]["host"] == f"localhost:{there.port}"
    assert message["headers"]["x-test"] == "1"


def test_a_private_address_is_refused_before_anything_is_sent(receiver):
    there = receiver()
    assert failed(there, allowed=()) == ("private", None)
    assert there.messages() == []


@pytest.mark.parametrize("status", ["301", "302", "307", "308"])
def test_a_redirect_is_not_followed(receiver, status):
    there = receiver(status)
    assert failed(there) == ("redirect", int(status))
    assert len(there.messages()) == 1


def test_what_is_answered_otherwise_is_no_delivery(receiver):
    assert failed(receiver("500")) == ("status", 500)


def test_a_certificate_of_nobody_we_know_or_of_another_host_is_refused(receiver, monkeypatch):
    there = receiver()
    assert failed(there, ca_file=None)[0] == "certificate"
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *a, **k: real("127.0.0.1", *a, **k))
    assert failed(there, f"https://other.example:{there.port}/")[0] == "certificate"
    assert there.messages() == []


def test_a_name_that_changes_after_the_check_is_not_asked_again(receiver, monkeypatch):
    """DNS rebinding: what was checked is connected to; the second answer is never asked for."""
    there, real, asked = receiver(), socket.getaddrinfo, []

    def rebinding(host, *args, **how):
        if host != "localhost":  # connecting to a literal address looks nothing up
            return real(host, *args, **how)
        asked.append(host)
        return real("127.0.0.1" if len(asked) == 1 else "10.255.255.1", *args, **how)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    assert sent(there) == 204
    assert asked == ["localhost"]


def test_who_answers_by_the_byte_is_cut_off(receiver, monkeypatch):
    monkeypatch.setattr(sending, "MOST_S", 1.5)
    begun = time.monotonic()
    assert failed(receiver("drip"))[0] == "timeout"
    assert time.monotonic() - begun < 4


def test_an_endless_answer_is_not_read(receiver):
    begun = time.monotonic()
    assert sent(receiver("big")) == 200
    assert time.monotonic() - begun < 4


def test_nobody_there(receiver):
    there = receiver()
    there.stop()
    assert failed(there)[0] == "connection"
