"""A publisher in place of the daemon: a real XPUB socket and real messages.

``python -m tests.publishing ADDRESS`` plays a daemon with three cameras until SIGTERM, as a stream for ``edged tail``.
"""

from __future__ import annotations

import argparse
import math
import secrets
import select
import signal
import time
from typing import Any, Self

import numpy as np
import zmq

from edged.bell import Bell
from edged.wire import Drops, Event, Latency, Match, Message, State, Status, Vec, encode

__all__ = ["Publisher", "event", "state", "status", "vec"]


def vec(seq: int = 0, camera: str = "street", region: str = "path", **other: Any) -> Vec:
    """A ``vec`` of this moment; arguments replace the usual values."""
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
    values = usual | other
    vector = values.pop("vector")
    return Vec(**values, payload=vector.view("u1").data)


def status(seq: int = 0, camera: str = "street", **other: Any) -> Status:
    """A ``status`` of this moment; arguments replace the usual values."""
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


def event(phase: str, **other: Any) -> Event:
    """An ``event`` of this moment, which began 12.4 s ago unless it begins; arguments replace the usual values."""
    now = time.time_ns() // 1000
    usual: dict[str, Any] = {
        "run": "5f3c9a0e12b4d678",
        "seq": 0,
        "node": "porch",
        "camera": "street",
        "region": "path",
        "event_id": "5f3c-1",
        "phase": phase,
        "ref": "path-empty",
        "s": 0.9,
        "peak": 0.97,
        "reason": "left" if phase == "end" else None,
        "t_begin_us": now if phase == "begin" else now - 12_400_000,
        "t_cap_us": time.monotonic_ns() // 1000,
        "t_wall_us": now,
        "frame_seq": 0,
        "space_id": "8a1f",
    }
    return Event(**usual | other)


def state(reason: str = "changed", **other: Any) -> State:
    """A ``state`` of this moment, which became so 12.4 s ago; arguments replace the usual values."""
    now = time.time_ns() // 1000
    usual: dict[str, Any] = {
        "run": "5f3c9a0e12b4d678",
        "seq": 0,
        "node": "porch",
        "camera": "street",
        "region": "path",
        "set": "bay",
        "state": "truck",
        "was": "empty",
        "p": 0.97,
        "novelty": 0.5,
        "t_since_us": now - 12_400_000,
        "t_cap_us": time.monotonic_ns() // 1000,
        "t_wall_us": now,
        "frame_seq": 0,
        "space_id": "8a1f",
        "reason": reason,
    }
    return State(**usual | other)


class Publisher:
    """An XPUB socket with the options of the daemon, for one thread."""

    def __init__(self, address: str, *, bind: bool = True) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self.context.socket(zmq.XPUB)
        self.socket.set(zmq.XPUB_VERBOSE, 1)
        self.socket.set(zmq.SNDHWM, 20)
        self.socket.set(zmq.SNDBUF, 16384)
        deadline = time.monotonic() + 5
        while True:
            try:
                (self.socket.bind if bind else self.socket.connect)(address)
                break
            except zmq.ZMQError:  # the one before has not closed the port yet
                assert time.monotonic() < deadline
        endpoint = self.socket.get(zmq.LAST_ENDPOINT)
        assert isinstance(endpoint, bytes)
        self.address = endpoint.rstrip(b"\0").decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait_for_subscription(self, count: int = 1) -> list[bytes]:
        """Wait until *count* subscriptions have come; messages sent from now on reach their subscribers."""
        subscriptions: list[bytes] = []
        while len(subscriptions) < count:
            assert self.socket.poll(20_000), f"only these came: {subscriptions}"
            message = self.socket.recv()
            if message[:1] == b"\1":
                subscriptions.append(message[1:])
        return subscriptions

    def send(self, *messages: Message) -> None:
        """Send those of *messages* for which there is room."""
        for message in messages:
            self.socket.send_multipart(encode(message))

    def close(self) -> None:
        """Close, after queued messages have gone."""
        self.socket.close(linger=2000)
        self.context.term()


CAMERAS = {"street": ("door", "path"), "yard": ("full",), "loading-bay-north": ("left-half",)}


def play(publisher: Publisher, ended: Bell, references: int) -> None:
    """Three cameras at ten frames a second: one well, one that is lost for half of each twenty seconds, one slow."""
    run, start, names = secrets.token_hex(8), time.monotonic(), ["path-busy", "path-empty", "fog", "snow", "night"]
    names += [f"reference-{number}" for number in range(references)]
    step = 0
    while not select.select([ended], [], [], 0.1)[0]:
        step += 1
        lost = step // 100 % 2 == 1
        for camera, regions in CAMERAS.items():
            common: dict[str, Any] = {
                "run": run,
                "camera": camera,
                "dropped": Drops(0, step // 7 if camera == "yard" else 0, 0),
            }
            if step % 20 == 1:
                state = {"state": "lost", "reason": "no frame for 5 s"} if lost and camera == "yard" else {}
                uptime = time.monotonic() - start
                publisher.send(status(seq=step // 20, uptime_s=uptime, temp_c=51.2, **common, **state))
            if camera == "yard" and lost:
                continue
            for region in regions:
                scores = [
                    Match(name, round(0.5 + 0.5 * math.sin(step / 30 + 2 * i), 6)) for i, name in enumerate(names)
                ]
                best = tuple(sorted(scores[:references], key=lambda match: -match.s))
                publisher.send(vec(seq=step - 1, region=region, sims=best, refs=references, **common))
    publisher.send(*(status(seq=step, run=run, camera=camera, state="stopped", bye=True) for camera in CAMERAS))


def main() -> None:
    """Play until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--references", type=int, default=2)
    args = parser.parse_args()
    ended = Bell()  # an Event that a signal handler sets could deadlock on its own lock
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.ring())
    with Publisher(args.address) as publisher:
        print(publisher.address, flush=True)
        play(publisher, ended, args.references)


if __name__ == "__main__":
    main()
