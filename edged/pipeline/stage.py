"""A stage: one thread that opens, uses and closes one resource."""

from __future__ import annotations

import logging
import math
import sys
import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from edged.errors import EndOfStream, RingClosed

__all__ = ["Stage"]

log = logging.getLogger(__name__)

SHOWN_FRAMES = 6


class Stage(ABC):
    """Work in a thread of its own until it is stopped, comes to its end, or fails.

    ``open``, ``step`` and ``close`` run in the stage's thread only, so a resource that one thread must own (an
    interpreter, a ZeroMQ socket) is safe in them. ``close`` always runs, also after a failing ``open``.

    An exception of ``open`` or ``step`` ends the stage and is kept in ``error``; ``RingClosed`` and ``EndOfStream`` are
    its natural end, not an error.
    """

    step_seconds = 15.0
    """The longest time of a step without its pauses: a step that takes longer hangs."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.error: Exception | None = None
        self.due = math.inf
        """The time by which the current step must have ended, on the monotonic clock: a watchdog checks it."""
        self._stopping = threading.Event()
        self._opened = threading.Event()
        self._ended = threading.Event()
        self._on_end: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def open(self) -> None:
        """Open the resource. Failing here fails the start of the daemon."""

    @abstractmethod
    def step(self) -> None:
        """Do one unit of work. Every wait in it has a limit."""

    @abstractmethod
    def wake(self) -> None:
        """End a step that waits; called from any thread when the stage is to stop."""

    @abstractmethod
    def close(self) -> None:
        """Close the resource, as far as it was opened."""

    @property
    def stopping(self) -> bool:
        """Whether a stop was asked for."""
        return self._stopping.is_set()

    @property
    def running(self) -> bool:
        """Whether the stage was started and has not ended yet."""
        return self._thread.ident is not None and not self._ended.is_set()

    def position(self) -> str:
        """The innermost lines of code that the thread is in, for the log."""
        frame = sys._current_frames().get(self._thread.ident or 0)  # noqa: SLF001 - documented, for this very purpose
        return "" if frame is None else "".join(traceback.format_stack(frame)[-SHOWN_FRAMES:]).rstrip()

    def start(self, on_end: Callable[[], None]) -> None:
        """Start the thread; it calls *on_end* when the stage has ended, in whichever way."""
        self._on_end = on_end
        self._thread.start()

    def wait_open(self, timeout: float) -> bool:
        """Wait until ``open`` has returned or failed. Returns False after *timeout* seconds."""
        return self._opened.wait(timeout)

    def stop(self) -> None:
        """Ask the stage to end; returns at once."""
        self._stopping.set()
        self.wake()

    def join(self, timeout: float) -> bool:
        """Wait for the end of the thread. Returns False if it still runs after *timeout* seconds."""
        if self._thread.ident is not None:
            self._thread.join(max(0.0, timeout))
        return not self._thread.is_alive()

    def pause(self, seconds: float) -> None:
        """Wait in a step; a stop ends the wait at once."""
        self.progress(seconds)
        self._stopping.wait(seconds)
        self.progress()

    def progress(self, pause: float = 0.0) -> None:
        """Note progress in a step of several parts: after a *pause* the next part may take ``step_seconds``."""
        self.due = time.monotonic() + pause + self.step_seconds

    def _run(self) -> None:
        _name_thread(self.name)
        try:
            self.open()
            self.progress()
            self._opened.set()
            while not self._stopping.is_set():
                self.step()
                self.progress()
        except (RingClosed, EndOfStream):
            log.debug("%s has come to its end", self.name)
        except Exception as error:  # noqa: BLE001 - the one place: the daemon decides what it means
            self.error = error
        finally:
            self._close()
            self._opened.set()
            # Before the call: the thread that it wakes checks at once, while this thread itself still runs.
            self._ended.set()
            self._on_end()

    def _close(self) -> None:
        self.progress()
        try:
            self.close()
        except Exception as error:  # noqa: BLE001 - as above; the first error counts
            self.error = self.error or error


def _name_thread(name: str) -> None:
    """Give this thread a name in the kernel, for `top -H`; the threads that it starts inherit it."""
    with suppress(OSError):  # where /proc is hidden
        Path("/proc/thread-self/comm").write_bytes(name.encode()[:15])  # the kernel keeps no more
