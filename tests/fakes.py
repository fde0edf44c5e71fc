"""A camera that plays a script, the only fake in these tests, and tools that many tests share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edged.errors import DamagedFrame, EndOfStream, RingClosed, SourceError
from edged.pipeline.stage import Stage
from edged.values import Format, Stamp

__all__ = ["Clock", "FakeSource", "WaitedCondition", "eventually", "running", "waiting_in"]


def eventually(condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Wait until *condition* holds; fail with *what* if it does not within *seconds*."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        pause.wait(0.005)


@contextmanager
def running(stage: Stage) -> Iterator[None]:
    """*stage*, open inside and ended without an error afterwards."""
    stage.start(lambda: None)
    try:
        assert stage.wait_open(20)
        assert stage.error is None
        yield
    finally:
        stage.stop()
        assert stage.join(10)
        assert stage.error is None


class Clock:
    """A monotonic clock that stands still until somebody moves it on; it takes the place of a module's ``time``."""

    def __init__(self) -> None:
        self._ns = 1_000_000_000_000
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        return self._ns / 1e9

    def monotonic_ns(self) -> int:
        return self._ns

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._ns += round(seconds * 1e9)


class WaitedCondition(threading.Condition):
    """A condition that reports when a thread waits for it, and for how long at most."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []
        self.is_waited_for = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        self.is_waited_for.set()  # the thread holds the lock until it really waits
        return super().wait(timeout)


@contextmanager
def waiting_in(call: Callable[[], object], condition: WaitedCondition) -> Iterator[list[Any]]:
    """A thread waits at *condition* in *call* inside; afterwards the list has what that returned, or its RingClosed."""
    got: list[Any] = []

    def wait() -> None:
        try:
            got.append(call())
        except RingClosed as exc:
            got.append(exc)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    assert condition.is_waited_for.wait(20)
    yield got
    thread.join(20)
    assert not thread.is_alive(), "the wait has ended"


class FakeSource:
    """A `Source` that plays *script*: one entry for each ``open`` and ``grab``, in order.

    ``"frame"`` delivers a frame, ``"nothing"`` a timeout, ``"refuse"`` (at open) and ``"die"`` (at grab) raise a
    `SourceError`, ``"damaged"`` is a frame that cannot be decoded, ``"same"`` one with the picture of the last,
    ``"past"`` one that claims to be older than the last, ``"torn"`` are three that the driver marks as damaged, a
    `Format` opens with that format, ``"hang"`` blocks until ``released`` is set. After the script's end:
    ``EndOfStream``. ``open`` waits for ``openable``, and ``close`` for ``closable``.

    With a *clock* every grab moves that on by ``pace``, and takes no time.
    """

    def __init__(
        self, script: Iterable[str | Format], frame_format: Format | None = None, clock: Clock | None = None
    ) -> None:
        self.format = frame_format or Format(width=16, height=8, fps=30.0)
        self.events: list[str] = []
        self.threads: set[int] = set()
        self.released = threading.Event()
        self.woken = threading.Event()
        self.hanging = threading.Event()
        self.closable = threading.Event()
        self.closable.set()
        self.openable = threading.Event()
        self.openable.set()
        self.pace = 0.0  # seconds that each grab takes
        self._clock = clock
        self.decoded = 0  # good frames that were retrieved
        self.last_good: list[int] = []  # when a good new picture was delivered, in nanoseconds
        self._script: Iterator[str | Format] = iter(script)
        self._decodable = True
        self._count = 0

    def open(self) -> Format:
        self._note("open")
        self.openable.wait()
        cue = next(self._script, "end")
        if cue == "refuse":
            raise SourceError("it will not open")
        if isinstance(cue, Format):
            self.format = cue
        return self.format

    def grab(self, timeout: float) -> Stamp | None:
        self.threads.add(threading.get_ident())
        if self._clock:
            self._clock.advance(self.pace)
        elif self.pace:
            self.released.wait(self.pace)
        match next(self._script, "end"):
            case "nothing":
                self.woken.wait(timeout)
                return None
            case "torn":
                raise DamagedFrame("the driver marks frames as damaged", 3)
            case "die":
                raise SourceError("the cable was pulled")
            case "hang":
                self.hanging.set()
                self.released.wait()
                self.hanging.clear()
                self.released.clear()  # the next one hangs again
                raise SourceError("it hung")
            case "end":
                raise EndOfStream("the script is over")
            case cue:
                self._decodable = cue != "damaged"
                self._count += cue != "same"
                if cue in ("frame", "open"):
                    self.last_good.append(self._now_ns())
                if cue == "past":
                    return Stamp(1, "driver")
                return Stamp(self._now_ns(), "driver")

    def retrieve(self, slot: NDArray[np.uint8]) -> None:
        if not self._decodable:
            raise DamagedFrame("the picture is damaged")
        slot[...] = self._count % 256
        self.decoded += 1

    def wake(self) -> None:
        self.woken.set()

    def close(self) -> None:
        self._note("close")
        self.closable.wait()

    def _now_ns(self) -> int:
        return self._clock.monotonic_ns() if self._clock else time.monotonic_ns()

    def _note(self, event: str) -> None:
        self.events.append(event)
        self.threads.add(threading.get_ident())
