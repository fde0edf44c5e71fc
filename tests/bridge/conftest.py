"""A real broker on loopback, and a client that reads all that is published there."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.keyed import free_port

SOON = 20.0
MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/bin")


class Mosquitto:
    """A broker that can be killed and started again, without its memory."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        lines = [f"listener {self.port} 127.0.0.1", *(settings or ["allow_anonymous true"])]
        self._config.write_text("\n".join(lines) + "\n")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        assert MOSQUITTO is not None
        command = [MOSQUITTO, "-c", str(self._config)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self._listens)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Reader:
    """Reads all that is published at a broker; connects again by itself."""

    def __init__(self, port: int, **login: Any) -> None:
        self.states: dict[str, bytes] = {}
        """The last payload by topic."""
        self.heard: list[tuple[str, bytes]] = []
        self._news = threading.Condition()
        self._is_there = False
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2)
        if login:
            self.client.username_pw_set(**login)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self.client.on_subscribe = self._on_subscribe
        self.client.on_disconnect = self._on_disconnect
        self.client.on_message = self._on_message
        self.client.connect_async("127.0.0.1", port)
        self.client.loop_start()

    def wait(self, what: str, is_so: Callable[[Reader], bool], seconds: float = SOON) -> None:
        """Wait until *is_so* returns True."""
        with self._news:
            assert self._news.wait_for(lambda: is_so(self), seconds), f"{what}: no; {self.heard[-5:]}"

    def wait_for(self, topic: str, payload: bytes, seconds: float = SOON) -> None:
        """Wait until *payload* is the last word on *topic*."""
        self.wait(f"{topic} = {payload!r}", lambda reader: reader.states.get(topic) == payload, seconds)

    def wait_until_there(self) -> None:
        """Wait until nothing that is published from now on is missed."""
        with self._news:
            assert self._news.wait_for(lambda: self._is_there, SOON)

    def forget(self) -> None:
        with self._news:
            self.states.clear()
            self.heard.clear()

    def seqs(self, topic: str) -> list[int]:
        """The numbers of the events that were heard."""
        return [json.loads(payload)["seq"] for heard, payload in self.heard if heard == topic]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _on_subscribe(self, *_: object) -> None:
        with self._news:
            self._is_there = True
            self._news.notify_all()

    def _on_disconnect(self, *_: object) -> None:
        with self._news:
            self._is_there = False

    def _on_message(self, _: mqtt.Client, __: object, message: mqtt.MQTTMessage) -> None:
        with self._news:
            self.states[message.topic] = bytes(message.payload)
            self.heard.append((message.topic, bytes(message.payload)))
            self._news.notify_all()


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker that lets every client in."""
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not on this machine (scripts/subscribers-rig installs it)")
    broker = Mosquitto(tmp_path)
    yield broker
    broker.kill()


@pytest.fixture
def reader(mosquitto: Mosquitto) -> Iterator[Reader]:
    """A client that reads all that is published at that broker."""
    reader = Reader(mosquitto.port)
    reader.wait_until_there()
    yield reader
    reader.close()


def until(is_so: Callable[[], bool], seconds: float = SOON) -> None:
    """Wait until *is_so* returns True."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not is_so():
        assert time.monotonic() < deadline
        pause.wait(0.02)
