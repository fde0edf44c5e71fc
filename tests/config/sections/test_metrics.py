"""Addresses of the metrics: allowed ones, and refused ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from edged.config import Config
from edged.config.sections.metrics import HttpAddress

CAMERA = "cameras: {street: {source: 'file:a.mp4'}}\n"


def test_it_is_off_unless_configured(read: Callable[[str], Config]) -> None:
    assert read(CAMERA).metrics.listen is None
    assert read(f"{CAMERA}metrics:\n").metrics.listen is None


@pytest.mark.parametrize(
    ("text", "host", "port", "written"),
    [
        ("127.0.0.1:9464", "127.0.0.1", 9464, "127.0.0.1:9464"),
        ("localhost:9464", "127.0.0.1", 9464, "127.0.0.1:9464"),
        ("127.1.2.3:*", "127.1.2.3", 0, "127.1.2.3:*"),
        ("'[::1]:9464'", "::1", 9464, "[::1]:9464"),
        ("'[0:0::1]:1'", "::1", 1, "[::1]:1"),
    ],
)
def test_addresses_of_this_machine(
    read: Callable[[str], Config], text: str, host: str, port: int, written: str
) -> None:
    address = read(f"{CAMERA}metrics: {{listen: {text}}}").metrics.listen
    assert address == HttpAddress(host, port)
    assert str(address) == written


@pytest.mark.parametrize(
    "text", ["9464", "':9464'", "porch:9464", "127.0.0.1", "127.0.0.1:", "::1:9464", "1.2.3:4", "'[127.0.0.1]:1'", "''"]
)
def test_text_that_is_not_an_address_is_refused(told: Callable[[str], list[str]], text: str) -> None:
    (line,) = told(f"{CAMERA}metrics: {{listen: '{text.strip(chr(39))}'}}")
    assert "metrics.listen: must be an IP address of this machine and a port, such as 127.0.0.1:9464" in line


@pytest.mark.parametrize("port", ["0", "65536", "99999"])
def test_ports_that_do_not_exist(told: Callable[[str], list[str]], port: str) -> None:
    (line,) = told(f"{CAMERA}metrics: {{listen: '127.0.0.1:{port}'}}")
    assert "metrics.listen: must have a port in 1…65535, or * for any that is free" in line


@pytest.mark.parametrize("address", ["0.0.0.0:9464", "192.168.1.7:9464", "[::]:9464"])
def test_other_machines_may_ask_only_if_configured(
    told: Callable[[str], list[str]], read: Callable[[str], Config], address: str
) -> None:
    (line,) = told(f"{CAMERA}metrics:\n  listen: '{address}'\n")
    assert line.startswith("3:11: metrics.listen: must stay on this machine")
    config = read(f"{CAMERA}metrics: {{listen: '{address}', insecure: true}}")
    assert str(config.metrics.listen) == address


def test_more_names_are_hosts_without_a_port(read: Callable[[str], Config], told: Callable[[str], list[str]]) -> None:
    assert read(CAMERA).metrics.hosts == ()
    assert read(f"{CAMERA}metrics: {{hosts: [a, Board.example.org]}}").metrics.hosts == ("a", "Board.example.org")
    for name in ("'a:1'", "'*'", "''", "http://a", "'a b'"):
        (line,) = told(f"{CAMERA}metrics: {{hosts: [{name}]}}")
        assert "metrics.hosts[0]: must be the name of a host, such as board.example.org, without a port" in line
