"""Only authorized clients receive messages: over real sockets, with keys from the configuration."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import zmq

from edged.client import Subscriber
from edged.config import ConfigFileError
from edged.errors import ConfigError
from edged.pipeline.loading.keyring import Keyring, read_keyring
from edged.transport.curve import secure
from edged.wire import Message, Status, Vec
from tests.fakes import eventually
from tests.keyed import SERVER, Board, Keys, free_port, publishing

pytestmark = pytest.mark.once

SOON = 20.0
SHORT = 0.4  # seconds without a message, where a hundred a second would come


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """Pairs of a board, a hub and two phones; nobody is authorized."""
    return Keys(tmp_path, "board", "hub", "phone", "tablet")


@contextmanager
def listening(board: Board, keys: Keys, name: str, server: str = "board", index: int = 0) -> Iterator[Subscriber]:
    with Subscriber(board.address(index), server_key=keys.public(server), client_key=keys.secret(name)) as subscriber:
        yield subscriber


def hears(subscriber: Subscriber) -> Vec:
    message = subscriber.receive(SOON)
    assert isinstance(message, Vec), f"nothing comes: {subscriber.troubles}"
    return message


def drained(subscriber: Subscriber) -> list[Message]:
    """All messages until none comes for a while."""
    return list(iter(lambda: subscriber.receive(SHORT), None))


def hears_no_more(subscriber: Subscriber) -> None:
    """Messages on their way have come, and then none does."""
    assert len(drained(subscriber)) < 1000
    assert subscriber.receive(SHORT) is None


def troubled(subscriber: Subscriber, word: str) -> None:
    """The subscriber reports a sentence with *word*, and receives nothing."""

    def told() -> bool:
        assert subscriber.receive(0.05) is None
        return any(word in trouble for trouble in subscriber.troubles.values())

    eventually(told, f"a trouble with {word!r}", SOON)


# -- authorized clients -----------------------------------------------------------------------------------------------


def test_an_authorized_client_receives_messages(keys: Keys, tmp_path: Path) -> None:
    keys.authorize("phone", "tablet")
    with (
        publishing(tmp_path) as board,
        listening(board, keys, "phone") as phone,
        listening(board, keys, "tablet") as tablet,
    ):
        assert hears(phone).vector.shape == (4,)
        assert hears(tablet).camera == "street"
        assert not phone.troubles
        assert board.stage.refused_keys == 0


def test_a_client_that_is_not_authorized_receives_nothing_is_informed_and_counted(
    keys: Keys, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys.authorize("phone")
    with publishing(tmp_path) as board, listening(board, keys, "tablet") as tablet:
        troubled(tablet, "our key is refused there")
        assert board.stage.refused_keys >= 1
    tablet_key = keys.public("tablet").read_text().split('"')[1]
    refusals = [record.message for record in caplog.records if "refused" in record.message]
    assert refusals == [f"client of 127.0.0.1 is refused: its public key {tablet_key} is not authorized"]


def test_a_client_that_is_authorized_later_gets_in_without_a_restart(
    keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edged.transport.handshakes.RECONNECT_SECONDS", 0.5)
    with publishing(tmp_path) as board, listening(board, keys, "phone") as phone:
        troubled(phone, "our key is refused there")
        keys.authorize("phone")
        board.stage.reload_keys()
        hears(phone)
        assert not phone.troubles


def test_the_client_key_alone_decides_and_not_the_knowledge_of_the_server_key(keys: Keys, tmp_path: Path) -> None:
    """The public key of an authorized client is no secret; without its secret half it is of no use."""
    keys.authorize("phone")
    with publishing(tmp_path) as board, zmq.Context() as context, context.socket(zmq.SUB) as thief:
        thief.set(zmq.LINGER, 0)
        thief.set(zmq.CURVE_SERVERKEY, keys.make("copy").public)
        thief.set(zmq.CURVE_SERVERKEY, keys.public("board").read_text().split('"')[1].encode())
        thief.set(zmq.CURVE_PUBLICKEY, keys.public("phone").read_text().split('"')[1].encode())
        thief.set(zmq.CURVE_SECRETKEY, keys.secret("tablet").read_text().split('"')[3].encode())
        thief.subscribe(b"")
        thief.connect(board.address())
        assert not thief.poll(1000)


def test_a_client_with_another_server_key_receives_nothing_and_is_informed(keys: Keys, tmp_path: Path) -> None:
    keys.authorize("phone")
    with publishing(tmp_path) as board, listening(board, keys, "phone", server="hub") as phone:
        troubled(phone, "our copy of its public key may be wrong")


def test_a_client_without_keys_receives_nothing_and_is_informed(keys: Keys, tmp_path: Path) -> None:
    with publishing(tmp_path) as board, Subscriber(board.address()) as plain:
        troubled(plain, "one end uses CURVE keys and the other does not")
        with zmq.Context() as context, context.socket(zmq.SUB) as foreign:
            foreign.set(zmq.LINGER, 0)
            foreign.subscribe(b"")
            foreign.connect(board.address())
            assert not foreign.poll(1000)


def test_a_client_with_keys_receives_nothing_from_a_board_without_and_is_informed(keys: Keys, tmp_path: Path) -> None:
    with (
        publishing(tmp_path, "endpoints: ['pub+bind:tcp://127.0.0.1:*']") as board,
        listening(board, keys, "phone") as phone,
    ):
        troubled(phone, "one end uses CURVE keys and the other does not")


def test_a_socket_file_needs_no_keys(keys: Keys, tmp_path: Path) -> None:
    endpoints = f"endpoints: ['pub+bind:ipc://pub.sock', 'pub+bind:tcp://127.0.0.1:*'], {SERVER}"
    with publishing(tmp_path, endpoints) as board, Subscriber(f"ipc://{tmp_path}/pub.sock") as local:
        hears(local)
        with Subscriber(board.address(1)) as plain:
            assert plain.receive(1) is None


def test_without_the_gate_no_client_gets_in(keys: Keys, tmp_path: Path) -> None:
    """libzmq admits every key where no gate answers, unless a setting forbids it."""
    keys.authorize("phone")
    with publishing(tmp_path) as board:
        pub_sockets = board.stage._pub_sockets
        assert pub_sockets._gate is not None
        with zmq.Context() as context, context.socket(zmq.XPUB) as unguarded:
            curve = pub_sockets._pub_sockets[0].curve
            secure(unguarded, curve)
            unguarded.bind("tcp://127.0.0.1:*")
            address = unguarded.get_string(zmq.LAST_ENDPOINT)
            with Subscriber(address, server_key=keys.public("board"), client_key=keys.secret("phone")) as phone:
                assert phone.receive(0.5) is None
                assert not unguarded.poll(0)


# -- revoked clients --------------------------------------------------------------------------------------------------


def test_a_revoked_client_is_cut_off_at_once_and_the_others_go_on(keys: Keys, tmp_path: Path) -> None:
    keys.authorize("phone", "tablet")
    with (
        publishing(tmp_path) as board,
        listening(board, keys, "phone") as phone,
        listening(board, keys, "tablet") as tablet,
    ):
        run = hears(tablet).run
        hears(phone)
        keys.revoke("phone")
        board.stage.reload_keys()
        eventually(lambda: board.stage.refused_keys > 0, "the phone calls again, and is refused")
        hears_no_more(phone)
        drained_at = board.sent
        while (message := hears(tablet)).frame_seq < drained_at:
            pass
        assert message.run == run
        assert not tablet.restarts
        assert tablet.gaps.total() < 500  # those sent while it came back


def test_a_revoked_client_that_does_not_read_is_cut_off_too(keys: Keys, tmp_path: Path) -> None:
    keys.authorize("phone")
    with publishing(tmp_path, every=0.0005) as board, listening(board, keys, "phone") as phone:
        hears(phone)
        eventually(lambda: board.sent > 3000, "every queue between the two is full")
        assert established(board) == 1
        keys.revoke("phone")
        cut = board.sent
        board.stage.reload_keys()
        eventually(lambda: established(board) == 0, "the board has hung up")
        # Messages in the kernels may still come, and then it is refused.
        while board.stage.refused_keys == 0:
            message = phone.receive(SHORT)
            assert not isinstance(message, Vec) or message.frame_seq <= cut + 50
        hears_no_more(phone)


def established(board: Board) -> int:
    """How many connections the board has at its port, as the kernel sees it."""
    port = f":{int(board.address().rpartition(':')[2]):04X}"
    rows = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(port) and row[3] == "01" for row in rows)


def test_revoking_an_absent_client_disturbs_no_other(keys: Keys, tmp_path: Path) -> None:
    keys.authorize("phone", "tablet")
    with publishing(tmp_path) as board, listening(board, keys, "phone") as phone:
        hears(phone)
        keys.revoke("tablet")
        board.stage.reload_keys()
        keys.authorize("hub")
        board.stage.reload_keys()
        for _ in range(100):
            hears(phone)
        assert phone.gaps.total() == 0


def test_a_bad_key_file_changes_nothing_when_keys_are_read_again(keys: Keys, tmp_path: Path) -> None:
    keys.authorize("phone")
    with publishing(tmp_path) as board, listening(board, keys, "phone") as phone:
        hears(phone)
        keys.revoke("phone")
        (tmp_path / "authorized" / "bad.public").write_text("curve\n    public-key = oops\n")
        with pytest.raises(ConfigFileError, match=r"publish\.authorized_clients: .*bad\.public:2: must be"):
            board.stage.reload_keys()
        for _ in range(100):
            hears(phone)
        assert phone.gaps.total() == 0


def test_the_port_is_free_before_it_is_bound_again_however_often(keys: Keys, tmp_path: Path) -> None:
    keys.authorize("phone")
    with publishing(tmp_path) as board, listening(board, keys, "phone") as phone:
        hears(phone)
        for _ in range(30):
            keys.make("board")  # another key, and so every connection is cut
            board.stage.reload_keys().result(10)
            assert board.stage.error is None
        with listening(board, keys, "phone") as again:
            hears(again)


# -- new keys for old -------------------------------------------------------------------------------------------------


def test_a_new_server_key_in_the_place_of_the_old_one_is_the_only_one_that_counts(keys: Keys, tmp_path: Path) -> None:
    keys.authorize("phone", "tablet")
    with publishing(tmp_path) as board, listening(board, keys, "phone") as old:
        hears(old)
        keys.make("board")
        board.stage.reload_keys()
        with listening(board, keys, "tablet") as new:
            hears(new)
        hears_no_more(old)
        troubled(old, "our copy of its public key may be wrong")


def test_keys_can_be_given_up_and_taken_again_at_the_same_port(
    keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edged.transport.handshakes.RECONNECT_SECONDS", 0.5)
    keys.authorize("phone")
    publish = f"endpoints: ['pub+bind:tcp://127.0.0.1:{free_port()}'], {SERVER}"
    with publishing(tmp_path, publish) as board:
        board.stage.use(board.stage._settings, Keyring()).result(10)
        with Subscriber(board.address()) as anybody, listening(board, keys, "phone") as phone:
            hears(anybody)
            troubled(phone, "one end uses CURVE keys and the other does not")
            board.stage.use(board.stage._settings, read_keyring(board.loaded)).result(10)
            hears(phone)
            hears_no_more(anybody)


def test_two_endpoints_have_two_keys_while_clients_move_over(keys: Keys, tmp_path: Path) -> None:
    keys.authorize("phone", "tablet")
    keys.make("next")
    old, new = (free_port() for _ in range(2))
    publish = (
        f"endpoints: ['pub+bind:tcp://127.0.0.1:{old}', 'pub+bind:tcp://127.0.0.1:{new}'], authorized_clients: "
        f"authorized, server_key: {{'pub+bind:tcp://127.0.0.1:{old}': board.secret, "
        f"'pub+bind:tcp://127.0.0.1:{new}': next.secret}}"
    )
    with (
        publishing(tmp_path, publish) as board,
        listening(board, keys, "phone", "board", 0) as stays,
        listening(board, keys, "tablet", "next", 1) as moves,
        listening(board, keys, "tablet", "board", 1) as mistaken,
    ):
        assert hears(stays).run == hears(moves).run
        troubled(mistaken, "our copy of its public key may be wrong")


# -- calling a hub ----------------------------------------------------------------------------------------------------

CLIENT = "hub_key: hub.public, client_key: board.secret"


@contextmanager
def hub(keys: Keys, port: int, server: str = "hub") -> Iterator[Subscriber]:
    with Subscriber(
        f"sub+bind:tcp://127.0.0.1:{port}",
        server_key=keys.secret(server),
        authorized_clients=keys.folder / "authorized",
        nodes={"board": "porch"},
    ) as subscriber:
        yield subscriber


def test_a_board_calls_a_hub_that_knows_it(keys: Keys, tmp_path: Path) -> None:
    keys.authorize("board")
    port = free_port()
    with (
        hub(keys, port) as listener,
        publishing(tmp_path, f"endpoints: ['pub+connect:tcp://127.0.0.1:{port}'], {CLIENT}"),
    ):
        assert hears(listener).node == "porch"


def test_a_hub_that_does_not_know_the_board_yet_receives_its_messages_later(
    keys: Keys, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edged.transport.handshakes.RECONNECT_SECONDS", 0.5)
    caplog.set_level(logging.INFO)
    port = free_port()
    endpoint = f"pub+connect:tcp://localhost:{port}"
    with publishing(tmp_path, f"endpoints: ['{endpoint}'], {CLIENT}"):
        with hub(keys, port) as listener:
            eventually(
                lambda: listener.receive(0.05) is None and "our key is refused there" in caplog.text, "a refusal"
            )
        keys.authorize("board")
        with hub(keys, port) as listener:
            hears(listener)
            eventually(lambda: f"pub+connect:tcp://127.0.0.1:{port}: connected" in caplog.text, "it is told")
    assert caplog.text.count("our key is refused there") == 1  # though it was refused again and again


def test_a_hub_with_another_key_receives_nothing(keys: Keys, tmp_path: Path) -> None:
    keys.authorize("board")
    port = free_port()
    with (
        hub(keys, port, server="phone") as impostor,
        publishing(tmp_path, f"endpoints: ['pub+connect:tcp://127.0.0.1:{port}'], {CLIENT}"),
    ):
        assert impostor.receive(1) is None


def test_a_board_gets_another_key_of_its_own_for_the_hub(keys: Keys, tmp_path: Path) -> None:
    keys.authorize("board")
    port = free_port()
    with (
        hub(keys, port) as listener,
        publishing(tmp_path, f"endpoints: ['pub+connect:tcp://127.0.0.1:{port}'], {CLIENT}") as board,
    ):
        hears(listener)
        keys.make("board")
        board.stage.reload_keys()
        hears_no_more(listener)


# -- problems at the start --------------------------------------------------------------------------------------------


def test_a_secret_that_others_can_read_keeps_the_publisher_from_starting(keys: Keys, tmp_path: Path) -> None:
    keys.secret("board").chmod(0o640)
    board = Board(tmp_path, f"endpoints: ['pub+bind:tcp://127.0.0.1:*'], {SERVER}")
    board.start()
    board.stop()
    assert isinstance(board.stage.error, ConfigError)
    assert f"publish.server_key: {tmp_path}/board.secret: a secret key, and others" in str(board.stage.error)
    assert f"run 'chmod 600 {tmp_path}/board.secret'" in str(board.stage.error)


def test_all_wrong_key_files_are_reported_at_once(keys: Keys, tmp_path: Path) -> None:
    keys.secret("board").write_text("garbage")
    keys.public("hub").unlink()
    (tmp_path / "authorized").rmdir()
    publish = f"endpoints: ['pub+bind:tcp://*:*', 'pub+connect:tcp://hub:1'], {SERVER}, {CLIENT}"
    board = Board(tmp_path, publish)
    with pytest.raises(ConfigFileError) as told:
        board.stage.reload_keys()
    board.stop()
    places = [problem.path for problem in told.value.problems]
    assert places == ["publish.server_key", "publish.authorized_clients", "publish.hub_key", "publish.client_key"]


def test_clear_text_is_reported_in_every_status_and_in_the_log(
    keys: Keys, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for publish, insecure in (
        ("endpoints: ['pub+bind:tcp://0.0.0.0:*'], insecure: true", True),
        (f"endpoints: ['pub+bind:tcp://0.0.0.0:*'], insecure: true, {SERVER}", False),
        ("endpoints: ['pub+bind:tcp://127.0.0.1:*'], insecure: true", False),
    ):
        keys.authorize("phone")
        caplog.clear()
        server, own = (keys.public("board"), keys.secret("phone")) if SERVER in publish else (None, None)
        with (
            publishing(tmp_path, publish) as board,
            Subscriber(board.address(), kinds="status", server_key=server, client_key=own) as subscriber,
        ):
            message = subscriber.receive(SOON)
        assert isinstance(message, Status)
        assert message.insecure is insecure
        assert ("is in clear text: everybody on the network can read along" in caplog.text) is insecure


# -- refused clients --------------------------------------------------------------------------------------------------


def test_a_crowd_of_refused_clients_takes_nothing_from_admitted_ones(keys: Keys, tmp_path: Path) -> None:
    keys.authorize("phone")
    with publishing(tmp_path) as board, listening(board, keys, "phone") as phone, ExitStack() as crowd:
        hears(phone)
        knocked = threading.Event()
        names = ("tablet", "hub")

        def knock() -> None:
            while not knocked.is_set():
                for name in names:
                    with listening(board, keys, name) as stranger:
                        stranger.receive(0.02)

        thread = threading.Thread(target=knock)
        thread.start()
        crowd.callback(thread.join)
        crowd.callback(knocked.set)
        begin, first = time.monotonic(), board.sent
        while board.stage.refused_keys < 50:
            hears(phone)
        rate = (board.sent - first) / (time.monotonic() - begin)
        assert phone.gaps.total() == 0
        assert rate > 20  # of the hundred a second, on whatever machine this is and whatever else it does


def test_garbage_at_the_port_is_ignored(keys: Keys, tmp_path: Path) -> None:
    keys.authorize("phone")
    with publishing(tmp_path) as board, listening(board, keys, "phone") as phone:
        hears(phone)
        host, port = board.address().removeprefix("tcp://").split(":")
        greeting = b"\xff" + b"\0" * 8 + b"\x7f\x03\x01CURVE" + b"\0" * 15 + b"\0" * 32
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\0" * 5000, greeting + b"\x04\xc8" + b"x" * 200, greeting * 9):
            with socket.create_connection((host, int(port))) as rude:
                rude.sendall(garbage)
        for _ in range(100):
            hears(phone)
        assert phone.gaps.total() == 0


def test_no_log_contains_a_secret(keys: Keys, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    keys.authorize("phone")
    with publishing(tmp_path) as board, listening(board, keys, "phone") as phone, listening(board, keys, "hub") as hub:
        hears(phone)
        troubled(hub, "refused")
        board.stage.reload_keys()
        hears(phone)
    assert "is let in" in caplog.text
    for name in ("board", "phone", "hub"):
        assert keys.secret(name).read_text().split('"')[3] not in caplog.text
