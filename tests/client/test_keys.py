"""A subscriber with keys: its arguments, its troubles, and the programs of the manual."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zmq

from edged.client import Subscriber
from edged.client.senders import Senders
from edged.errors import ConfigError
from edged.transport import handshakes
from edged.transport.curve import Curve, secure
from edged.transport.keys import read_pair, read_public
from edged.wire import Vec, encode
from tests.fakes import eventually
from tests.keyed import SERVER, Keys, free_port, publishing
from tests.publishing import Publisher, vec

MANUAL = (Path(__file__).parent.parent.parent / "docs" / "keys.md").read_text()
SOON = 20.0
A, B, HUB = "tcp://127.0.0.1:1", "tcp://127.0.0.1:2", "sub+bind:tcp://127.0.0.1:1"


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path, "board", "other-board", "phone", "hub")


def hears(subscriber: Subscriber) -> Vec:
    message = subscriber.receive(SOON)
    assert isinstance(message, Vec), f"nothing comes: {subscriber.troubles}"
    return message


def test_several_boards_have_a_key_each(keys: Keys, tmp_path: Path) -> None:
    keys.authorize("phone")
    other = "endpoints: ['pub+bind:tcp://127.0.0.1:*'], authorized_clients: authorized, server_key: other-board.secret"
    with publishing(tmp_path) as one, publishing(tmp_path, other) as two:
        server_key = {one.address(): keys.public("board"), two.address(): keys.public("other-board")}
        with Subscriber(one.address(), two.address(), server_key=server_key, client_key=keys.secret("phone")) as phone:
            runs = {hears(phone).run}
            eventually(lambda: len(runs | {hears(phone).run}) == 2, "both boards are heard")


def test_endpoints_with_and_without_keys_are_received_together(keys: Keys, tmp_path: Path) -> None:
    keys.authorize("phone")
    endpoints = f"endpoints: ['pub+bind:ipc://pub.sock'], {SERVER}"
    with publishing(tmp_path) as one, publishing(tmp_path, endpoints) as two:
        assert two.address() == f"ipc://{tmp_path}/pub.sock"
        with Subscriber(
            one.address(), two.address(), server_key=keys.public("board"), client_key=keys.secret("phone")
        ) as phone:
            runs = {hears(phone).run}
            eventually(lambda: len(runs | {hears(phone).run}) == 2, "both are heard")


def test_a_board_that_starts_again_is_received_again(keys: Keys, tmp_path: Path) -> None:
    keys.authorize("phone")
    with publishing(tmp_path) as board:
        address = board.address()
        phone = Subscriber(address, server_key=keys.public("board"), client_key=keys.secret("phone"))
        first = hears(phone).run
    with phone, publishing(tmp_path, f"endpoints: ['pub+bind:{address}'], {SERVER}"):
        eventually(lambda: hears(phone).run != first, "the new run is heard")
        assert not phone.troubles


def test_troubles_are_reported_by_endpoint_and_disappear(
    keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edged.transport.handshakes.RECONNECT_SECONDS", 0.3)
    with (
        publishing(tmp_path) as board,
        Subscriber(board.address(), server_key=keys.public("board"), client_key=keys.secret("phone")) as phone,
    ):
        assert phone.troubles == {}
        eventually(lambda: phone.receive(0.05) is None and bool(phone.troubles), "a trouble")
        assert list(phone.troubles) == [board.address()]
        keys.authorize("phone")
        board.stage.reload_keys()
        hears(phone)
        assert phone.troubles == {}


def test_a_refused_subscriber_that_is_busy_elsewhere_closes_at_once(keys: Keys, tmp_path: Path) -> None:
    """Nothing reads the events of libzmq meanwhile, and libzmq must not wait for that."""
    with publishing(tmp_path) as board:
        phone = Subscriber(board.address(), server_key=keys.public("hub"), client_key=keys.secret("phone"))
        sent = board.sent
        eventually(lambda: board.sent > sent + 200, "two seconds and a hundred handshakes pass")
        phone.close()


def test_a_hub_receives_boards_with_keys_and_programs_of_its_own_machine(keys: Keys, tmp_path: Path) -> None:
    keys.authorize("board")
    address = f"tcp://127.0.0.1:{free_port()}"
    with (
        Subscriber(
            f"sub+bind:{address}",
            f"sub+bind:ipc://{tmp_path}/hub.sock",
            server_key={f"sub+bind:{address}": keys.secret("hub")},
            authorized_clients=tmp_path / "authorized",
            nodes={"board": "porch"},
        ) as hub,
        Publisher(f"ipc://{tmp_path}/hub.sock", bind=False) as local,
    ):
        eventually(lambda: hub.receive(0.02) is None and bool(local.socket.poll(0)), "the local one subscribes")
        local.wait_for_subscription()
        local.send(vec(node="local"))
        assert hears(hub).node == "local"
        with publishing(
            tmp_path, f"endpoints: ['pub+connect:{address}'], hub_key: hub.public, client_key: board.secret"
        ):
            assert hears(hub).node == "porch"


@pytest.mark.parametrize(("key", "nodes"), [("porch", {}), ("porch-client", {}), ("board-17", {"board-17": "porch"})])
def test_at_a_hub_a_board_speaks_for_its_own_node_only(
    keys: Keys, tmp_path: Path, key: str, nodes: dict[str, str]
) -> None:
    keys.make(key)
    keys.make("yard-client")
    keys.authorize(key, "yard-client")
    address = f"tcp://127.0.0.1:{free_port()}"
    publish = f"endpoints: ['pub+connect:{address}'], hub_key: hub.public"
    with (
        Subscriber(
            f"sub+bind:{address}",
            server_key=keys.secret("hub"),
            authorized_clients=tmp_path / "authorized",
            nodes=nodes,
        ) as hub,
        publishing(tmp_path, f"{publish}, client_key: {key}.secret") as honest,
        publishing(tmp_path, f"{publish}, client_key: yard-client.secret") as other,
    ):
        runs = set()
        eventually(lambda: runs.add(hears(hub).run) or hub.refused > 3, "both boards have sent")  # type: ignore[func-returns-value]  # for its effect
        for _ in range(50):
            runs.add(hears(hub).run)
        assert runs == {honest.stage._builder.run}
        assert other.sent > 0
        assert hub.troubles == {
            "key yard-client": "its messages of node porch are refused, because its node is yard (docs/keys.md)"
        }


def test_a_key_whose_node_is_mapped_is_not_that_of_its_name(keys: Keys) -> None:
    senders = Senders({"porch": "yard"})
    assert senders.may_send("porch", "yard")
    assert not senders.may_send("porch", "porch")
    assert not senders.may_send("porch-client", "yard")
    assert senders.refused == 2
    with pytest.raises(ValueError, match="must start with a letter"):
        Senders({"a": "B/"})


def test_a_hub_lets_boards_in_while_messages_come_without_a_pause(keys: Keys, tmp_path: Path) -> None:
    keys.authorize("board", "phone")
    address = f"tcp://127.0.0.1:{free_port()}"
    with Subscriber(
        f"sub+bind:{address}",
        server_key=keys.secret("hub"),
        authorized_clients=tmp_path / "authorized",
        nodes={"board": "porch", "phone": "busy"},
        queue=1000,
    ) as hub:
        publish = f"endpoints: ['pub+connect:{address}'], hub_key: hub.public, client_key: board.secret"
        with zmq.Context() as context, context.socket(zmq.XPUB) as busy:
            secure(busy, Curve(read_pair(keys.secret("phone")), read_public(keys.public("hub"))))
            busy.set(zmq.LINGER, 0)
            busy.connect(address)
            eventually(lambda: hub.receive(0.02) is None and bool(busy.poll(0)), "the busy one is let in")
            with publishing(tmp_path, publish):
                nodes: set[str] = set()

                def heard() -> bool:
                    for _ in range(20):  # so that there is always one more
                        busy.send_multipart(encode(vec(node="busy")))
                    nodes.add(hears(hub).node)
                    return nodes == {"busy", "porch"}

                eventually(heard, "the other board is let in, and heard")


@pytest.mark.parametrize(
    ("endpoints", "arguments", "why"),
    [
        ([A], {"server_key": "board.public"}, f"client_key: {A} needs our own secret key"),
        ([A], {"client_key": "phone.secret"}, "client_key: goes with the server_key"),
        ([A], {"authorized_clients": "authorized"}, "authorized_clients: goes with the server_key of a sub"),
        ([HUB], {"server_key": "hub.secret"}, "authorized_clients: .* needs the folder with the keys that it lets in"),
        (
            [HUB],
            {"server_key": "hub.secret", "authorized_clients": "authorized", "client_key": "phone.secret"},
            "client_key: goes with",
        ),
        ([A], {"server_key": {B: "board.public"}, "client_key": "phone.secret"}, f"no tcp:// endpoint is called '{B}'"),
        (["ipc://x"], {"server_key": "board.public", "client_key": "phone.secret"}, "keys are for tcp:// endpoints"),
    ],
)
def test_keys_that_do_not_go_together_are_refused(
    keys: Keys,
    tmp_path: Path,
    endpoints: list[str],
    arguments: dict[str, Any],
    why: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=why.replace("+", r"\+")):
        Subscriber(*endpoints, **arguments)


def test_a_key_file_that_cannot_be_used_is_a_config_error(keys: Keys, tmp_path: Path) -> None:
    keys.secret("phone").chmod(0o644)
    with pytest.raises(ConfigError, match="others than its owner have access to it"):
        Subscriber(A, server_key=keys.public("board"), client_key=keys.secret("phone"))
    with pytest.raises(ConfigError, match="holds a secret key"):
        Subscriber(A, server_key=keys.secret("board"), client_key=keys.secret("hub"))


# -- the manual -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 2])
def test_the_programs_in_the_manual_receive_a_board(tmp_path: Path, number: int) -> None:
    keys = Keys(tmp_path, "porch-server", "laptop-client")
    keys.authorize("laptop-client")
    publish = "server_key: porch-server.secret, authorized_clients: authorized"
    with publishing(tmp_path, f"endpoints: ['pub+bind:tcp://127.0.0.1:*'], {publish}") as board:
        program = program_of_manual(number, "tcp://porch:5556", board.address())
        assert "street" in first_line(program, tmp_path)


def test_the_hub_in_the_manual_receives_a_board(tmp_path: Path) -> None:
    keys = Keys(tmp_path, "hub-server", "porch-client")
    keys.authorize("porch-client")
    (tmp_path / "authorized").rename(tmp_path / "boards")
    address = f"tcp://127.0.0.1:{free_port()}"
    program = program_of_manual(1, "tcp://*:5557", address)
    publish = f"endpoints: ['pub+connect:{address}'], hub_key: hub-server.public, client_key: porch-client.secret"
    with publishing(tmp_path, publish):
        assert first_line(program, tmp_path).startswith("porch street")


def program_of_manual(number: int, address: str, instead: str) -> str:
    program = re.findall(r"```python\n(.*?)```", MANUAL, re.DOTALL)[number]
    assert program.count(address) == 1
    replaced: str = program.replace(address, instead)
    return replaced


def first_line(program: str, folder: Path) -> str:
    command = [sys.executable, "-u", "-c", program]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            return process.stdout.readline()
        finally:
            process.kill()


def test_the_manual_quotes_the_troubles() -> None:
    for said in (handshakes.REFUSED, handshakes.MISMATCH, handshakes.DISCONNECTS):
        assert said.partition(":")[0].partition(",")[0] in MANUAL
