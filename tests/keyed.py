"""A publisher with keys, as the daemon has it: real key files, a real configuration, real sockets over tcp."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edged.bell import Bell
from edged.config import load_text
from edged.pipeline.camera_stats import CameraStats
from edged.pipeline.demand import Demand
from edged.pipeline.handover import Handover
from edged.pipeline.loading.keyring import read_keyring
from edged.pipeline.publisher.settings import PublisherSettings
from edged.pipeline.publisher.stage import Publisher
from edged.pipeline.result import ModelFacts, Result
from edged.regions import FULL
from edged.transport.keys import KeyPair, new_pair, read_pair, write_pair
from edged.values import ReferenceScore, Stamp

__all__ = ["SERVER", "Board", "Keys", "free_port", "publishing"]

FACTS = ModelFacts("tiny", "0123456789abcdef", "engine 1", "none", 0, "feature", "<f4", 4, "none", None)
SERVER = "server_key: board.secret, authorized_clients: authorized"


class Keys:
    """A folder with key files, and in it the folder ``authorized``."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.folder = folder
        (folder / "authorized").mkdir(mode=0o755)
        for name in names:
            self.make(name)

    def make(self, name: str) -> KeyPair:
        """A new pair of files under *name*, in the place of what was there."""
        for path in (self.secret(name), self.public(name)):
            path.unlink(missing_ok=True)
        write_pair(new_pair(), self.secret(name), self.public(name))
        return read_pair(self.secret(name))

    def secret(self, name: str) -> Path:
        return self.folder / f"{name}.secret"

    def public(self, name: str) -> Path:
        return self.folder / f"{name}.public"

    def authorize(self, *names: str) -> None:
        """Let these be known."""
        for name in names:
            (self.folder / "authorized" / f"{name}.public").write_bytes(self.public(name).read_bytes())

    def revoke(self, name: str) -> None:
        (self.folder / "authorized" / f"{name}.public").unlink()


class Board:
    """A publisher of one camera whose section ``publish`` is given as YAML, and who hands it results."""

    def __init__(self, folder: Path, publish: str, every: float = 0.01) -> None:
        text = f"node: porch\ncameras: {{street: {{source: 'file:a.mp4'}}}}\npublish: {{{publish}}}\n"
        self.loaded = load_text(text, folder / "edged.yaml")
        self.bell = Bell()
        self.handover = Handover(8, self.bell)
        settings = PublisherSettings(
            node="porch",
            endpoints=self.loaded.config.publish.endpoints,
            messages_per_second=100,
            config_hash="cafe",
            max_connections=self.loaded.config.publish.max_connections,
            read_keys=lambda: read_keyring(self.loaded),
        )
        self.stage = Publisher(settings, self.handover, self.bell, [CameraStats("street", self.bell.ring)], Demand())
        self.handover.open(FACTS)
        self.sent = 0
        self._every = every
        self._enough = threading.Event()
        self._feeder = threading.Thread(target=self._feed, name="feeder")

    def address(self, index: int = 0) -> str:
        """Where the endpoint of this *index* is to be found."""
        return self.stage._pub_sockets._pub_sockets[index].address.replace("0.0.0.0", "127.0.0.1")

    def start(self) -> None:
        self.stage.start(lambda: None)
        assert self.stage.wait_open(10)

    def feed(self) -> None:
        """Publish a vector every so many seconds from now on."""
        self._feeder.start()

    def stop(self) -> None:
        self._enough.set()
        if self._feeder.is_alive():
            self._feeder.join()
        self.stage.stop()
        assert self.stage.join(10)
        self.bell.close()

    def put(self) -> None:
        """Do what the worker does for one frame."""
        vector = self.handover.borrow(10)
        assert vector is not None, "the publisher did not give a vector back"
        vector[:] = self.sent
        stamp, matches = Stamp(time.monotonic_ns(), "arrival"), (ReferenceScore("near", 0.5),)
        self.handover.put(Result("street", "full", FULL, 0, self.sent, stamp, 1, 1, 1, 1, 1, matches, 1, vector, FACTS))
        self.sent += 1

    def _feed(self) -> None:
        while not self._enough.wait(self._every):
            self.put()


@contextmanager
def publishing(
    folder: Path, publish: str = f"endpoints: ['pub+bind:tcp://127.0.0.1:*'], {SERVER}", *, every: float = 0.01
) -> Iterator[Board]:
    """A board that has opened its sockets and publishes a vector *every* so many seconds."""
    board = Board(folder, publish, every)
    board.start()
    try:
        assert board.stage.error is None
        board.feed()
        yield board
    finally:
        board.stop()
        assert board.stage.error is None


def free_port() -> int:
    """A port of this machine that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
