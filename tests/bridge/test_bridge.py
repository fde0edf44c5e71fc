"""``edged bridge`` between a publisher with real sockets and a real mosquitto, either of which is killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edged.wire import Event, SetState
from tests.publishing import Publisher, state, status, vec

pytestmark = pytest.mark.once

if TYPE_CHECKING:
    from tests.bridge.conftest import Mosquitto, Reader

SOON = 20.0
CAMERA = "edged/porch/street"
PLACE = f"{CAMERA}/path/path-empty"
OWN = "edged/_bridge/rig"


def event(seq: int = 0, phase: str = "begin", **other: Any) -> Event:
    usual: dict[str, Any] = {
        "run": "5f3c9a0e12b4d678",
        "seq": seq,
        "node": "porch",
        "camera": "street",
        "region": "path",
        "event_id": f"5f3c-{seq // 2}",
        "phase": phase,
        "ref": "path-empty",
        "s": 0.95,
        "peak": 0.96,
        "reason": "left" if phase == "end" else None,
        "t_begin_us": 1,
        "t_cap_us": 1,
        "t_wall_us": 1,
        "frame_seq": seq,
        "space_id": "8a1f",
    }
    return Event(**usual | other)


class Board(Publisher):
    """A publisher that publishes the status of its camera as often as a daemon does."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._seq = 0
        self._thread = threading.Thread(target=self._tell)

    def begin(self, subscriptions: int = 4) -> None:
        """Wait for the bridge, and go on telling."""
        self.wait_for_subscription(subscriptions)
        self._thread.start()

    def send(self, *messages: Any) -> None:
        with self._lock:
            super().send(*messages)

    def send_slowly(self, *messages: Any) -> None:
        """One after the other, so that all of them find room."""
        for message in messages:
            self.send(message)
            self._ended.wait(0.02)

    def close(self) -> None:
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()
        super().close()

    def _tell(self) -> None:
        while True:
            self.send(status(self._seq))
            self._seq += 1
            if self._ended.wait(0.5):
                return


@contextmanager
def bridge(mosquitto: Mosquitto, address: str, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A running ``edged bridge``."""
    command = [sys.executable, "-m", "edged", "bridge", mosquitto.url, "--connect", address, "--name", "rig"]
    environ = {**os.environ, **environment}
    with subprocess.Popen([*command, *arguments], stderr=subprocess.PIPE, text=True, env=environ) as process:
        try:
            yield process
        finally:
            process.kill()


def end(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> str:
    """End it in order; return what it printed."""
    process.send_signal(number)
    _, said = process.communicate(timeout=SOON)
    assert process.returncode == 0, said
    return said


def start_again(mosquitto: Mosquitto, reader: Reader, process: subprocess.Popen[str]) -> None:
    """Start the broker without memory; the bridge connects after the reader, which would miss events otherwise."""
    process.send_signal(signal.SIGSTOP)
    reader.forget()
    mosquitto.start()
    reader.wait_until_there()
    process.send_signal(signal.SIGCONT)


def test_home_assistant_finds_every_entity_and_loses_those_that_are_gone(
    mosquitto: Mosquitto, reader: Reader, tmp_path: Path
) -> None:
    address = f"ipc://{tmp_path}/pub.sock"
    scores, sensors = "homeassistant/sensor/porch", "homeassistant/binary_sensor/porch"
    with Board(address) as board, bridge(mosquitto, address, "--score-seconds", "0.2") as process:
        board.begin()
        board.send(vec(0), event(0))
        reader.wait_for(f"{OWN}/availability", b"online")
        reader.wait_for(f"{CAMERA}/availability", b"online")
        reader.wait_for(f"{CAMERA}/state", b"running")
        reader.wait_for(f"{PLACE}/active", b"ON")
        reader.wait_for(f"{PLACE}/score", b"0.75")
        reader.wait_for(f"{CAMERA}/path/path-busy/score", b"0.5")
        score = json.loads(reader.states[f"{scores}/street_path_path-empty_score/config"])
        active = json.loads(reader.states[f"{sensors}/street_path_path-empty_active/config"])
        assert f"{sensors}/street_path_path-busy_active/config" not in reader.states, "it makes no events"
        assert score["state_topic"] == f"{PLACE}/score"
        assert active["state_topic"] == f"{PLACE}/active"
        assert score["unique_id"] != active["unique_id"]
        assert score["device"] == active["device"]
        assert [item["topic"] for item in active["availability"]] == [f"{OWN}/availability", f"{CAMERA}/availability"]
        reader.wait("the begin", lambda reader: f"{PLACE}/event" in reader.states)  # a score, of QoS 0, may overtake it
        assert json.loads(reader.states[f"{PLACE}/event"])["phase"] == "begin"

        bay = SetState("bay", "truck", {"empty": 0.03, "truck": 0.97}, 0.5)
        board.send(vec(1, states=(bay,)), state())
        reader.wait_for(f"{CAMERA}/path/bay", b"truck")
        decided = json.loads(reader.states[f"{scores}/street_path_bay_state/config"])
        assert (decided["state_topic"], decided["options"]) == (f"{CAMERA}/path/bay", ["empty", "truck", "unknown"])
        board.send(state("set-removed", state="unknown", seq=1))
        reader.wait_for(f"{CAMERA}/path/bay", b"")
        reader.wait_for(f"{scores}/street_path_bay_state/config", b"")

        board.send(event(1, "end"))
        reader.wait_for(f"{PLACE}/active", b"OFF")
        board.send(vec(2, sims=vec().sims[1:], refs=1))  # path-empty is no longer compared
        for topic in (
            f"{scores}/street_path_path-empty_score/config",
            f"{sensors}/street_path_path-empty_active/config",
            f"{PLACE}/active",
        ):
            reader.wait_for(topic, b"")
        end(process)
        reader.wait_for(f"{OWN}/availability", b"offline")
        reader.wait_for(f"{CAMERA}/availability", b"offline")


def test_after_a_broker_was_killed_every_event_and_state_reaches_it(
    mosquitto: Mosquitto, reader: Reader, tmp_path: Path
) -> None:
    address = f"ipc://{tmp_path}/pub.sock"
    with Board(address) as board, bridge(mosquitto, address) as process:
        board.begin()
        board.send(vec(0), event(0))
        reader.wait_for(f"{PLACE}/active", b"ON")
        mosquitto.kill()
        board.send_slowly(*(event(seq, "end" if seq % 2 else "begin") for seq in range(1, 41)))
        start_again(mosquitto, reader, process)
        reader.wait("all events", lambda reader: set(range(1, 41)) <= set(reader.seqs(f"{PLACE}/event")))
        reader.wait_for(f"{OWN}/availability", b"online")
        reader.wait_for(f"{CAMERA}/availability", b"online")
        reader.wait_for(f"{PLACE}/active", b"ON")
        assert "homeassistant/binary_sensor/porch/street_path_path-empty_active/config" in reader.states
        assert sorted(set(reader.seqs(f"{PLACE}/event"))) == reader.seqs(f"{PLACE}/event"), "in order, each once"
        said = end(process)
    assert said.count("connected to") == 2
    assert "it is tried again" in said


def test_a_daemon_that_is_killed_takes_its_cameras_offline_and_comes_back(
    mosquitto: Mosquitto, reader: Reader, tmp_path: Path
) -> None:
    address = f"ipc://{tmp_path}/pub.sock"
    with bridge(mosquitto, address, "--silent-seconds", "1.5") as process:
        with Board(address) as board:
            board.begin()
            board.send(event(0))
            reader.wait_for(f"{CAMERA}/availability", b"online")
            reader.wait_for(f"{PLACE}/active", b"ON")
        reader.wait_for(f"{CAMERA}/availability", b"offline")
        reader.wait_for(f"{CAMERA}/state", b"silent")
        assert reader.states[f"{OWN}/availability"] == b"online"
        with Publisher(address) as again:
            again.wait_for_subscription(4)
            again.send(status(0, run="another"))
            reader.wait_for(f"{CAMERA}/availability", b"online")
            reader.wait_for(f"{PLACE}/active", b"OFF")  # whatever was open is not open in another run
            again.send(status(1, run="another", state="stopped", bye=True))
            reader.wait_for(f"{CAMERA}/availability", b"offline")
            reader.wait_for(f"{CAMERA}/state", b"stopped")
        process.kill()
        reader.wait_for(f"{OWN}/availability", b"offline")  # the last will
        process.wait(SOON)
    reader.forget()
    with bridge(mosquitto, address, "--silent-seconds", "1") as process:
        reader.wait_for(f"{OWN}/availability", b"online")
        reader.wait_for(f"{CAMERA}/state", b"silent")
        end(process, signal.SIGINT)


def test_events_beyond_the_bound_are_dropped_and_counted(mosquitto: Mosquitto, reader: Reader, tmp_path: Path) -> None:
    address = f"ipc://{tmp_path}/pub.sock"
    with Board(address) as board, bridge(mosquitto, address, "--queue", "10") as process:
        board.begin()
        reader.wait_for(f"{CAMERA}/availability", b"online")
        mosquitto.kill()
        assert process.stderr is not None
        while "the connection broke" not in process.stderr.readline():
            assert process.poll() is None
        board.send_slowly(*(event(seq, "update") for seq in range(20)))
        start_again(mosquitto, reader, process)
        reader.wait("the last events", lambda reader: reader.seqs(f"{PLACE}/event") == list(range(10, 20)))
        reader.wait("the count", lambda reader: b'"events_dropped": 10' in reader.states.get(f"{OWN}/status", b""))
        assert "10 events were dropped" in end(process)


def test_a_password_from_the_environment_is_shown_nowhere(tmp_path: Path) -> None:
    from tests.bridge.conftest import MOSQUITTO, Mosquitto, Reader

    if MOSQUITTO is None:
        pytest.skip("mosquitto is not on this machine (scripts/subscribers-rig installs it)")
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "edged", "geheim"], check=True, timeout=SOON)
    passwords.chmod(0o644)
    tmp_path.chmod(0o755)
    mosquitto = Mosquitto(tmp_path, "allow_anonymous false", f"password_file {passwords}", "user root")
    reader = Reader(mosquitto.port, username="edged", password="geheim")
    address = f"ipc://{tmp_path}/pub.sock"
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "mqtt-password").write_text("geheim\n")
    try:
        with bridge(mosquitto, address, EDGED_MQTT_USERNAME="edged", EDGED_MQTT_PASSWORD="falsch") as process:
            assert process.stderr is not None
            said = [process.stderr.readline() for _ in range(2)]
            assert "Not authorized; it is tried again" in said[1]
            assert "falsch" not in "".join(said) + end(process)
        with bridge(mosquitto, address, EDGED_MQTT_USERNAME="edged", CREDENTIALS_DIRECTORY=str(credentials)) as process:
            reader.wait_for(f"{OWN}/availability", b"online")
            assert "geheim" not in end(process)
    finally:
        reader.close()
        mosquitto.kill()


def test_the_bridge_ends_in_time_while_a_broker_is_silent(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        command = [sys.executable, "-m", "edged", "bridge", f"mqtt://127.0.0.1:{mute.getsockname()[1]}"]
        command += ["--connect", f"ipc://{tmp_path}/none"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            mute.settimeout(SOON)
            connection, _ = mute.accept()
            with connection:
                begin = time.monotonic()
                end(process)
    assert time.monotonic() - begin < 5
