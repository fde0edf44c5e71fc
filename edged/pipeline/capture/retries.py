"""Pauses before a lost camera is opened again, and their end."""

from __future__ import annotations

import random

from edged.errors import SourceError
from edged.pipeline.capture.settings import CaptureSettings

__all__ = ["Retries"]


class Retries:
    """Count of the openings of one camera since its last good frame, by whichever thread."""

    def __init__(self, camera: str) -> None:
        self._camera = camera
        self._failures = 0

    def note_good(self) -> None:
        """Note a good frame: the openings count from nothing again."""
        self._failures = 0

    def next_pause(self, settings: CaptureSettings, error: SourceError) -> float:
        """Return the seconds before the next opening, after a loss by *error*.

        Raises:
            SourceError: ``max_reopens`` openings were in vain.
        """
        limit = settings.max_reopens
        if limit and self._failures >= limit:
            raise SourceError(f"camera {self._camera}: opened {limit} times in vain: {error}") from error
        seconds = settings.retry_seconds * 2.0 ** min(self._failures, 30)
        self._failures += 1
        # Jitter, so that several cameras behind one hub do not all come back at the same moment: never a longer pause.
        return min(seconds, settings.retry_max_seconds) * random.uniform(0.8, 1.0)  # noqa: S311 - no secret
