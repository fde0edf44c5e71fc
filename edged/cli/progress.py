"""A progress bar on a terminal; without a terminal it shows nothing."""

from __future__ import annotations

import math
import os
import sys
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["Bar", "clock", "megabytes"]

PERIOD = 0.25


class Bar(AbstractContextManager["Bar"]):
    """A bar with the word *verb* before it and text after it, on stderr if that is a terminal."""

    def __init__(self, verb: str) -> None:
        self._verb = verb
        self._shown = -math.inf
        self._progress: Progress | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb":
            self._progress = _progress()
            self._task = self._progress.add_task(self._verb, total=None, words="")
            self._progress.__enter__()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.__exit__(exc_type, exc, traceback)

    @property
    def is_due(self) -> bool:
        """Whether it is time to call ``show``."""
        return self._progress is not None and time.monotonic() >= self._shown + PERIOD

    def show(self, share: float | None, words: str) -> None:
        """Show that *share* (0…1; None: unknown) is done."""
        if self._progress is None:
            return
        self._shown = time.monotonic()
        total = None if share is None else 1.0
        self._progress.update(self._task, total=total, completed=min(1.0, share or 0.0), words=words)
        self._progress.refresh()


def clock(seconds: float) -> str:
    """Return a duration such as ``1:02`` or ``1:00:02``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def megabytes(count: int) -> str:
    """Return a size such as ``1.2 MB``."""
    return f"{count / 1e6:.1f} MB"


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    # No automatic refresh, because that would be a thread.
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[words]}", markup=False),
    )
    return Progress(*columns, console=Console(stderr=True, highlight=False), auto_refresh=False)
