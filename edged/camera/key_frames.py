"""Key frames of a stream, which are coded without another one: whether they are enough for the rate that is wanted."""

from __future__ import annotations

from collections import deque
from typing import Literal

__all__ = ["DecodeFrames", "KeyFrames"]

DecodeFrames = Literal["auto", "all", "key"]
"""The frames that are decoded: all, the key frames only, or these where they are enough."""


class KeyFrames:
    """Learns the distances of key frames from the stream's own times.

    Args:
        decode_frames: ``auto`` judges by ``max_fps``; ``all`` and ``key`` are the answer.
    """

    REMEMBERED = 4  # distances
    FEWEST = 2  # distances that are needed for a judgement
    JITTER = 1.05  # a camera may be late with a key frame by a frame

    def __init__(self, decode_frames: DecodeFrames) -> None:
        self._decode_frames = decode_frames
        self._distances: deque[float] = deque(maxlen=self.REMEMBERED)
        self._position: float | None = None
        self.max_fps: float | None = None
        """Frames per second that are wanted at most; None: all that come."""

    def note(self, position: float) -> None:
        """Take note of a key frame at *position*, in the stream's seconds."""
        if self._position is not None and position > self._position:
            self._distances.append(position - self._position)
        elif self._position is not None:
            self._distances.clear()  # the clock of the stream was set
        self._position = position

    @property
    def longest(self) -> float:
        """Seconds between two key frames at most, lately; 0 where that is unknown."""
        return max(self._distances, default=0.0)

    @property
    def shortest(self) -> float:
        """Seconds between two key frames at least, lately; 0 where that is unknown."""
        return min(self._distances, default=0.0)

    @property
    def are_enough(self) -> bool:
        """True where other frames need not be decoded."""
        if self._decode_frames != "auto" or self.max_fps is None:
            return self._decode_frames == "key"
        return len(self._distances) >= self.FEWEST and self.longest * self.max_fps <= self.JITTER
