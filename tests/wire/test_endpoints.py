"""Addresses: legal ones, those on this machine, and the default address of a daemon."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from edged.wire import DEFAULT_TCP_ADDRESS, check_address, default_address, is_local


@pytest.mark.parametrize(
    "address",
    [
        "tcp://127.0.0.1:5556",
        "tcp://[::1]:5556",
        "tcp://board.local:1",
        "ipc:///run/edged/pub.sock",
        "ipc://relative",
        "sub+bind:tcp://*:5556",
        "sub+bind:ipc:///run/hub.sock",
    ],
)
def test_a_valid_address_is_accepted(address: str) -> None:
    assert check_address(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "127.0.0.1:5556",
        "tcp://",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:",
        "tcp://127.0.0.1:0",
        "tcp://127.0.0.1:65536",
        "tcp://127.0.0.1:*",
        "tcp://127.0.0.1:５５５６",
        "tcp://*:5556",
        "tcp://:5556",
        "ipc://",
        "udp://127.0.0.1:5556",
        "pub+bind:tcp://127.0.0.1:5556",
    ],
)
def test_an_invalid_address_is_refused_with_the_valid_form(address: str) -> None:
    with pytest.raises(ValueError, match=r"must be tcp://HOST:PORT or ipc://PATH"):
        check_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "ipc:///tmp/x",
        "tcp://127.0.0.1:1",
        "tcp://127.8.8.8:1",
        "tcp://localhost:1",
        "tcp://[::1]:1",
        "sub+bind:ipc://x",
    ],
)
def test_ipc_and_loopback_are_on_this_machine(address: str) -> None:
    assert is_local(address)


@pytest.mark.parametrize(
    "address", ["tcp://192.168.1.5:5556", "tcp://board:5556", "tcp://[fe80::1]:1", "sub+bind:tcp://*:1", "tcp://", "x"]
)
def test_other_addresses_count_as_another_machine(address: str) -> None:
    assert not is_local(address)


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runtime directory of our own, and no service on this machine."""
    monkeypatch.setattr("edged.wire.endpoints.SYSTEM_DIRECTORY", tmp_path / "none")
    (tmp_path / "edged").mkdir()
    return tmp_path


def test_without_a_socket_file_the_default_is_the_loopback_port(runtime: Path) -> None:
    assert default_address({"XDG_RUNTIME_DIR": str(runtime)}) == DEFAULT_TCP_ADDRESS
    assert default_address({}) == DEFAULT_TCP_ADDRESS


def test_a_daemon_that_listens_in_the_runtime_directory_is_found(runtime: Path) -> None:
    path = runtime / "edged" / "pub.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        assert default_address({"XDG_RUNTIME_DIR": str(runtime)}) == f"ipc://{path}"


def test_a_socket_file_that_a_killed_daemon_left_is_ignored(runtime: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(runtime / "edged" / "pub.sock"))
    assert default_address({"XDG_RUNTIME_DIR": str(runtime)}) == DEFAULT_TCP_ADDRESS


def test_the_service_is_found_when_nothing_was_started_by_hand(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = runtime / "service"
    service.mkdir()
    monkeypatch.setattr("edged.wire.endpoints.SYSTEM_DIRECTORY", service)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(service / "pub.sock"))
        listener.listen()
        assert default_address({"XDG_RUNTIME_DIR": str(runtime)}) == f"ipc://{service}/pub.sock"
