"""Detects a camera that is frozen: it repeats one picture."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from edged.values import Stamp

__all__ = ["FreezeWatch"]

CHECK_EVERY_NS = 500_000_000  # a check costs about a millisecond; two a second are enough
GRACE_NS = 1_000_000_000  # some cameras begin with a picture from before they were closed


class FreezeWatch:
    """Detects a camera that repeats one picture: sensor noise makes every real frame differ from the one before.

    Args:
        seconds: the time for which the same picture may come; 0 allows it for ever (a lens cap, a drawn test picture).
    """

    def __init__(self, seconds: float) -> None:
        self._limit_ns = int(seconds * 1e9)
        self._digest: int | None = None
        self._same_since_ns = 0
        self._next_check_ns = 0
        self._is_opened = False
        self._grace_until_ns = 0
        self._frozen = False
        self.in_doubt = False
        """Whether the last picture would count as frozen, but the camera was just opened: the next ones will decide."""

    def expect_opening(self) -> None:
        """Check the next frame whenever it comes: the camera was opened, and has a second to show something new."""
        self._next_check_ns = 0
        self._is_opened = True

    def is_frozen(self, pixels: NDArray[np.uint8], stamp: Stamp) -> bool:
        """Whether the picture has been the same for longer than allowed. *pixels* must be C-contiguous."""
        if self._limit_ns and stamp.t_cap_ns >= self._next_check_ns:
            self._check(zlib.crc32(pixels.data), stamp.t_cap_ns)
        return self._frozen

    def _check(self, digest: int, now_ns: int) -> None:
        if digest != self._digest:
            self._digest, self._same_since_ns = digest, now_ns
        if self._is_opened:
            self._is_opened, self._grace_until_ns = False, now_ns + GRACE_NS
        is_old = now_ns - self._same_since_ns >= self._limit_ns
        self.in_doubt = is_old and now_ns < self._grace_until_ns
        self._frozen = is_old and not self.in_doubt
        self._next_check_ns = now_ns if self.in_doubt else now_ns + CHECK_EVERY_NS
