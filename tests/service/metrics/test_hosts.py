"""Names under which the metrics server answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from edged.service.metrics import hosts
from edged.service.metrics.hosts import KnownHosts


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KnownHosts:
    """A machine ``porch`` in two domains, that is configured to be ``figures.example.net`` too."""
    (tmp_path / "hosts").write_text("127.0.0.1 localhost\n127.0.1.1 Porch.example.org porch # me\n10.0.0.1 yard.lan\n")
    (tmp_path / "resolv.conf").write_text("search lan fritz.box.\nnameserver 10.0.0.1\n")
    monkeypatch.setattr(hosts, "HOSTS", tmp_path / "hosts")
    monkeypatch.setattr(hosts, "RESOLVER", tmp_path / "resolv.conf")
    monkeypatch.setattr("socket.gethostname", lambda: "porch")
    return KnownHosts(["Figures.example.net"])


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:9464",
        "192.168.1.20:80",
        "[::1]",
        "[fe80::1]:9464",
        "localhost",
        "LOCALHOST.:9464",
        "porch",
        "Porch:9464",
        "porch.",
        "porch.local:9464",
        "porch.lan",
        "porch.fritz.box",
        "porch.example.org:9464",
        "figures.example.net:9464",
    ],
)
def test_addresses_and_names_of_this_machine_are_known(machine: KnownHosts, host: str) -> None:
    assert host.encode() in machine


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "porch.evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.example:9464",
        "yard.lan",
        "lan",
        "::1",
        "[127.0.0.1]",
        "1.2.3.4.5",
        "[::1",
        "user@localhost",
        "localhost/",
        "localhost:9464:1",
        "local host",
        "localhost\x00",
        "",
        ".",
        ":9464",
        "x" * 8000,
    ],
)
def test_any_other_name_is_unknown(machine: KnownHosts, host: str) -> None:
    assert host.encode() not in machine


def test_without_the_files_the_host_name_is_known(machine: KnownHosts, tmp_path: Path) -> None:
    (tmp_path / "hosts").unlink()
    (tmp_path / "resolv.conf").unlink()
    assert b"porch.local" in machine
    assert b"porch.lan" not in machine
