"""The keys of a configuration, as far as they need what may be missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from edged.config import ConfigFileError, load_text
from edged.pipeline.loading import keyring as module
from edged.pipeline.loading.keyring import read_keyring
from edged.transport.curve import Curve
from edged.transport.keys import Client, read_pair, read_public
from tests.keyed import SERVER, Keys

CONFIG = "node: porch\ncameras: {street: {source: 'file:a.mp4'}}\npublish: {endpoints: ['pub+bind:tcp://127.0.0.1:*']"
CLIENT = "hub_key: hub.public, client_key: client.secret"


def test_keys_without_their_library_are_a_problem_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = Keys(tmp_path, "board", "phone")
    keys.authorize("phone")
    loaded = load_text(f"{CONFIG}, {SERVER}}}\n", tmp_path / "edged.yaml")
    assert list(read_keyring(loaded).authorized.values()) == [Client("phone")]
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ConfigFileError, match="publish: keys need the Python package PyNaCl, which is missing"):
        read_keyring(loaded)


def test_without_keys_nothing_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    keys = read_keyring(load_text(f"{CONFIG}}}\n", tmp_path / "edged.yaml"))
    assert (keys.curves, keys.authorized) == ({}, {})


def test_each_endpoint_has_our_own_key_and_one_that_dials_out_that_of_its_hub(tmp_path: Path) -> None:
    keys = Keys(tmp_path, "board", "hub")
    client = keys.make("client")
    both = f"{{endpoints: ['pub+bind:tcp://127.0.0.1:7', 'pub+connect:tcp://hub:9'], {SERVER}, {CLIENT}}}"
    loaded = load_text(f"{CONFIG.split('publish')[0]}publish: {both}\n", tmp_path / "edged.yaml")
    curves = read_keyring(loaded).curves
    assert curves == {
        "pub+bind:tcp://127.0.0.1:7": Curve(read_pair(keys.secret("board"))),
        "pub+connect:tcp://hub:9": Curve(client, read_public(keys.public("hub"))),
    }
