"""The decided state of one set in one place: changed by answers that agree for long enough."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from edged.values import UNKNOWN, StateAnswer

__all__ = ["Decision", "StateChange", "StateReason"]

StateReason = Literal["changed", "camera-lost", "stopped", "set-removed", "relearned", "repeat"]
"""Reasons for a report of the decided state."""


@dataclass(frozen=True, slots=True)
class StateChange:
    """A report of the decided state: it has changed, or is repeated.

    ``p`` is the probability of ``state`` in the newest answer, or the largest one if it is `UNKNOWN`. ``t_since_us`` is
    when the answers became so; ``t_cap_us`` and ``frame_seq`` are of the newest frame.
    """

    set: str
    state: str
    was: str
    p: float
    novelty: float | None
    t_since_us: int
    t_cap_us: int
    frame_seq: int
    reason: StateReason


@dataclass(frozen=True, slots=True)
class _Seen:
    """An answer, its frame, and since when the answers have been the same without a break."""

    answer: StateAnswer
    t_us: int
    frame_seq: int
    since_us: int


class Decision:
    """Decides which state a set is in, by its answers of one place. One thread uses it.

    The state changes to another one when that has been every answer for *min_seconds*. While the answers are `UNKNOWN`
    it stays, for *unknown_seconds* after the last answer that agreed with it, and is then `UNKNOWN`, as it is at first.
    Only the times of the frames count. A time before that of the last frame begins another stretch of time, as when a
    recording holds two: what the answers were before does not count then, but the state stays.
    """

    def __init__(self, min_seconds: float, unknown_seconds: float) -> None:
        self.state = UNKNOWN
        self.was = UNKNOWN
        self._since_us = 0
        self._agreed_us: int | None = None
        self._disagreed_us: int | None = None
        self._newest: _Seen | None = None
        self.use(min_seconds, unknown_seconds)

    def use(self, min_seconds: float, unknown_seconds: float) -> None:
        """Apply these times from the next answer on."""
        self._min_us, self._unknown_us = round(min_seconds * 1e6), round(unknown_seconds * 1e6)

    def add(self, answer: StateAnswer, t_us: int, frame_seq: int) -> StateChange | None:
        """Return the change that the next answer makes: mostly None. *t_us* is the capture time of its frame."""
        newest = self._see(answer, t_us, frame_seq)
        if answer.state == self.state:
            self._agreed_us, self._disagreed_us = t_us, None
            return None
        if self._disagreed_us is None:
            self._disagreed_us = t_us
        if answer.state == UNKNOWN:
            if self._agreed_us is not None and t_us - self._agreed_us < self._unknown_us:
                return None
            return self._change(UNKNOWN, self._disagreed_us, "changed")
        if t_us - newest.since_us < self._min_us:
            return None
        return self._change(answer.state, newest.since_us, "changed")

    def end(self, reason: StateReason) -> StateChange | None:
        """Make the state `UNKNOWN`, because no more answers are to come, or only others. None if it is already."""
        if self.state == UNKNOWN or self._newest is None:
            self._newest = None
            return None
        change = self._change(UNKNOWN, self._newest.t_us, reason)
        self._newest = None
        return change

    def report(self, reason: StateReason) -> StateChange | None:
        """Return the state once more, for those who missed its change; None before the first answer."""
        if self._newest is None:
            return None
        newest = self._newest
        return StateChange(
            newest.answer.set,
            self.state,
            self.was,
            _probability(newest.answer, self.state),
            newest.answer.novelty,
            self._since_us,
            newest.t_us,
            newest.frame_seq,
            reason,
        )

    def _see(self, answer: StateAnswer, t_us: int, frame_seq: int) -> _Seen:
        before = self._newest
        if before is not None and t_us < before.t_us:
            before, self._agreed_us, self._disagreed_us = None, t_us, None
        if before is None:
            self._since_us = t_us
            self._newest = _Seen(answer, t_us, frame_seq, t_us)
        elif before.answer.state == answer.state:
            self._newest = replace(before, answer=answer, t_us=t_us, frame_seq=frame_seq)
        else:
            self._newest = _Seen(answer, t_us, frame_seq, t_us)
        return self._newest

    def _change(self, state: str, since_us: int, reason: StateReason) -> StateChange:
        assert self._newest is not None
        self.was, self.state, self._since_us = self.state, state, since_us
        self._agreed_us, self._disagreed_us = self._newest.t_us, None
        report = self.report(reason)
        assert report is not None
        return report


def _probability(answer: StateAnswer, state: str) -> float:
    shares = dict(answer.p)
    return shares.get(state, max(shares.values()))
