"""Addresses to publish at."""

from __future__ import annotations

from pathlib import Path

import pytest

from edged.config import Endpoint

FOLDER = Path("/etc/edged")


@pytest.mark.parametrize(
    ("text", "mode", "address"),
    [
        ("pub+bind:tcp://127.0.0.1:5556", "bind", "tcp://127.0.0.1:5556"),
        ("pub+bind:tcp://127.8.9.10:1", "bind", "tcp://127.8.9.10:1"),
        ("pub+bind:tcp://localhost:65535", "bind", "tcp://127.0.0.1:65535"),
        ("pub+bind:tcp://[::1]:5556", "bind", "tcp://[::1]:5556"),
        ("pub+bind:tcp://127.0.0.1:*", "bind", "tcp://127.0.0.1:*"),
        ("pub+bind:tcp://*:5556", "bind", "tcp://*:5556"),
        ("pub+bind:tcp://[::]:5556", "bind", "tcp://[::]:5556"),
        ("pub+bind:tcp://eth0:5556", "bind", "tcp://eth0:5556"),
        ("pub+connect:tcp://127.0.0.1:5557", "connect", "tcp://127.0.0.1:5557"),
        ("pub+connect:tcp://hub-1.example.org:5557", "connect", "tcp://hub-1.example.org:5557"),
        ("pub+connect:tcp://[fe80::1%eth0]:5557", "connect", "tcp://[fe80::1%eth0]:5557"),
        ("pub+bind:ipc:///run/edged/pub.sock", "bind", "ipc:///run/edged/pub.sock"),
        ("pub+connect:ipc://hub.sock", "connect", "ipc:///etc/edged/hub.sock"),
    ],
)
def test_an_endpoint_is_a_mode_and_an_address(text: str, mode: str, address: str) -> None:
    endpoint = Endpoint.parse(text, FOLDER)
    assert (endpoint.mode, endpoint.address) == (mode, address)
    assert Endpoint.parse(str(endpoint), Path("/elsewhere")) == endpoint


def test_only_ipc_has_a_socket_file() -> None:
    assert Endpoint.parse("pub+bind:ipc://~/pub.sock", FOLDER).socket_path == Path.home() / "pub.sock"
    assert Endpoint.parse("pub+bind:tcp://127.0.0.1:1", FOLDER).socket_path is None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "localhost", "[::1]"])
def test_a_loopback_address_and_a_socket_file_stay_on_this_machine(host: str) -> None:
    assert Endpoint.parse(f"pub+bind:tcp://{host}:5556", FOLDER).is_local
    assert Endpoint.parse("pub+connect:ipc://hub.sock", FOLDER).is_local


@pytest.mark.parametrize(
    "host",
    ["*", "0.0.0.0", "192.168.1.5", "[::]", "[::ffff:127.0.0.1]", "eth0", "example.org", "127.1", "128.0.0.1"],
)
def test_every_other_address_can_be_reached_by_other_machines(host: str) -> None:
    assert not Endpoint.parse(f"pub+bind:tcp://{host}:5556", FOLDER).is_local


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "must be pub"),
        ("tcp://127.0.0.1:5556", "must be pub"),
        ("pub+bind:", "must be pub"),
        ("sub+bind:tcp://127.0.0.1:5556", "must be pub"),
        ("pub+bind:udp://127.0.0.1:5556", "must be pub"),
        ("pub+bind:inproc://a", "must be pub"),
        ("PUB+BIND:TCP://127.0.0.1:5556", "must be pub"),
        ("pub+bind:tcp://127.0.0.1", "must be tcp://HOST:PORT"),
        ("pub+bind:tcp://127.0.0.1:", "must be tcp://HOST:PORT"),
        ("pub+bind:tcp://127.0.0.1:x", "must be tcp://HOST:PORT"),
        ("pub+bind:tcp://127.0.0.1:5556/", "must be tcp://HOST:PORT"),
        ("pub+bind:tcp://127.0.0.1:١", "must be tcp://HOST:PORT"),
        ("pub+bind:tcp://::1:5556", "must be tcp://HOST:PORT"),
        ("pub+bind:tcp://127.0.0.1:0", "port in 1…65535"),
        ("pub+bind:tcp://127.0.0.1:65536", "port in 1…65535"),
        ("pub+connect:tcp://127.0.0.1:*", "must name the port"),
        ("pub+connect:tcp://*:5556", "must name the host"),
        ("pub+bind:tcp://:5556", "must be tcp://HOST:PORT"),
        ("pub+bind:tcp://-a:5556", "must be tcp://HOST:PORT"),
        ("pub+bind:tcp://a b:5556", "must be tcp://HOST:PORT"),
        ("pub+bind:tcp://[]:5556", "must have an IPv6 address in its brackets"),
        ("pub+bind:tcp://[127.0.0.1]:5556", "must have an IPv6 address in its brackets"),
        ("pub+bind:ipc://", "must be a path"),
        ("pub+bind:ipc://*", "must name a socket file"),
        ("pub+bind:ipc://@abstract", "must name a socket file"),
        ("pub+bind:ipc:///run/edged/", "must name a socket file"),
        ("pub+bind:ipc://~nobody-at-all/pub.sock", "there is no home folder for ~nobody-at-all"),
    ],
)
def test_text_that_is_not_an_endpoint_is_refused_with_the_rule(text: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule.replace("+", r"\+")):
        Endpoint.parse(text, FOLDER)


def test_a_socket_path_fits_into_its_107_bytes() -> None:
    longest = "/" + "é" * 53
    assert Endpoint.parse(f"pub+bind:ipc://{longest}", FOLDER).address == f"ipc://{longest}"
    with pytest.raises(ValueError, match=r"at most 107 bytes.*got 109 bytes"):
        Endpoint.parse(f"pub+bind:ipc://{longest}é", FOLDER)
