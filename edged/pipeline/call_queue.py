"""Calls that other threads submit to a stage, because only the stage's own thread may touch its resource."""

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
    """Calls for one stage, which runs them in its thread, oldest first, between its own work.

    It is the one way to change a running stage from another thread: nothing that was submitted is lost or overtaken.

    Args:
        wake: ends the wait of the stage; called from the thread that submits.
        fatal: errors that end the stage as well, though edged raises them on purpose.
    """

    def __init__(self, wake: Callable[[], None], fatal: tuple[type[EdgedError], ...] = ()) -> None:
        self._wake = wake
        self._fatal = fatal
        self._waiting: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._lock = threading.Lock()
        self._closed = False

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Have the stage run *call*; may be called from any thread, and returns at once.

        The future gets the result of *call*, or the `EdgedError` that it raises. It is cancelled if the stage ends
        before. A thread that waits for it sets a limit all the same, because a stage may hang.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                future.cancel()
            else:
                self._waiting.append((call, future))
        self._wake()
        return future

    def run_next(self) -> bool:
        """Run the oldest call. Returns False if there was none. The stage calls it.

        Raises:
            Exception: the call has a bug, which ends the stage too, or raised one of the *fatal* errors. A call cannot
                end a stage as if that were natural.
        """
        with self._lock:
            if not self._waiting:
                return False
            call, future = self._waiting.popleft()
        if future.set_running_or_notify_cancel():
            self._run(call, future)
        return True

    def close(self) -> None:
        """Cancel all calls that wait, and all that come later. The stage calls it when it ends."""
        with self._lock:
            self._closed = True
            dropped = [future for _, future in self._waiting]
            self._waiting.clear()
        for future in dropped:
            future.cancel()

    def _run(self, call: Callable[[], Any], future: Future[Any]) -> None:
        try:
            result = call()
        except (RingClosed, EndOfStream) as exc:
            future.set_exception(exc)
            raise RuntimeError(f"a call that was submitted to the stage ended with {exc!r}") from exc
        except EdgedError as exc:
            future.set_exception(exc)
            if isinstance(exc, self._fatal):
                raise
        except BaseException as exc:
            future.set_exception(exc)
            raise
        else:
            future.set_result(result)
