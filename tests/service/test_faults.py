"""Faults around a daemon, and what a subscriber sees of them.

What each saw is printed (``pytest -rP`` shows it). ``EDGED_FAULT_SECONDS`` makes the crowd stay for longer.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from edged.client import Subscriber
from edged.wire import Vec
from scripts.soaking.vitals import vitals
from tests.fakes import eventually
from tests.service.conftest import Manager
from tests.stopwatch import stopwatch

pytestmark = pytest.mark.timed

CROWD_SECONDS = float(os.environ.get("EDGED_FAULT_SECONDS", "2"))

CONFIG = """\
model: {{{model}, num_threads: 1}}
cameras:
  street: {{source: "file:{demo}/street.mp4", loop: true, fps: 20}}
publish: {{endpoints: ["pub+bind:ipc://pub.sock", "pub+bind:tcp://127.0.0.1:{port}"]}}
"""

# The daemon, but SIGUSR1 sets its wall clock back by an hour, and SIGUSR2 keeps its inference from ever coming back.
DAEMON = """\
import signal
import threading
import time
from edged.cli import main
from edged.pipeline.inference.stage import Inference
from edged.vision.embedder import Embedder

late, hangs = threading.Event(), threading.Event()
seconds, nanoseconds, invoke = time.time, time.time_ns, Embedder.invoke

def hanging(self):
    if hangs.is_set():
        threading.Event().wait()
    invoke(self)

time.time = lambda: seconds() - 3600 * late.is_set()
time.time_ns = lambda: nanoseconds() - 3600 * 10**9 * late.is_set()
Embedder.invoke = hanging
Inference.step_seconds = 2.0  # from the start: the step that hangs has its limit from when it began
signal.signal(signal.SIGUSR1, lambda *_: late.set())
signal.signal(signal.SIGUSR2, lambda *_: hangs.set())
raise SystemExit(main(["run", "-c", {config!r}]))
"""


class Board:
    """A folder with a configuration, and the daemons that run on it, one after the other."""

    def __init__(self, folder: Path, demo: Path) -> None:
        self.ipc = f"ipc://{folder}/pub.sock"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.tcp = f"tcp://127.0.0.1:{self.port}"
        self.config = folder / "edged.yaml"
        self._demo = demo
        self.configure()

    def configure(self, model: str = "name: efficientnet-lite0-int8") -> None:
        self.config.write_text(CONFIG.format(demo=self._demo, model=model, port=self.port))

    @contextmanager
    def running(self, limits: str = "", **environment: str) -> Iterator[subprocess.Popen[str]]:
        """Run it, after the shell's command *limits*."""
        code = DAEMON.format(config=str(self.config))
        command = ["sh", "-c", f'{limits or ":"}; exec "$0" -c "$1"', sys.executable, code]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment})
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


class Observer:
    """A subscriber that goes on whatever happens, and can tell what it saw."""

    def __init__(self, address: str) -> None:
        self.subscriber = Subscriber(address, kinds=("vec",), queue=1000, queue_bytes=1 << 20)
        self.seen: list[Vec] = []
        self.longest_silence = 0.0
        self._last: float | None = None

    def watch(self, until: Callable[[Vec], bool], seconds: float = 30.0) -> float:
        """Read until a message fulfils *until*; returns how many seconds that took."""
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            message = self.subscriber.receive(0.5)
            if not isinstance(message, Vec):
                continue
            now = time.monotonic()
            self.longest_silence = max(self.longest_silence, now - (self._last or now))
            self._last = now
            self.seen.append(message)
            if until(message):
                return now - begin
        raise AssertionError(f"not within {seconds} s; {self.told()}")

    def some(self, count: int = 5) -> None:
        """Read *count* messages."""
        goal = len(self.seen) + count
        self.watch(lambda _: len(self.seen) >= goal)

    @property
    def lost(self) -> int:
        """Messages that were missed, by ``seq``."""
        return self.subscriber.gaps.total()

    @property
    def runs(self) -> list[str]:
        """The daemons that it heard, in order."""
        return list(dict.fromkeys(message.run for message in self.seen))

    def told(self) -> str:
        """What it saw, in a line."""
        return (
            f"{len(self.seen)} messages of {len(self.runs)} run(s), {self.lost} lost, "
            f"{self.subscriber.malformed} malformed, longest silence {self.longest_silence:.2f} s"
        )


@pytest.fixture
def board(tmp_path: Path, demo: Path) -> Board:
    return Board(tmp_path, demo)


@contextmanager
def witness(address: str, what: str) -> Iterator[Observer]:
    """A witness, who tells in the end what it saw of *what*."""
    one = Observer(address)
    with closing(one.subscriber):
        yield one
    print(f"{what}: {one.told()}")


def is_another(run: str) -> Callable[[Vec], bool]:
    return lambda message: message.run != run


def test_subscribers_receive_from_a_daemon_again_after_it_was_killed_and_restarted(board: Board) -> None:
    with witness(board.ipc, "killed, on a socket file") as near, witness(board.tcp, "killed, on a port") as far:
        for _ in range(2):
            with board.running() as process:
                near.some()
                far.some()
                process.send_signal(signal.SIGKILL)
                process.wait(10)
            gone = time.monotonic()
        with board.running():
            first = near.runs[-1]
            for one in (near, far):
                one.watch(is_another(first))
                print(f"heard again {time.monotonic() - gone:.2f} s after the kill, the start of Python included")
                one.some()
        for one in (near, far):
            assert len(one.runs) == 3
            assert one.subscriber.restarts.total() == 2
            for run in one.runs:
                seqs = [message.seq for message in one.seen if message.run == run]
                assert seqs == list(range(seqs[0], seqs[0] + len(seqs))), "nothing is lost within a run"
        # What a run had sent before somebody was there again is missing, and told: its numbers begin with 0.
        assert near.lost == sum(next(m.seq for m in near.seen if m.run == run) for run in near.runs[1:])


@pytest.mark.parametrize("manager", ["path"], indirect=True)
def test_a_daemon_that_hangs_is_silent_until_it_is_started_again(board: Board, manager: Manager) -> None:
    environment = manager.environment(watchdog_seconds=0.5)
    with witness(board.ipc, "hung inference") as one:
        with board.running(**environment) as process:
            one.some()
            process.send_signal(signal.SIGUSR2)
            manager.wait_for_silence("WATCHDOG=1", 0.75)
            process.send_signal(signal.SIGABRT)  # what systemd does then
            process.wait(20)
        while one.subscriber.receive(0) is not None:
            pass
        with board.running(**environment):
            one.watch(is_another(one.runs[0]))
            one.some()
        assert len(one.runs) == 2
        assert one.longest_silence > 0.5


def test_a_running_daemon_survives_clock_changes_crowds_and_strangers(board: Board) -> None:
    with board.running() as process:
        for what in (hour_back, crowd, strangers):
            with witness(board.ipc, what.__name__) as one:
                one.some()
                before = vitals(process.pid, 0)
                what(board, process, one)
                one.some()
                eventually(lambda: vitals(process.pid, 0).fds <= before.fds + 1, "connections that are gone")  # noqa: B023 - called here
                after = vitals(process.pid, 0)
                print(f"memory {(after.own - before.own) / 1e6:+.1f} MB, file descriptors {after.fds - before.fds:+}")
                assert one.lost == 0
                assert one.subscriber.restarts.total() == 0
                assert one.subscriber.malformed == 0
                assert after.threads == before.threads
                assert after.own - before.own < 12 << 20
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
    assert process.returncode == 0, log
    assert all("refused" in line for line in log.splitlines() if " WARNING " in line), log  # the strangers


def hour_back(board: Board, process: subprocess.Popen[str], one: Observer) -> None:
    """The wall clock of the board is set back by an hour."""
    last = len(one.seen) - 1  # before the step, which may be between it and the first one that comes
    process.send_signal(signal.SIGUSR1)
    with stopwatch(process.pid) as watch:
        one.watch(lambda message: message.t_wall_us / 1e6 < time.time() - 3000)
    one.some(20)
    print(f"an hour back: the times are right again after {watch.seconds:.2f} s")
    assert watch.seconds < 3.0
    later = one.seen[last:]
    captured = [message.t_cap_us for message in later]
    assert captured == sorted(captured), "the clock that frames are told by did not move"
    assert max(second - first for first, second in pairwise(captured)) < 2e6
    steps = [second.t_wall_us - first.t_wall_us for first, second in pairwise(later)]
    assert [round(step / 1e6) for step in steps if abs(step) > 3e6] == [-3600], "one step, and no other"
    assert all(0 <= message.lat_us.total < 10e6 for message in later)


def crowd(board: Board, process: subprocess.Popen[str], one: Observer) -> None:
    """Fifty subscribers come and go."""
    end = time.monotonic() + CROWD_SECONDS
    came = heard = 0
    while time.monotonic() < end or came < 50:
        with ExitStack() as here:
            for number in range(50):
                address = board.tcp if number % 2 else board.ipc
                other = here.enter_context(Subscriber(address, kinds=("vec", "status")))
                came += 1
                heard += number % 5 == 0 and other.receive(20) is not None
                one.some(1 if number % 5 == 0 else 0)
    print(f"{came} came and went, one in five stayed for a message: {heard}")
    assert heard == came // 5


GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(16) + b"\x00" + bytes(31)
READY = b"\x04\x19\x05READY\x0bSocket-Type" + struct.pack(">I", 3) + b"SUB"
GARBAGE = {
    "nothing": b"",
    "a web browser": b"GET / HTTP/1.1\r\nHost: board\r\n\r\n",
    "random": bytes(range(256)) * 40,
    "zeros": bytes(10_000),
    "half a greeting": GREETING[:20],
    "a greeting again and again": GREETING * 50,
    "a frame of 2^63 bytes": GREETING + READY + b"\x02" + b"\x7f" + b"\xff" * 7 + b"x" * 5000,
    "a message that is no subscription": GREETING + READY + b"\x00\x05hello" + b"\x00\x00" * 500,
    "subscriptions without end": GREETING + READY + b"\x00\x03\x01ab" * 5000,
    "commands that there are not": GREETING + READY + b"\x04\x05\x04NONE" * 500,
}


def strangers(board: Board, process: subprocess.Popen[str], one: Observer) -> None:
    """Peers connect that speak another language, or none, and leave in every way."""
    with ExitStack() as here:
        for rude in (False, True):
            for words in GARBAGE.values():
                for stranger in (_on_port(board.port), _on_socket_file(board.ipc)):
                    here.enter_context(stranger)
                    _say(stranger, words)
                    if rude:  # a reset, instead of a goodbye
                        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        stranger.close()
                one.some(1)
    print(f"{4 * len(GARBAGE)} strangers")


def _on_port(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def _on_socket_file(ipc: str) -> socket.socket:
    stranger = socket.socket(socket.AF_UNIX)
    stranger.settimeout(5)
    stranger.connect(ipc.removeprefix("ipc://"))
    return stranger


def _say(stranger: socket.socket, words: bytes) -> None:
    try:
        stranger.sendall(words)
    except OSError:  # it is hung up on before it has said everything
        return


def test_a_port_in_use_is_refused_and_works_once_it_is_free(board: Board) -> None:
    with witness(board.tcp, "port taken") as one:
        with socket.create_server(("127.0.0.1", board.port)) as other, board.running() as process:
            _, log = process.communicate(timeout=30)
            assert process.returncode == 1, "not 78: systemd tries again"
            assert f"cannot bind {board.tcp}: Address already in use" in log
            other.close()
        assert one.subscriber.receive(0) is None
        with board.running():
            seconds = one.watch(lambda _: True)
            print(f"heard {seconds:.2f} s after the next start")
            one.some()
        assert len(one.runs) == 1
        assert one.lost == 0
        assert one.subscriber.malformed == 0


def test_a_full_disk_does_not_keep_the_daemon_from_running(board: Board, cases: Path, tmp_path: Path) -> None:
    # A model of one's own has a trial before it runs, and that it passed is to be remembered.
    board.configure(model=f"path: {cases}/small96_uint8_meta.tflite")
    state = tmp_path / "state"

    # As far as a program can tell, a limit of 0 to the size of files is a full disk.
    full = board.running("ulimit -f 0", STATE_DIRECTORY=str(state))
    with witness(board.ipc, "full disk") as one, full as process:
        one.some()
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
    assert process.returncode == 0, log
    assert list(state.iterdir()) == []
