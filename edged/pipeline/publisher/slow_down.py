"""Halvings of the frame rates while the board is hot."""

from __future__ import annotations

import logging
import math

from edged.board import Health

__all__ = ["MOST_HALVINGS", "SlowDown"]

log = logging.getLogger(__name__)

HOT_CELSIUS, COOL_CELSIUS = 80.0, 75.0  # a Raspberry Pi slows itself down from 80 on
HOT_BITS = 0b1100  # throttled, and the soft temperature limit
HEAT_SECONDS = 30.0  # after a halving, until its effect can be judged
COOL_SECONDS = 60.0  # that it must be cool before a halving is taken back
MOST_HALVINGS = 6  # of 60 frames a second one is left


class SlowDown:
    """How often the frame rates are halved, by the health of the board; one thread uses it."""

    def __init__(self) -> None:
        self.halvings = 0
        self._changed = -math.inf
        self._cool_since: float | None = None

    def follow(self, health: Health, now: float) -> int:
        """Return the halvings from *now* on, in seconds of the monotonic clock; a change is logged once."""
        if _is_hot(health):
            self._cool_since = None
            if self.halvings < MOST_HALVINGS and now - self._changed >= HEAT_SECONDS:
                self._change(self.halvings + 1, health, now)
        elif health.temp_c is not None and health.temp_c >= COOL_CELSIUS:
            self._cool_since = None
        else:
            self._cool_since = now if self._cool_since is None else self._cool_since
            if self.halvings and now - max(self._cool_since, self._changed) >= COOL_SECONDS:
                self._change(self.halvings - 1, health, now)
        return self.halvings

    def end(self) -> int:
        """Take all halvings back, because they are no longer wanted."""
        if self.halvings:
            log.info("frame rates are as configured: slow_when_hot is off")
        self.halvings = 0
        return 0

    def _change(self, halvings: int, health: Health, now: float) -> None:
        is_worse = halvings > self.halvings
        self.halvings, self._changed = halvings, now
        if health.temp_c is None:
            board = "throttled" if is_worse else "no longer throttled"
        else:
            board = f"{health.temp_c:.0f} °C" if is_worse else f"cooler ({health.temp_c:.0f} °C)"
        rates = f"1/{1 << halvings} of what is configured, but at least 1 frame/s" if halvings else "as configured"
        level = logging.WARNING if is_worse else logging.INFO
        log.log(level, "the board is %s: frame rates are %s", board, rates)


def _is_hot(health: Health) -> bool:
    is_throttled = health.throttled is not None and bool(health.throttled & HOT_BITS)
    return is_throttled or (health.temp_c is not None and health.temp_c >= HOT_CELSIUS)
