"""Queue of publications for the broker: the newest of each state, events up to a bound, and the newest scores."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable

from edged.bridge.topics import Publication

__all__ = ["Outbox"]


class Outbox:
    """Queue that returns states first, then events, then scores.

    A state is a publication that is retained. Only the newest of its topic counts, and all states are returned again
    after `repeat_states`, because a broker may come back without its memory. An event is a publication of QoS 1 that is
    not retained: up to *most_events* of them wait, and then the oldest are dropped and counted. All others are scores,
    which matter only to clients that are connected now: the newest of each topic waits until `forget_scores`.
    """

    def __init__(self, most_events: int) -> None:
        self.dropped = 0
        """Number of events that were dropped."""
        self._most_events = most_events
        self._states: dict[str, Publication] = {}
        self._unsent: OrderedDict[str, None] = OrderedDict()
        self._events: deque[Publication] = deque()
        self._scores: OrderedDict[str, Publication] = OrderedDict()

    @property
    def events(self) -> int:
        """Number of events that wait."""
        return len(self._events)

    def put(self, publications: Iterable[Publication]) -> None:
        """Add *publications*. A state that is equal to the one before is not sent again."""
        for publication in publications:
            if publication.retain:
                if self._states.get(publication.topic) != publication:
                    self._states[publication.topic] = publication
                    self._unsent[publication.topic] = None
            elif publication.qos:
                self._events.append(publication)
                if len(self._events) > self._most_events:
                    self._events.popleft()
                    self.dropped += 1
            else:
                self._scores[publication.topic] = publication

    def next_publication(self) -> Publication | None:
        """Remove and return the publication to send next; None if nothing waits."""
        if self._unsent:
            topic, _ = self._unsent.popitem(last=False)
            state = self._states[topic]
            if not state.payload:  # it withdraws a state, so there is nothing to repeat
                del self._states[topic]
            return state
        if self._events:
            return self._events.popleft()
        return self._scores.popitem(last=False)[1] if self._scores else None

    def repeat_states(self) -> None:
        """Send every state again."""
        self._unsent = OrderedDict.fromkeys(self._states)

    def forget_scores(self) -> None:
        """Drop the scores that wait, because no client receives them now."""
        self._scores.clear()
