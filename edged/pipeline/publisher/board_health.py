"""The board's health over time: read for each status, and every change is logged once."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import replace

from edged.board import CONDITIONS, MASK, PAST, Board, Health, conditions

__all__ = ["HealthWatch"]

log = logging.getLogger(__name__)

READ_SECONDS = 1.9  # several cameras have a status each, every two seconds
HOT_CELSIUS, COOL_CELSIUS = 80.0, 75.0  # a Raspberry Pi slows itself down from 80 on
CALM_SECONDS = 60.0  # power that dips with every frame is one problem, and not two lines a second


class HealthWatch:
    """Reads *board* for one thread; ``latest`` may be read by any.

    Raspberry Pi's kernel forgets after two seconds that there was under-voltage. This does not: from the start on,
    bits 16 to 19 of ``throttled`` keep every condition that occurred.
    """

    def __init__(self, board: Board) -> None:
        self.latest = Health()
        """The health that was read last."""
        self._board = board
        self._next_read = -math.inf
        self._last_bits: int | None = None
        self._ever = 0  # the conditions that were seen since the start, as bits 0 to 3
        self._seen: dict[int, float] = {}  # when each logged condition was seen last, by its bit
        self._is_hot = False

    def read(self) -> Health:
        """Return the board's health, read anew if the last time is long enough ago."""
        time_now = time.monotonic()
        if time_now >= self._next_read:
            self._next_read = time_now + READ_SECONDS
            self.add_reading(self._board.read(), time_now)
        return self.latest

    def add_reading(self, health: Health, time_now: float) -> None:
        """Make *health*, read at *time_now*, the latest, and log its changes."""
        self._watch_heat(health.temp_c)
        if health.throttled is not None:
            self._watch_bits(health.throttled, time_now)
            health = replace(health, throttled=health.throttled | self._ever << PAST)
        self.latest = health

    def _watch_heat(self, celsius: float | None) -> None:
        if celsius is None:
            return
        if not self._is_hot and celsius >= HOT_CELSIUS:
            self._is_hot = True
            log.warning("the board is hot: %.0f °C; it slows itself down to survive", celsius)
        elif self._is_hot and celsius < COOL_CELSIUS:
            self._is_hot = False
            log.info("the board has cooled down to %.0f °C", celsius)

    def _watch_bits(self, bits: int, time_now: float) -> None:
        current, past = bits & MASK, bits >> PAST & MASK
        if self._last_bits is None:
            self._ever = past
            _log_conditions("since boot", past & ~current)
        else:
            current |= past & ~(self._last_bits >> PAST)  # it came and went since the last reading
        self._last_bits = bits
        self._ever |= current
        new = {bit for bit in range(len(CONDITIONS)) if current >> bit & 1}
        _log_conditions("now", sum(1 << bit for bit in new - self._seen.keys()))
        self._seen |= dict.fromkeys(new, time_now)
        for bit in [bit for bit, seen in self._seen.items() if time_now - seen >= CALM_SECONDS]:
            del self._seen[bit]
            log.info("the board: no %s for %.0f s", CONDITIONS[bit], CALM_SECONDS)


def _log_conditions(when: str, bits: int) -> None:
    if bits:
        log.warning("the board: %s", ", ".join(f"{words} {when}" for words in conditions(bits)))
