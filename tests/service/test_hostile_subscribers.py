"""Peers of the publish port that attack a whole daemon, beside a good camera and a good subscriber.

Whatever they do, the good subscriber gets every message, without a pause of a second; the daemon needs hardly more
memory; and when they are gone, their descriptors are too.
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import islice
from pathlib import Path

import pytest
import zmq

from edged.client import Subscriber
from edged.transport.curve import Curve, secure
from edged.transport.keys import read_pair, read_public
from edged.wire import Vec
from scripts.soaking.vitals import vitals
from tests.fakes import eventually
from tests.keyed import SERVER, Keys, free_port
from tests.raw_subscriber import connected
from tests.stopwatch import stopwatch

pytestmark = [pytest.mark.timed, pytest.mark.once]

ATTACK_SECONDS = 3.0
LONGEST_SILENCE = 1.0
MOST_CONNECTIONS = 256
MORE_MEMORY = 50 << 20
CONFIG = """\
model: {{name: efficientnet-lite0-int8, num_threads: 1}}
cameras:
  street: {{source: "file:{demo}/street.mp4", loop: true, fps: 20}}
publish: {{endpoints: ["pub+bind:tcp://127.0.0.1:{port}"]{keys}}}
"""


class Target:
    """A daemon, and what it takes to connect to it."""

    def __init__(self, folder: Path, demo: Path, *, secured: bool) -> None:
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self._keys = Keys(folder, "board", "phone", "enemy") if secured else None
        if self._keys:
            self._keys.authorize("phone", "enemy")
        port = self.address.rpartition(":")[2]
        self.config = folder / "edged.yaml"
        self.config.write_text(CONFIG.format(demo=demo, port=port, keys=f", {SERVER}" if secured else ""))
        self.process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None, "it runs"
        return self.process.pid

    @contextmanager
    def running(self, log: Path) -> Iterator[None]:
        command = ["sh", "-c", 'ulimit -Sn 1024; exec "$0" -m edged run -c "$1"', sys.executable, str(self.config)]
        with log.open("w") as file:
            self.process = subprocess.Popen(command, stderr=file, text=True)
        try:
            yield
            with stopwatch() as watch:
                self.process.terminate()
                assert self.process.wait(20) == 0, log.read_text()
            assert watch.seconds < 5  # of which it needs a fraction where nothing else runs
        finally:
            self.process.kill()
            self.process.wait()

    def phone(self) -> Subscriber:
        """A good subscriber."""
        keys = self._keys
        return Subscriber(
            self.address,
            kinds=("vec",),
            queue=1000,
            queue_bytes=1 << 20,
            server_key=keys.public("board") if keys else None,
            client_key=keys.secret("phone") if keys else None,
        )

    @contextmanager
    def enemy(self) -> Iterator[zmq.Socket[bytes]]:
        """A socket that can send anything into the port; its key is authorized."""
        with zmq.Context() as context, context.socket(zmq.XSUB) as socket:
            socket.set(zmq.LINGER, 0)
            socket.set(zmq.SNDTIMEO, 50)
            if self._keys:
                secure(socket, Curve(read_pair(self._keys.secret("enemy")), read_public(self._keys.public("board"))))
            socket.connect(self.address)
            yield socket


class Watch:
    """What a good subscriber and the kernel see of the daemon."""

    def __init__(self, target: Target, phone: Subscriber) -> None:
        self.longest_silence = 0.0
        self.more_memory = self.more_descriptors = 0
        self._messages = 0
        self._target, self._phone = target, phone
        for _ in range(20):
            assert isinstance(phone.receive(30), Vec)
        self.before = vitals(target.pid, 0)
        self._last = time.monotonic()

    def look(self, goes_on: Callable[[], bool]) -> None:
        """Look for as long as *goes_on* says."""
        while goes_on():
            message = self._phone.receive(0.1)
            now = time.monotonic()
            self.longest_silence = max(self.longest_silence, now - self._last)
            if message is not None:
                self._messages, self._last = self._messages + 1, now
            during = vitals(self._target.pid, 0)
            self.more_memory = max(self.more_memory, during.resident - self.before.resident)
            self.more_descriptors = max(self.more_descriptors, during.fds - self.before.fds)

    def __str__(self) -> str:
        return (
            f"{self._messages} messages, {self._phone.gaps.total()} lost, longest silence {self.longest_silence:.2f} s"
            f", memory {self.more_memory / 1e6:+.1f} MB, {self.more_descriptors} descriptors more"
        )


Over = Callable[[], bool]
Attack = Callable[[Target, Over], None]


def silent_connections(target: Target, is_over: Over) -> None:
    """More than the daemon has descriptors."""
    with ExitStack() as crowd:
        for _ in range(1050):
            crowd.enter_context(connected(target.address))
        while not is_over():
            threading.Event().wait(0.05)


def messages(target: Target, is_over: Over) -> None:
    """Sent into a port that only sends."""
    with target.enemy() as enemy:
        while not is_over():
            with suppress(zmq.Again):
                enemy.send(b"x" * 60_000)


def long_subscriptions(target: Target, is_over: Over) -> None:
    """A thousand of 60 KB."""
    with target.enemy() as enemy:
        for number in range(1000):
            with suppress(zmq.Again):
                enemy.send(b"\1%04d" % number + b"x" * 60_000)
            if is_over():
                break
        while not is_over():
            threading.Event().wait(0.05)


def many_subscriptions(target: Target, is_over: Over) -> None:
    """300,000 short ones, from a peer that stays for as long as it is let."""
    with target.enemy() as enemy:
        for topic in _short_topics():
            with suppress(zmq.Again):
                enemy.send(b"\1" + topic)
            if is_over():
                break
        while not is_over():
            threading.Event().wait(0.05)


def subscriptions_and_an_end(target: Target, is_over: Over) -> None:
    """As many, from peers that hang up then."""
    while not is_over():
        with target.enemy() as enemy:
            for topic in islice(_short_topics(), 50_000):
                with suppress(zmq.Again):
                    enemy.send(b"\1" + topic)
                if is_over():
                    break


def _short_topics() -> Iterator[bytes]:
    """Topics that have little in common: each costs a tree of prefixes many nodes."""
    number = random.Random(7)
    return (b"%064x" % number.getrandbits(256) for _ in range(300_000))


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_descriptors")
@pytest.mark.parametrize("secured", [False, True], ids=["in clear", "with keys"])
@pytest.mark.parametrize(
    "attack", [silent_connections, messages, long_subscriptions, many_subscriptions, subscriptions_and_an_end]
)
def test_an_attack_is_not_noticed_by_a_good_subscriber(
    attack: Attack, secured: bool, tmp_path: Path, demo: Path
) -> None:
    target, log = Target(tmp_path, demo, secured=secured), tmp_path / "log"
    with target.running(log), target.phone() as phone:
        watch = Watch(target, phone)
        end = time.monotonic() + ATTACK_SECONDS
        attacking = threading.Thread(target=attack, args=(target, lambda: time.monotonic() > end))
        attacking.start()
        watch.look(lambda: time.monotonic() < end - ATTACK_SECONDS / 2)
        with target.phone() as newcomer:
            watch.look(lambda: time.monotonic() < end and newcomer.receive(0) is None)
            assert time.monotonic() < end, "a good newcomer gets in meanwhile"
        watch.look(attacking.is_alive)
        watch.look(lambda: time.monotonic() < end + 1)
        print(f"{attack.__name__}: {watch}")
        assert watch.longest_silence < LONGEST_SILENCE
        assert phone.gaps.total() == 0
        assert not phone.restarts
        assert watch.more_memory < MORE_MEMORY
        assert watch.more_descriptors < MOST_CONNECTIONS + 10
        eventually(lambda: vitals(target.pid, 0).fds <= watch.before.fds, "the descriptors are back")
    assert "Traceback" not in log.read_text()
