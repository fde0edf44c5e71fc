"""Endpoints and keys of the publisher: what may leave the machine, and which keys go together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edged.config import Config, dump, load_text

Told = Callable[[str], list[str]]
Read = Callable[[str], Config]

CAMERA = "cameras: {street: {source: 'file:a.mp4'}}\n"
KEYS = "server_key: a.secret, authorized_clients: known"
HUB = "hub_key: hub.public, client_key: b.secret"


def test_without_keys_it_stays_on_the_machine(read: Read) -> None:
    publish = read(CAMERA).publish
    assert (publish.server_key, publish.hub_key, publish.insecure) == (None, None, False)
    assert all(endpoint.is_local and publish.key_of(endpoint) is None for endpoint in publish.endpoints)


@pytest.mark.parametrize(
    ("endpoint", "setting"),
    [
        ("pub+bind:tcp://*:5556", "server_key"),
        ("pub+bind:tcp://0.0.0.0:5556", "server_key"),
        ("pub+bind:tcp://192.168.1.5:*", "server_key"),
        ("pub+bind:tcp://[::]:5556", "server_key"),
        ("pub+bind:tcp://eth0:5556", "server_key"),
        ("pub+connect:tcp://hub.example.org:5557", "hub_key"),
        ("pub+connect:tcp://192.168.1.5:5557", "hub_key"),
    ],
)
def test_plain_text_to_other_machines_is_refused_unless_configured(
    told: Told, read: Read, endpoint: str, setting: str
) -> None:
    (line,) = told(f"{CAMERA}publish:\n  endpoints: ['pub+bind:tcp://127.0.0.1:1', '{endpoint}']\n")
    assert line == (
        "3:45: publish.endpoints[1]: must stay on this machine (127.0.0.1, [::1], localhost or ipc://) or have a "
        f"{setting} ('edged keygen --help' explains): in clear text everybody on the network can read along, which "
        f"'insecure: true' would allow (got '{endpoint}')"
    )
    for allowed in ("insecure: true", f"{KEYS}, {HUB}"):
        publish = read(f"{CAMERA}publish: {{endpoints: ['{endpoint}'], {allowed}}}").publish
        assert str(publish.endpoints[0]) == endpoint


def test_the_other_kind_of_key_does_not_help(told: Told) -> None:
    assert "or have a hub_key" in told(f"{CAMERA}publish: {{endpoints: ['pub+connect:tcp://hub:1'], {KEYS}}}")[0]
    assert "or have a server_key" in told(f"{CAMERA}publish: {{endpoints: ['pub+bind:tcp://*:1'], {HUB}}}")[0]


def test_one_key_is_for_every_tcp_endpoint_of_its_kind_and_for_no_socket_file(read: Read, tmp_path: Path) -> None:
    endpoints = "'pub+bind:tcp://*:1', 'pub+bind:tcp://localhost:2', 'pub+bind:ipc://a', 'pub+connect:tcp://hub:3'"
    publish = read(f"{CAMERA}publish: {{endpoints: [{endpoints}], {KEYS}, {HUB}}}").publish
    ours, hub = (("server_key",), tmp_path / "a.secret"), (("hub_key",), tmp_path / "hub.public")
    assert [publish.key_of(endpoint) for endpoint in publish.endpoints] == [ours, ours, None, hub]
    assert (publish.authorized_clients, publish.client_key) == (tmp_path / "known", tmp_path / "b.secret")


def test_each_endpoint_can_have_its_own_key(read: Read, tmp_path: Path) -> None:
    publish = read(
        f"""\
        {CAMERA.strip()}
        publish:
          endpoints: ["pub+bind:tcp://*:1", "pub+bind:tcp://localhost:2", "pub+bind:tcp://127.0.0.1:3"]
          authorized_clients: known
          server_key:
            "pub+bind:tcp://*:1": old.secret
            "pub+bind:tcp://localhost:2": new.secret
        """
    ).publish
    assert [publish.key_of(endpoint) for endpoint in publish.endpoints] == [
        (("server_key", "pub+bind:tcp://*:1"), tmp_path / "old.secret"),
        (("server_key", "pub+bind:tcp://127.0.0.1:2"), tmp_path / "new.secret"),
        None,
    ]


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        ("server_key: a", "publish.server_key: needs authorized_clients beside it: the folder with the public keys"),
        ("authorized_clients: a", "publish.authorized_clients: goes with server_key, and that is missing"),
        ("hub_key: a", "publish.hub_key: needs client_key beside it: our own secret key"),
        ("client_key: a", "publish.client_key: goes with hub_key, and that is missing"),
        ("server_key: 3", "publish.server_key: must be a key file, or a mapping with a key file for each endpoint"),
        ("server_key: {}", "publish.server_key: must name at least one (got none)"),
        ("server_key: ''", "publish.server_key: must be a path (got an empty text)"),
        (
            "server_key: {'pub+bind:tcp://127.0.0.1:1': 3}",
            "publish.server_key.pub+bind:tcp://127.0.0.1:1: must be text",
        ),
        ("insecure: 1", "publish.insecure: must be true or false (got 1)"),
        ("server_keys: a", "publish.server_keys: unknown key; did you mean 'server_key'?"),
        (
            "authorized_clients: a, server_key: {'pub+bind:tcp://127.0.0.1:2': a}",
            (
                "publish.server_key.pub+bind:tcp://127.0.0.1:2: must be one of the pub+bind:tcp:// endpoints (got "
                "'pub+bind:tcp://127.0.0.1:2'); did you mean 'pub+bind:tcp://127.0.0.1:1'?"
            ),
        ),
        (
            "authorized_clients: a, server_key: {'pub+bind:ipc:///b': a}",
            "publish.server_key.pub+bind:ipc:///b: must be one of the pub+bind:tcp:// endpoints",
        ),
        (
            "client_key: a, hub_key: {'pub+bind:tcp://127.0.0.1:1': a}",
            "publish.hub_key.pub+bind:tcp://127.0.0.1:1: must be one of the pub+connect:tcp:// endpoints",
        ),
        ("authorized_clients: a, server_key: {5556: a}", "publish.server_key.5556: must be one of the pub+bind"),
    ],
)
def test_keys_that_do_not_go_together_are_reported_in_a_sentence(told: Told, section: str, complaint: str) -> None:
    endpoints = "['pub+bind:tcp://127.0.0.1:1', 'pub+bind:ipc:///b']"
    (line,) = told(f"{CAMERA}publish: {{endpoints: {endpoints}, {section}}}")
    assert line.split(" ", 1)[1].startswith(complaint)


@pytest.mark.parametrize(
    "section",
    [
        f"endpoints: ['pub+bind:tcp://*:1', 'pub+connect:tcp://hub:3'], {KEYS}, {HUB}",
        "endpoints: ['pub+bind:tcp://*:1'], authorized_clients: ~/a, server_key: {'pub+bind:tcp://*:1': a.secret}",
        "endpoints: ['pub+bind:tcp://*:1'], insecure: true",
    ],
)
def test_it_survives_the_way_out_and_in(read: Read, section: str) -> None:
    config = read(f"{CAMERA}publish: {{{section}}}")
    assert load_text(dump(config), "/elsewhere.yaml").config == config
