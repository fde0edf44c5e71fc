"""All events of a daemon, or of a recording."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import TYPE_CHECKING

from edged.events.detector import Detector, EventChange, Reason, Score
from edged.events.rules import EventRules

if TYPE_CHECKING:
    from edged.wire import Match

__all__ = ["Events"]


class Events:
    """Makes events of the scores of all cameras, by *rules*. One thread uses it.

    *run* makes the ids of its events differ from those of every other run.
    """

    def __init__(self, run: str, rules: EventRules | None = None) -> None:
        numbers = count(1)
        self._new_id: Callable[[], str] = lambda: f"{run}-{next(numbers)}"
        self._rules = rules or EventRules()
        self._detectors: dict[tuple[str, str], dict[str, Detector]] = {}
        self._blind_until_us: dict[str, int] = {}

    def use(self, rules: EventRules) -> list[EventChange]:
        """Apply *rules* from now on. Returns the ends of the events that they leave no place for.

        What is open goes on where its reference still makes events there, by the new thresholds. Otherwise it ends
        with ``reference-removed``, also where the region is gone, or with ``stopped`` where the whole camera is.
        """
        self._rules = rules
        ends: list[EventChange] = []
        for (camera, region), detectors in self._detectors.items():
            thresholds = rules.at(camera, region)
            reason: Reason = "reference-removed" if camera in rules.cameras else "stopped"
            for reference in list(detectors):
                if reference in thresholds:
                    detectors[reference].use(thresholds[reference])
                else:
                    ends += detectors.pop(reference).end(reason)
        self._detectors = {place: detectors for place, detectors in self._detectors.items() if detectors}
        return ends

    def add_scores(
        self, camera: str, region: str, frame_seq: int, t_us: int, scores: Sequence[Match]
    ) -> list[EventChange]:
        """Return what the *scores* of one frame, captured at *t_us*, begin, update or end.

        Of several scores of one reference the first counts. References that make no events are left out.
        """
        thresholds = self._rules.at(camera, region)
        if not thresholds or t_us <= self._blind_until_us.get(camera, t_us - 1):
            return []
        detectors = self._detectors.setdefault((camera, region), {})
        changes: list[EventChange] = []
        seen: set[str] = set()
        for match in scores:
            reference = match.ref
            if reference not in thresholds or reference in seen:
                continue
            seen.add(reference)
            if reference not in detectors:
                detectors[reference] = Detector(camera, region, reference, thresholds[reference], self._new_id)
            changes += detectors[reference].add_score(Score(frame_seq, t_us, match.s))
        return changes

    def end_camera(self, camera: str, t_us: int, reason: Reason = "camera-lost") -> list[EventChange]:
        """End what is open on *camera*, whose pictures broke off at *t_us*: frames from before are ignored."""
        self._blind_until_us[camera] = t_us
        return self._end([place for place in self._detectors if place[0] == camera], reason)

    def end_all(self) -> list[EventChange]:
        """End everything that is open, because nothing more is to come."""
        return self._end(list(self._detectors), "stopped")

    def request_updates(self) -> None:
        """Update every open event soon, because a new subscriber does not know of it."""
        for detectors in self._detectors.values():
            for detector in detectors.values():
                detector.request_update()

    def _end(self, places: list[tuple[str, str]], reason: Reason) -> list[EventChange]:
        return [end for place in places for detector in self._detectors[place].values() for end in detector.end(reason)]
