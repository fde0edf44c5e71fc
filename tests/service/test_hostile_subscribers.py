"""Peers of the publish port that attack a whole daemon, beside a good camera and a good subscriber.

Whatever they do, the good subscriber gets every message, without a pause of a second; the daemon needs hardly more
memory; and when they are gone, their descriptors are too.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
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


Over = Callable[[], bool]


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
    """300,000 short ones."""
    with target.enemy() as enemy:
        for number in range(300_000):
            with suppress(zmq.Again):
                enemy.send(b"\1%06d" % number)
            if number % 1000 == 0 and is_over():
                break


def subscriptions_and_an_end(target: Target, is_over: Over) -> None:
    """Many, from one that hangs up then; again and again."""
    while not is_over():
        with target.enemy() as enemy:
            for number in range(100_000):
                with suppress(zmq.Again):
                    enemy.send(b"\1%06d" % number)
                if number % 1000 == 0 and is_over():
                    break


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
    attack: Callable[[Target, Over], None], secured: bool, tmp_path: Path, demo: Path
) -> None:
    target, log = Target(tmp_path, demo, secured=secured), tmp_path / "log"
    with target.running(log), target.phone() as phone:
        for _ in range(20):
            assert isinstance(phone.receive(30), Vec), log.read_text()
        before = vitals(target.pid, 0)
        end = time.monotonic() + ATTACK_SECONDS
        attacking = threading.Thread(target=attack, args=(target, lambda: time.monotonic() > end))
        attacking.start()
        longest, most, most_fds, count = 0.0, 0, 0, 0
        last = time.monotonic()
        while attacking.is_alive() or time.monotonic() < end + 1:
            message = phone.receive(0.1)
            now = time.monotonic()
            longest = max(longest, now - last)
            if isinstance(message, Vec):
                count, last = count + 1, now
            during = vitals(target.pid, 0)
            most, most_fds = max(most, during.resident), max(most_fds, during.fds)
        attacking.join()
        print(
            f"{attack.__name__}: {count} messages, longest silence {longest:.2f} s, {phone.gaps.total()} lost, memory "
            f"{(most - before.resident) / 1e6:+.1f} MB, descriptors {before.fds} to {most_fds}"
        )
        assert longest < LONGEST_SILENCE
        assert phone.gaps.total() == 0
        assert not phone.restarts
        assert most - before.resident < MORE_MEMORY
        eventually(lambda: vitals(target.pid, 0).fds <= before.fds, "the descriptors are back")
    assert "Traceback" not in log.read_text()
