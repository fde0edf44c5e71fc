"""Thresholds for a series of scores: those of the user or the proposed ones, with the events that they make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from edged.events.proposal import NoProposal, Proposal, propose
from edged.events.rules import Thresholds
from edged.events.score_series import EventSpan, ScoreSeries, event_spans

__all__ = ["Tuning"]


@dataclass(frozen=True, slots=True)
class Tuning:
    """A series of scores, the proposal for it, and the events that ``thresholds`` make of it.

    ``thresholds`` are those of the user, else the proposed ones; None without either.
    """

    reference: str
    series: ScoreSeries
    proposal: Proposal | NoProposal
    thresholds: Thresholds | None
    events: list[EventSpan]

    @classmethod
    def of(
        cls,
        reference: str,
        series: ScoreSeries,
        own: tuple[float, float] | None,
        min_seconds: float,
        cooldown_seconds: float,
    ) -> Self:
        """Tune *series*; *own* are the ``enter`` and ``leave`` of the user, None for the proposed ones."""
        proposal = propose(np.frombuffer(series.scores))
        if own is None and isinstance(proposal, Proposal):
            own = proposal.enter, proposal.leave
        if own is None:
            return cls(reference, series, proposal, None, [])
        thresholds = Thresholds(*own, min_seconds, cooldown_seconds)
        return cls(reference, series, proposal, thresholds, event_spans(series, thresholds))
