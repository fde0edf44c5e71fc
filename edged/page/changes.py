"""The last lines of change: cameras lost and back, problems of the configuration, decided states. Pure."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from edged.wire import State, Status

__all__ = ["ChangeLine", "ChangeLog"]

MOST_LINES = 200
MOST_CAMERAS = 256


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """A change, and when it was."""

    t_wall_us: int
    text: str


class ChangeLog:
    """Makes lines of messages; each method returns those that are new.

    Attributes:
        lines: the last of them.
    """

    def __init__(self) -> None:
        self.lines: deque[ChangeLine] = deque(maxlen=MOST_LINES)
        self._last: dict[str, Status] = {}

    def note(self, text: str, t_wall_us: int | None = None) -> list[ChangeLine]:
        """Add a line with *text*, now unless an instant is given."""
        return self._add(time.time_ns() // 1000 if t_wall_us is None else t_wall_us, [text])

    def note_status(self, status: Status) -> list[ChangeLine]:
        """Add what has changed since the last status of the camera, or since the start what is not as it should be."""
        before = self._last.get(status.camera)
        if before is None and len(self._last) >= MOST_CAMERAS:
            self._last.clear()
        self._last[status.camera] = status
        texts = []
        was = "running" if before is None else before.state
        if status.state != was:
            texts.append(f"{status.camera}: {status.state}" + (f": {status.reason}" if status.reason else ""))
        if (status.picture or "ok") != ((before and before.picture) or "ok"):
            texts.append(f"{status.camera}: picture {status.picture or 'ok'}")
        if status.config_problem != (before and before.config_problem) and (before or status.config_problem):
            texts.append(f"configuration: {status.config_problem or 'in order again'}")
        if before is not None and status.config_hash != before.config_hash and status.run == before.run:
            texts.append(f"{status.camera}: the configuration has changed")
        return self._add(status.t_wall_us, texts)

    def note_state(self, state: State) -> list[ChangeLine]:
        """Add a change of a decided state."""
        if state.reason == "repeat" or state.state == state.was:
            return []
        where = f"{state.camera}/{state.region}"
        return self._add(state.t_wall_us, [f"{where}: {state.set} is {state.state}, was {state.was}"])

    def _add(self, t_wall_us: int, texts: list[str]) -> list[ChangeLine]:
        lines = [ChangeLine(t_wall_us, text) for text in texts]
        self.lines.extend(lines)
        return lines
