"""The section ``control``: a socket file, and nothing that a network could reach."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edged.config import Config

Told = Callable[[str], list[str]]
Read = Callable[[str], Config]

CAMERA = "cameras: {street: {source: 'file:a.mp4'}}\n"


def test_by_default_it_is_in_the_runtime_folder(read: Read, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    control = read(CAMERA).control
    assert control.endpoint is not None
    assert control.endpoint.address == "ipc:///run/user/7/edged/control.sock"
    assert not control.is_chosen
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert read(CAMERA).control.endpoint is None


def test_a_path_is_relative_to_the_file_and_null_means_no_socket(read: Read, tmp_path: Path) -> None:
    control = read(f"{CAMERA}control: {{endpoint: 'ipc://c.sock'}}").control
    assert control.endpoint is not None
    assert control.endpoint.socket_path == tmp_path / "c.sock"
    assert control.is_chosen
    assert read(f"{CAMERA}control: {{endpoint: null}}").control.endpoint is None


@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1:5557", "pub+bind:ipc://a", "a.sock", "''", "ipc://", "ipc://@a"])
def test_an_endpoint_that_is_not_a_socket_file_is_refused(told: Told, endpoint: str) -> None:
    (line,) = told(f"{CAMERA}control: {{endpoint: {endpoint!r}}}".replace("\"''\"", "''"))
    assert line.startswith("2:21: control.endpoint: must ")


def test_the_control_socket_must_not_be_a_publish_endpoint(told: Told) -> None:
    (line,) = told(f"{CAMERA}publish: {{endpoints: ['pub+bind:ipc://a']}}\ncontrol: {{endpoint: 'ipc://a'}}")
    assert line == "3:21: control.endpoint: must be another socket file than those of publish.endpoints"
