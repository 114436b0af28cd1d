"""Below Django: what is no request gets a page of ours, and nobody holds a thread by being slow."""

from __future__ import annotations

import logging
import socket
import threading
import time
from types import SimpleNamespace

import pytest
from gunicorn.http import errors

from mediscan import serving
from mediscan.serving import BoundedSocket, Worker


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    bounded = BoundedSocket(fileno=ours.detach())
    bounded.setblocking(True)
    yield bounded, theirs
    bounded.close()
    theirs.close()


def answer_to(pair, error: Exception) -> bytes:
    """What a client gets for a request that the server's parser refused with `error`."""
    ours, theirs = pair
    Worker.handle_error(SimpleNamespace(), None, ours, ("127.0.0.1", 1), error)
    theirs.settimeout(5)
    return theirs.recv(100_000)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidRequestLine("<script>"), b"400 "),
        (errors.InvalidHeader("<script>"), b"400 "),
        (errors.LimitRequestLine(9_000, 4_094), b"414 "),
        (errors.LimitRequestHeaders("<script>"), b"431 "),
    ],
)
def test_what_is_no_request_gets_a_page_with_an_id_and_the_policy(pair, caplog, error, status):
    with caplog.at_level(logging.WARNING, "mediscan.access"):
        head, _, body = answer_to(pair, error).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
    assert len(body) == int(fields[b"Content-Length"])
    assert fields[b"X-Request-ID"] in body
    assert b"default-src 'none'" in fields[b"Content-Security-Policy"]
    assert fields[b"Cache-Control"] == b"no-store, private"
    assert status.strip() + b" \xc2\xb7" in body
    assert b"<script>" not in body
    assert [record.getMessage() for record in caplog.records] == [
        f"{type(error).__name__}: no request that can be read"
    ]


def test_who_is_gone_before_the_answer_is_no_fault(pair):
    ours, theirs = pair
    theirs.close()
    Worker.handle_error(SimpleNamespace(), None, ours, None, errors.InvalidRequestMethod("x"))


def test_a_fault_of_ours_stays_the_servers_own(pair, monkeypatch):
    seen = []
    monkeypatch.setattr(serving.ThreadWorker, "handle_error", lambda self, *told: seen.append(told))
    worker = object.__new__(Worker)
    for error in (RuntimeError("ours"), errors.InvalidResponseHeader("ours")):
        worker.handle_error(None, pair[0], None, error)
    assert [type(told[3]) for told in seen] == [RuntimeError, errors.InvalidResponseHeader]


def test_a_client_that_says_nothing_more_is_given_up(pair, monkeypatch):
    monkeypatch.setattr(serving, "QUIET_S", 0.2)
    ours, theirs = pair
    theirs.sendall(b"GET / HTTP/1.1\r\n")
    assert ours.recv(100) == b"GET / HTTP/1.1\r\n"
    began = time.monotonic()
    with pytest.raises(ConnectionResetError):
        ours.recv(100)
    assert 0.1 < time.monotonic() - began < 5


def test_a_byte_now_and_then_does_not_prolong_it(pair, monkeypatch):
    monkeypatch.setattr(serving, "QUIET_S", 0.3)
    ours, theirs = pair
    stop = threading.Event()

    def dribble() -> None:
        while not stop.wait(0.02):
            theirs.sendall(b"x")

    thread = threading.Thread(target=dribble)
    thread.start()
    try:
        with pytest.raises(ConnectionResetError):
            drain(ours, 1_000)
    finally:
        stop.set()
        thread.join()
    assert 0 < ours._read < 100


def test_a_large_body_may_take_as_long_as_its_size_and_a_busy_server_costs_nobody_a_request(
    pair, monkeypatch
):
    monkeypatch.setattr(serving, "QUIET_S", 0.2)
    ours, theirs = pair
    theirs.sendall(b"x" * 20_000)
    assert drain(ours, 20_000) == 20_000
    time.sleep(0.3)  # we are at work: the bytes that came meanwhile are not late
    theirs.sendall(b"y")
    assert drain(ours, 1) == 1
    ours._waited = 0.5  # more than QUIET_S, less than 20 kB may take
    theirs.sendall(b"y")
    assert drain(ours, 1) == 1
    ours.setblocking(True)  # the next request of the same connection begins anew
    with pytest.raises(ConnectionResetError):
        ours.recv(1)


def drain(ours, wanted: int) -> int:
    """Read `wanted` bytes; return how many came."""
    taken = 0
    while taken < wanted:
        taken += len(ours.recv(wanted))
    return taken


def test_each_accepted_connection_is_bounded(monkeypatch):
    taken = []
    monkeypatch.setattr(serving.ThreadWorker, "enqueue_req", lambda self, conn: taken.append(conn))
    ours, theirs = socket.socketpair()
    worker, conn = object.__new__(Worker), SimpleNamespace(sock=ours)
    worker.enqueue_req(conn)
    first = conn.sock
    worker.enqueue_req(conn)  # again, kept alive
    assert isinstance(first, BoundedSocket)
    assert conn.sock is first
    assert taken == [conn, conn]
    first.close()
    theirs.close()
