"""Defaults that come from the machine."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

import pytest

from edged.config import ConfigFileError, load_text
from edged.config.environment import (
    default_endpoints,
    default_node,
    default_num_threads,
    runtime_folder,
    state_folder,
)
from edged.values import NAME_PATTERN

CAMERA = "cameras: {street: {source: 'file:a.mp4'}}\n"
TCP = "pub+bind:tcp://127.0.0.1:5556"


@pytest.mark.parametrize(
    ("host", "node"),
    [
        ("porch", "porch"),
        ("Porch.Local", "porch"),
        ("front porch!", "front-porch-"),
        ("-_x", "x"),
        ("Straße", "stra-e"),
        ("x" * 70, "x" * 64),
        ("...", "edged"),
        ("", "edged"),
        ("日本", "edged"),
    ],
)
def test_the_host_name_is_made_to_fit(monkeypatch: pytest.MonkeyPatch, host: str, node: str) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    assert default_node() == node
    assert re.fullmatch(NAME_PATTERN, node)


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (3, 2), (4, 3), (5, 4), (64, 4)])
def test_a_core_is_left_free(monkeypatch: pytest.MonkeyPatch, cores: int, threads: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    assert default_num_threads() == threads
    assert load_text(CAMERA, "edged.yaml").config.model.num_threads == threads


def test_sockets_are_in_the_folder_of_systemd_or_else_of_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    assert runtime_folder() is None
    assert default_endpoints() == [TCP]
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    assert default_endpoints() == ["pub+bind:ipc:///run/user/1000/edged/pub.sock", TCP]
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/edged:/run/other")
    assert default_endpoints() == ["pub+bind:ipc:///run/edged/pub.sock", TCP]
    endpoints = load_text(CAMERA, "edged.yaml").config.publish.endpoints
    assert [str(endpoint) for endpoint in endpoints] == default_endpoints()


def test_a_runtime_folder_that_is_not_an_absolute_path_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", "run")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "here")
    assert runtime_folder() is None


def test_a_runtime_folder_too_long_for_a_socket_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/" + "x" * 200)
    with pytest.raises(ConfigFileError, match=r"edged.yaml:1:1: publish.endpoints\[0\]: must be a path of at most 107"):
        load_text(CAMERA, "edged.yaml")
    elsewhere = f"{CAMERA}publish: {{endpoints: ['{TCP}']}}"
    assert load_text(elsewhere, Path("edged.yaml")).config.publish.endpoints


def test_what_is_learnt_is_kept_in_the_folder_of_systemd_or_else_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert state_folder() == Path("/home/ada/.local/state/edged")
    monkeypatch.setenv("XDG_STATE_HOME", "/srv/state")
    assert state_folder() == Path("/srv/state/edged")
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/edged:/var/lib/other")
    assert state_folder() == Path("/var/lib/edged")


def test_a_user_without_a_home_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)
    assert state_folder() is None
