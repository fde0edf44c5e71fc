"""Calls into a driver that may never return."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Call"]

T = TypeVar("T")


class Call(Generic[T]):
    """A call that runs in a thread of its own, so that no other thread has to wait for its end."""

    def __init__(self, function: Callable[[], T], name: str) -> None:
        self._function = function
        self._result: list[T] = []
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """True until it has returned."""
        return self._thread.is_alive()

    def result(self, seconds: float) -> T:
        """Return what the call returned, or raise its exception, once.

        Raises:
            TimeoutError: it has not returned within *seconds*.
        """
        self._thread.join(seconds)
        if self._thread.is_alive():
            raise TimeoutError
        if self._error is not None:
            try:
                raise self._error
            finally:
                self._error = None  # it refers to this call by its frames
        return self._result[0]

    def _run(self) -> None:
        try:
            self._result.append(self._function())
        except Exception as error:  # noqa: BLE001 - raised again by `result`
            self._error = error
