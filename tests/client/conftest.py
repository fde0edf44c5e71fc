"""A publisher that stands in for the daemon: a real XPUB socket and real messages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
import zmq

from edged.wire import Drops, Latency, Match, Message, Status, Vec, encode

Publish: TypeAlias = Callable[..., "Publisher"]


class Publisher:
    """An XPUB socket as the daemon has it, used by the test's own thread."""

    def __init__(self, address: str) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self.context.socket(zmq.XPUB)
        self.socket.set(zmq.XPUB_VERBOSE, 1)
        self.socket.set(zmq.SNDHWM, 20)
        self.socket.set(zmq.SNDBUF, 16384)
        deadline = time.monotonic() + 5
        while True:
            try:
                self.socket.bind(address)
                break
            except zmq.ZMQError:  # the one before is still letting go of the port
                assert time.monotonic() < deadline
        endpoint = self.socket.get(zmq.LAST_ENDPOINT)
        assert isinstance(endpoint, bytes)
        self.address = endpoint.rstrip(b"\0").decode()

    def wait_for_subscription(self, count: int = 1) -> list[bytes]:
        """Wait until *count* subscriptions have come; what is sent from now on reaches who made them."""
        subscriptions: list[bytes] = []
        while len(subscriptions) < count:
            assert self.socket.poll(10_000), f"only these came: {subscriptions}"
            message = self.socket.recv()
            if message[:1] == b"\1":
                subscriptions.append(message[1:])
        return subscriptions

    def send(self, *messages: Message) -> None:
        for message in messages:
            self.socket.send_multipart(encode(message))

    def close(self) -> None:
        self.socket.close(linger=2000)
        self.context.term()


@pytest.fixture
def publish(tmp_path: Path) -> Iterator[Publish]:
    """Makes publishers: on an ``ipc://`` path of the test, or on the address that is given."""
    with ExitStack() as opened:

        def start(address: str = f"ipc://{tmp_path}/pub.sock") -> Publisher:
            publisher = Publisher(address)
            opened.callback(publisher.close)
            return publisher

        yield start


@pytest.fixture
def publisher(publish: Publish) -> Publisher:
    return publish()


@pytest.fixture
def vec() -> Callable[..., Vec]:
    """Makes ``vec`` messages of this moment; what is given replaces what is usual."""

    def make(seq: int = 0, camera: str = "street", region: str = "path", **other: Any) -> Vec:
        usual: dict[str, Any] = {
            "run": "5f3c9a0e12b4d678",
            "seq": seq,
            "node": "porch",
            "camera": camera,
            "region": region,
            "frame_seq": seq,
            "t_cap_us": time.monotonic_ns() // 1000,
            "t_wall_us": time.time_ns() // 1000,
            "ts_source": "arrival",
            "clock_synced": None,
            "lat_us": Latency(wait=300, pre=900, infer=10_200, sim=40, total=11_600),
            "dropped": Drops(capture=0, ring=0, publish=0),
            "rotation": 0,
            "roi": (0.0, 0.0, 1.0, 1.0),
            "model": "efficientnet-lite0",
            "space_id": "8a1f",
            "delegate": "xnnpack",
            "unchanged": False,
            "engine": "ai-edge-litert 2.3.0",
            "head": 0,
            "head_name": None,
            "dtype": "<f4",
            "shape": (1280,),
            "norm": "none",
            "scale": None,
            "sims": (Match("path-empty", 0.75), Match("path-busy", 0.5)),
            "refs": 2,
            "vector": np.full(1280, seq, dtype=np.float32),
        }
        return Vec(**usual | other)

    return make


@pytest.fixture
def status() -> Callable[..., Status]:
    """Makes ``status`` messages of this moment; what is given replaces what is usual."""

    def make(seq: int = 0, camera: str = "street", **other: Any) -> Status:
        now = time.time_ns() // 1000
        usual: dict[str, Any] = {
            "run": "5f3c9a0e12b4d678",
            "seq": seq,
            "node": "porch",
            "camera": camera,
            "state": "running",
            "reason": None,
            "since_us": now - 5_000_000,
            "t_wall_us": now,
            "fps_captured": 10.0,
            "fps_published": 10.0,
            "dropped": Drops(capture=0, ring=0, publish=0),
            "reopens": 0,
            "engine": "ai-edge-litert 2.3.0",
            "delegate": "xnnpack",
            "model": "efficientnet-lite0",
            "space_id": "8a1f",
            "config_hash": "c0ffee",
            "uptime_s": 5.0,
            "rss_bytes": 150_000_000,
            "temp_c": None,
            "throttled": None,
            "insecure": False,
            "bye": False,
        }
        return Status(**usual | other)

    return make
