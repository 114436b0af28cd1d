"""Nothing is sent to an address that is not public, however it is written."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from accounts.webhooks.addresses import WrongAddress, addresses_of, target_of

HOME = [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("fd00::/8")]
PRIVATE = [
    "127.0.0.1", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1",
    "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:1::1", "2001:db8::1", "fec0::1",
]  # fmt: skip


def wrong(url: str, allowed=()) -> str:
    with pytest.raises(WrongAddress) as refused:
        target_of(url, allowed)
    return refused.value.code


def looked_up(monkeypatch, *addresses: str) -> None:
    kind = {4: socket.AF_INET, 6: socket.AF_INET6}
    found = [
        (kind[ipaddress.ip_address(one).version], socket.SOCK_STREAM, 6, "", (one, 443))
        for one in addresses
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *asked, **how: found)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://example.org/", "https"), ("ftp://example.org/", "https"), ("example.org", "https"),
        ("https://", "url"), ("https:///path", "url"), ("https://user@example.org/", "url"),
        ("https://user:pass@example.org/", "url"), ("https://example.org/#x", "url"),
        ("https://example.org:0/", "url"), ("https://example.org:99999/", "url"),
        ("https://exa mple.org/", "url"), ("https://example.org/\r\nX: 1", "url"),
        ("https://bücher.example/", "url"), ("https://example.org\\@10.0.0.1/", "url"),
        ("https://example.org/" + "a" * 500, "url"), ("https://[::1/", "url"),
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_receiver(url, code):
    assert wrong(url) == code


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused_literally_and_by_name(monkeypatch, address):
    host = f"[{address}]" if ":" in address else address
    assert wrong(f"https://{host}/") == "private"
    looked_up(monkeypatch, "93.184.215.14", address)  # one good one does not help
    with pytest.raises(WrongAddress, match="private"):
        addresses_of(target_of("https://example.org/"))


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1", "localhost"])
def test_another_spelling_of_loopback_is_refused_when_it_is_looked_up(host):
    with pytest.raises(WrongAddress):
        addresses_of(target_of(f"https://{host}/"))


def test_a_public_address_and_a_listed_one_pass(monkeypatch):
    looked_up(monkeypatch, "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c")
    target = target_of("https://example.org:8443/a/b?c=d")
    assert (target.host, target.port, target.path) == ("example.org", 8443, "/a/b?c=d")
    assert len(addresses_of(target)) == 2
    assert target_of("https://127.0.0.1/", HOME).path == "/"
    assert target_of("https://[fd00::1]/", HOME).host == "fd00::1"
    assert wrong("https://10.0.0.1/", HOME) == "private"


def test_a_host_that_is_not_there(monkeypatch):
    def nowhere(*asked, **how):
        raise socket.gaierror("no such host")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    with pytest.raises(WrongAddress, match="unknown"):
        addresses_of(target_of("https://example.org/"))
