"""Work that other threads hand to a stage, because only the stage's own thread may touch its resource."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from edged.errors import EdgedError, EndOfStream, RingClosed

__all__ = ["CallQueue"]

T = TypeVar("T")


class CallQueue:
    """What a stage is asked to do, oldest first, one at a time between its own work.

    Args:
        wake: ends the wait of the stage; called from the thread that asks.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._waiting: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._lock = threading.Lock()
        self._closed = False

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def ask(self, work: Callable[[], T]) -> Future[T]:
        """Have *work* done by the stage; called from any thread, returns at once.

        The future has what *work* returns, or the `EdgedError` that it raises. It is cancelled when the stage has ended
        before; whoever waits for it sets a limit all the same, because a stage may hang.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                future.cancel()
            else:
                self._waiting.append((work, future))
        self._wake()
        return future

    def do_one(self) -> bool:
        """Do the oldest work. Returns whether there was any. Called by the stage.

        Raises:
            Exception: the work has a bug, which is the stage's too. No work can end a stage as if that were natural.
        """
        with self._lock:
            if not self._waiting:
                return False
            work, future = self._waiting.popleft()
        if future.set_running_or_notify_cancel():
            _do(work, future)
        return True

    def close(self) -> None:
        """Cancel what waits, and whatever comes from now on. Called by the stage when it ends."""
        with self._lock:
            self._closed = True
            dropped = [future for _, future in self._waiting]
            self._waiting.clear()
        for future in dropped:
            future.cancel()


def _do(work: Callable[[], Any], future: Future[Any]) -> None:
    try:
        made = work()
    except (RingClosed, EndOfStream) as exc:
        future.set_exception(exc)
        raise RuntimeError(f"what the stage was asked to do ended with {exc!r}") from exc
    except EdgedError as exc:
        future.set_exception(exc)
    except BaseException as exc:
        future.set_exception(exc)
        raise
    else:
        future.set_result(made)
