"""A whole daemon with a good camera, a subscriber and a service manager, and checks that nothing hostile disturbs it.

::

    with hostile_rig(tmp_path, cameras={"bad": '{source: "http://127.0.0.1:%d/"}' % port}) as rig:
        with rig.undisturbed(seconds=5):
            ...  # the attack: start a hostile server, open connections, send the daemon a signal
        assert "camera bad is lost" in rig.log()

``undisturbed`` takes figures before the block, waits until *seconds* are over, and checks everything that must hold.
What an attack needs (servers, connections) is to be closed by the end of the block, because descriptors are counted
then. The end of ``hostile_rig`` checks that the daemon stops in time.

Times are those of a `Stopwatch`: pauses of a busy machine count little, those of the daemon in full. Frames that did
not come, or came late, and an end that came late, because other programs had the processor are excused.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from edged.client import Subscriber
from edged.wire import Message, Status, Vec
from edged.wire.topics import parse_topic
from tests.camera.servers import free_port
from tests.fakes import eventually
from tests.hostile.starved import Turns
from tests.service.conftest import Manager
from tests.stopwatch import Stopwatch, stopwatch

__all__ = ["Rig", "hostile_rig"]

FPS = 10.0
WATCHDOG_SECONDS = 6.0
STOP_SECONDS = 2.0
LEAST_RATE = 0.95
LONGEST_GAP = 1.0
MOST_MEMORY = 50 << 20
WAY_OF_A_FRAME = frozenset({"capture good", "inference", "publisher"})  # threads, as the kernel has their names

CONFIG = """\
model: {{name: efficientnet-lite0-int8, num_threads: 1}}
cameras:
  good: {{source: "pattern:320x240", fps: {fps:g}}}
{cameras}
publish:
  endpoints: ["pub+bind:ipc://pub.sock", "pub+bind:tcp://127.0.0.1:{port}"]
{sections}
"""

DAEMON = """\
{prelude}
from edged.cli import main
raise SystemExit(main(["run", "-c", {config!r}]))
"""


@dataclass
class Seen:
    """What came while somebody watched, each with the seconds of the stopwatch at its arrival."""

    good: list[tuple[float, Vec]] = field(default_factory=list)
    statuses: list[tuple[float, Status]] = field(default_factory=list)
    beats: list[float] = field(default_factory=list)


class Rig:
    """A daemon that runs, and what its subscriber and its service manager see of it."""

    def __init__(
        self, process: subprocess.Popen[bytes], folder: Path, port: int, manager: Manager, watch: Stopwatch
    ) -> None:
        self.process = process
        self.folder = folder
        self.port = port
        """The TCP port that it publishes at."""
        self.ipc = f"ipc://{folder}/pub.sock"
        self.control = folder / "control.sock"
        self.config = folder / "edged.yaml"
        self.seen = Seen()
        """Everything since the start."""
        self.is_to_stop = True
        """Whether the end of `hostile_rig` stops it; a test for its own end sets this to False."""
        self.figures: dict[str, float] = {}
        """What the last check measured; pytest prints it where a check fails."""
        self._manager = manager
        self._watch = watch
        self._subscriber = Subscriber(self.ipc, kinds=("vec", "status"), queue=1000, queue_bytes=1 << 20)
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._receive, name="rig subscriber"),
            threading.Thread(target=self._listen, name="rig manager"),
        ]
        for thread in self._threads:
            thread.start()

    def log(self) -> str:
        """The log of the daemon so far."""
        return (self.folder / "log").read_text(errors="replace")

    def statuses(self, camera: str) -> list[Status]:
        """The statuses of *camera* so far."""
        return [status for _, status in list(self.seen.statuses) if status.camera == camera]

    def wait_for_state(self, camera: str, state: str, seconds: float = 30.0) -> Status:
        """Wait until a status says that *camera* is in *state*; return the first that does."""
        eventually(lambda: any(s.state == state for s in self.statuses(camera)), f"{camera} is {state}", seconds)
        return next(status for status in self.statuses(camera) if status.state == state)

    def wait_for_good(self, count: int = 5, seconds: float = 60.0) -> None:
        """Wait for *count* more messages of the good camera."""
        goal = len(self.seen.good) + count
        eventually(lambda: len(self.seen.good) >= goal or self._is_gone(), "messages of the good camera", seconds)
        assert not self._is_gone(), f"the daemon ended with {self.process.returncode}: {self.log()[-3000:]}"

    def descriptors(self) -> int:
        """Count of the descriptors that the daemon has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def threads(self) -> list[str]:
        """Names of the threads of the daemon, as far as the kernel keeps them."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return sorted((task / "comm").read_text().strip() for task in tasks)

    def highest_memory(self) -> int:
        """The most bytes of memory that the daemon had since the last `undisturbed` began, or since its start."""
        return self._memory("VmHWM")

    @contextmanager
    def undisturbed(self, seconds: float = 3.0, *, memory: int = MOST_MEMORY, descriptors: int = 0) -> Iterator[None]:
        """Check that the block disturbs nothing; it and the wait after it take at least *seconds* together.

        *memory* bytes and *descriptors* more than before are allowed.
        """
        self.wait_for_good()
        fds, lost = self.descriptors(), self._lost()
        resident = self._begin_peak()
        begin, turns = self._watch.seconds, self._turns()
        yield
        while self._watch.seconds - begin < seconds:
            self.wait_for_good(1, LONGEST_GAP * 20)
        end, starved = self._watch.seconds, self._turns().starved_since(turns)
        peak = self._memory("VmHWM")
        self.wait_for_good()
        self._check_messages(begin, end, lost, starved)
        self._check_beats(begin, end)
        self.figures["memory"] = peak - resident
        assert peak - resident <= memory, f"{(peak - resident) / 1e6:.0f} MB more than before"
        eventually(lambda: self.descriptors() <= fds + descriptors, f"{fds} descriptors, as before")

    def _check_messages(self, begin: float, end: float, lost_before: int, starved: float) -> None:
        came = [second for second, _ in list(self.seen.good) if begin <= second <= end]
        gap = max(after - before for before, after in pairwise([begin, *came, end]))
        rate = len(came) / (end - begin)
        lost = self._lost() - lost_before
        self.figures |= {"rate": rate, "gap": gap, "lost": lost, "seconds": end - begin, "starved": starved}
        assert lost == 0, f"{lost} messages of the good camera are lost"
        assert gap - starved <= LONGEST_GAP, f"silent for {gap:.2f} s, {starved:.2f} s without the processor"
        # One frame at either end may be on its way.
        expected = LEAST_RATE * FPS * (end - begin - starved) - 2
        assert len(came) >= expected, f"{rate:.2f} frames/s instead of {FPS:g}, {starved:.2f} s without the processor"

    def _check_beats(self, begin: float, end: float) -> None:
        beats = list(self.seen.beats)
        before = max((beat for beat in beats if beat <= begin), default=begin)
        gap = max(after - first for first, after in pairwise([before, *(b for b in beats if begin < b <= end), end]))
        self.figures["watchdog"] = gap
        assert gap <= WATCHDOG_SECONDS / 2, f"no sign of life for {gap:.2f} s"

    def stop(self) -> None:
        """Stop the daemon, and check that it ends in time and as it should."""
        starved, turns = 0.0, Turns.of(self.process.pid)
        with stopwatch(self.process.pid) as watch:
            self.process.send_signal(signal.SIGTERM)
            while self.process.poll() is None and watch.seconds < 30:
                with suppress(OSError):  # a thread has ended while it was looked at
                    starved = max(starved, Turns.of(self.process.pid).starved_since(turns))
                self._ended.wait(0.02)
        self.figures |= {"stop": watch.seconds, "starved at the stop": starved}
        assert self.process.poll() == 0, f"exit status {self.process.returncode}: {self.log()[-3000:]}"
        assert watch.seconds - starved <= STOP_SECONDS, f"it took {watch.seconds:.2f} s to stop"

    def close(self) -> None:
        """End the daemon, if it has not ended, and what watches it."""
        self.process.kill()
        self.process.wait()
        self._ended.set()
        self._subscriber.close()
        for thread in self._threads:
            thread.join()
        print("; ".join(f"{name} {figure:.6g}" for name, figure in self.figures.items()))

    def _is_gone(self) -> bool:
        return self.process.poll() is not None

    def _turns(self) -> Turns:
        return Turns.of(self.process.pid, WAY_OF_A_FRAME)

    def _lost(self) -> int:
        gaps = self._subscriber.gaps.copy()
        return sum(count for topic, count in gaps.items() if parse_topic(topic).camera == "good")

    def _memory(self, name: str) -> int:
        fields = dict(line.split(":", 1) for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines())
        return int(fields[name].split()[0]) * 1024

    def _begin_peak(self) -> int:
        """Let the kernel forget the highest memory so far; returns the memory now."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        return self._memory("VmRSS")

    def _receive(self) -> None:
        while not self._subscriber.closed:
            try:
                message: Message | None = self._subscriber.receive(1.0)
            except ValueError:  # closed meanwhile
                return
            if isinstance(message, Vec) and message.camera == "good":
                self.seen.good.append((self._watch.seconds, message))
            elif isinstance(message, Status):
                self.seen.statuses.append((self._watch.seconds, message))

    def _listen(self) -> None:
        while not self._ended.is_set():
            if "WATCHDOG=1" in self._manager.hear(0.2):
                self.seen.beats.append(self._watch.seconds)


@contextmanager
def hostile_rig(
    folder: Path, *, cameras: Mapping[str, str] | None = None, sections: str = "", prelude: str = "", limits: str = ""
) -> Iterator[Rig]:
    """Run a daemon in *folder* with the good camera; yields when that one delivers, and stops it in the end.

    Args:
        folder: an empty one, whose path is short enough for a socket file.
        cameras: names and YAML of the other cameras.
        sections: YAML of other sections, and of more keys of ``publish`` if it begins indented.
        prelude: Python that the daemon's process runs first; its threads and signal handlers are part of the attack.
        limits: the shell's command before the daemon, such as ``ulimit -n 128``.
    """
    config, port = folder / "edged.yaml", free_port()
    others = "\n".join(f"  {name}: {camera}" for name, camera in (cameras or {}).items())
    config.write_text(CONFIG.format(fps=FPS, cameras=others, port=port, sections=sections))
    code = DAEMON.format(prelude=prelude, config=str(config))
    command = ["sh", "-c", f'{limits or ":"}; exec "$0" -c "$1"', sys.executable, code]
    with ExitStack() as stack:
        manager = stack.enter_context(closing(Manager(f"@edged-hostile-{os.getpid()}-{time.monotonic_ns()}")))
        environment = {**manager.environment(WATCHDOG_SECONDS), "RUNTIME_DIRECTORY": str(folder)}
        environment["STATE_DIRECTORY"] = str(folder / "state")
        watch = stack.enter_context(stopwatch())
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stderr=log, env=environment)
        rig = stack.enter_context(closing(Rig(process, folder, port, manager, watch)))
        rig.wait_for_good()
        yield rig
        if rig.is_to_stop:
            rig.stop()
