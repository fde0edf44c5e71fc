"""The daemon as a whole: the bundled clip, the bundled model, real sockets."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest
import zmq

from edged.client import Subscriber
from edged.wire import Status, Vec
from tests.fakes import eventually
from tests.stopwatch import stopwatch

CONFIG = """\
node: porch
model: {{name: {model}}}
cameras:
  street:
    source: "file:{demo}/street.mp4"
    loop: {loop}
    policy: {policy}
    fps: {fps}
    regions:
      path: {{left: 0.05, top: 0.32, right: 0.42, bottom: 0.56}}
references:
  path-empty: {{images: ["{demo}/path-empty.jpg"], for: [street/path]}}
  path-busy: {{images: ["{demo}/path-busy.jpg"]}}
publish:
  endpoints: ["pub+bind:ipc://pub.sock"]
"""

# Seconds. These tests do not claim how long a busy machine takes to start a program; pytest-timeout ends what hangs.
PATIENT = 100.0


class Board:
    """A folder with a configuration, and the daemon that runs on it as a process of its own."""

    def __init__(self, folder: Path, demo: Path) -> None:
        self.address = f"ipc://{folder}/pub.sock"
        self.config = folder / "edged.yaml"
        self._demo = demo

    def configure(
        self, model: str = "efficientnet-lite0", *, loop: str = "true", policy: str = "block", fps: int = 10
    ) -> None:
        self.config.write_text(CONFIG.format(demo=self._demo, model=model, loop=loop, policy=policy, fps=fps))

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[str]]:
        command = [sys.executable, "-m", "edged", "run", "-c", str(self.config)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


@pytest.fixture
def board(tmp_path: Path, demo: Path) -> Board:
    return Board(tmp_path, demo)


def stop(process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> tuple[int, str, float]:
    """Send the signal; returns the exit status, what was logged, and how many seconds the end took."""
    with stopwatch(process.pid) as watch:
        process.send_signal(number)
        _, log = process.communicate(timeout=PATIENT)
    return process.returncode, log, watch.seconds


@pytest.mark.timed  # it has to be connected before the model is open, though it is there before the daemon
def test_an_early_subscriber_gets_every_frame_of_the_clip_once(board: Board) -> None:
    board.configure(loop="false", fps=200)
    with Subscriber(board.address, kinds=("vec", "status")) as subscriber, board.running() as process:
        vecs: list[Vec] = []
        memory = 0
        for message in subscriber:
            if isinstance(message, Vec):
                vecs.append(message)
                memory = max(memory, resident(process))
            elif isinstance(message, Status) and message.bye:
                break
        assert process.wait(20) == 0
    assert [vec.seq for vec in vecs] == list(range(240))
    assert [vec.frame_seq for vec in vecs] == list(range(240))
    assert {vec.vector.shape for vec in vecs} == {(1280,)}
    assert {vec.rotation for vec in vecs} == {0}
    assert memory < 200 << 20

    # What a person sees in the region of the clip, at 10 frames a second: nobody until 6.5 s, somebody at the far end,
    # nobody from 10 to 15.5 s, people on the path from 19 s on.
    scores = [next(match.s for match in vec.sims if match.ref == "path-empty") for vec in vecs]
    free, crossed, free_again, busy = scores[15:65], scores[76:84], scores[100:155], scores[195:225]
    assert max(crossed) < min(free)
    assert max(crossed) < min(free_again)
    assert max(busy) < min(free_again)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_daemon_in_order_within_two_seconds(board: Board, number: signal.Signals) -> None:
    board.configure()
    with Subscriber(board.address, kinds=("vec", "status")) as subscriber, board.running() as process:
        assert subscriber.receive(PATIENT) is not None
        status, log, seconds = stop(process, number)
        assert status == 0
        assert seconds < 2.0
        assert f"stopping: {number.name}" in log
        assert "Traceback" not in log
        last = None
        while (message := subscriber.receive(1)) is not None:
            last = message
        assert isinstance(last, Status)
        assert last.bye
        assert last.state == "stopped"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("moment", [0.0, 0.1, 0.3])
def test_a_signal_during_the_start_stops_it_too(board: Board, number: signal.Signals, moment: float) -> None:
    board.configure()
    with board.running() as process:
        eventually(lambda: catches(process, signal.SIGTERM), "a handler")  # before that it dies of a signal, as all do
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(moment)
        status, log, _ = stop(process, number)
    assert status == 0, log
    assert "Traceback" not in log


# The daemon, whose start sends itself a signal where Python ignores exceptions: in the callback of a weak reference,
# as an import runs them too.
SIGNALLED = """\
import os
import weakref
from edged.cli import main
import {module} as module

class Thing:
    pass

def signalled(*args, **more):
    thing = Thing()
    reference = weakref.ref(thing, lambda _: os.kill(os.getpid(), {number}))
    del thing
    return real(*args, **more)

real, module.{function} = module.{function}, signalled
raise SystemExit(main(["run", "-c", {config!r}]))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    ("module", "function"),
    [
        ("edged.config", "load"),
        ("edged.pipeline.build", "build"),
        ("edged.service.reload.record_file", "RecordFile.kept"),
        ("edged.service.daemon", "Daemon.run"),
    ],
)
def test_a_signal_is_not_lost_where_python_ignores_exceptions(
    board: Board, module: str, function: str, number: signal.Signals
) -> None:
    board.configure()
    code = SIGNALLED.format(module=module, function=function, number=int(number), config=str(board.config))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "publishing" not in done.stderr, "no stage is started"


def test_a_second_signal_does_not_make_the_end_untidy(board: Board) -> None:
    board.configure()
    with Subscriber(board.address) as subscriber, board.running() as process:
        assert subscriber.receive(PATIENT) is not None
        for _ in range(20):
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(0.03)
                break
            except subprocess.TimeoutExpired:
                continue
        _, log = process.communicate(timeout=10)
    assert process.returncode == 0, log
    assert "Traceback" not in log


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_it_runs_with_standard_streams_closed(board: Board, closed: str) -> None:
    board.configure()
    command = f"exec {sys.executable} -m edged run -c {board.config} {closed}"
    with Subscriber(board.address) as subscriber, subprocess.Popen(["sh", "-c", command]) as process:
        try:
            assert subscriber.receive(PATIENT) is not None
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        finally:
            process.kill()


def test_an_endpoint_in_use_is_a_failure_and_not_a_wrong_configuration(board: Board) -> None:
    with zmq.Context() as context, context.socket(zmq.PUB) as other:
        port = other.bind_to_random_port("tcp://127.0.0.1")
        board.configure()
        text = board.config.read_text().replace("ipc://pub.sock", f"tcp://127.0.0.1:{port}")
        board.config.write_text(text)
        with board.running() as process:
            _, log = process.communicate(timeout=PATIENT)
        assert process.returncode == 1
        assert f"cannot bind tcp://127.0.0.1:{port}: Address already in use" in log
        assert "Traceback" not in log


def test_a_live_camera_that_is_absent_does_not_end_the_daemon(board: Board) -> None:
    board.configure(policy="latest")
    text = board.config.read_text()
    absent = '  absent:\n    source: "usb:/dev/video99"\n    retry_seconds: 0.1\nreferences:'
    board.config.write_text(text.replace("references:", absent))
    with Subscriber(board.address, kinds=("vec", "status")) as subscriber, board.running() as process:
        seen = set()
        for message in subscriber:
            seen.add((message.camera, message.state if isinstance(message, Status) else "vec"))
            if {("absent", "lost"), ("street", "vec")} <= seen:
                break
        assert stop(process)[0] == 0


def test_nothing_is_logged_for_a_frame(board: Board) -> None:
    board.configure(loop="false", fps=500)
    with board.running() as process:
        _, log = process.communicate(timeout=PATIENT)
    assert process.returncode == 0
    assert len(log.splitlines()) < 12


@pytest.mark.timed
def test_subscribers_that_come_stall_and_go_change_neither_rate_nor_memory(board: Board) -> None:
    board.configure(model="efficientnet-lite0-int8", fps=10)
    with board.running() as process, Subscriber(board.address, kinds=("vec",)) as reader:

        def seconds_between(frames: int) -> float:
            """The median, in which a pause of the machine is one interval of many."""
            times = []
            for _ in range(frames):
                message = reader.receive(PATIENT)
                assert isinstance(message, Vec)
                times.append(message.t_cap_us / 1e6)
            return median(second - first for first, second in pairwise(times))

        seconds_between(20)
        memory = resident(process)
        alone = seconds_between(30)
        with zmq.Context() as context, context.socket(zmq.SUB) as stalled, Subscriber(board.address) as second:
            stalled.setsockopt(zmq.RCVHWM, 1)
            stalled.subscribe(b"")
            stalled.connect(board.address)
            assert second.receive(PATIENT) is not None
            crowded = seconds_between(60)
        # No measurement: a loaded machine may be slow. Held up by the stalled one, there would be next to none.
        assert 0.7 * crowded < alone
        assert resident(process) - memory < 8 << 20
        assert reader.gaps.total() == 0


def catches(process: subprocess.Popen[str], number: signal.Signals) -> bool:
    """Whether the process has a handler for that signal."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (number - 1) & 1)


def resident(process: subprocess.Popen[str]) -> int:
    """The bytes of memory that the process holds."""
    return int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * 4096
