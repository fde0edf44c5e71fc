"""What waits for the broker: of what is retained the newest, of events all up to a bound, of the rest nothing."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable

from edged.bridge.topics import Publication

__all__ = ["Outbox"]


class Outbox:
    """Takes publications and gives them out in the order in which they make sense: states first, then events.

    A state is a publication that is retained: only the newest of its topic counts, and all of them are given out again
    after `repeat`, because a broker may come back without its memory. An event is one of QoS 1 that is not retained: up
    to *most_events* of them wait, and then the oldest are dropped and counted. The others, scores, are for who listens
    now: of each topic the newest waits, and `forget_scores` ends that.
    """

    def __init__(self, most_events: int) -> None:
        self.dropped = 0
        """How many events were dropped."""
        self._most_events = most_events
        self._states: dict[str, Publication] = {}
        self._news: OrderedDict[str, None] = OrderedDict()
        self._events: deque[Publication] = deque()
        self._scores: OrderedDict[str, Publication] = OrderedDict()

    @property
    def events(self) -> int:
        """How many events wait."""
        return len(self._events)

    def put(self, publications: Iterable[Publication]) -> None:
        """Take *publications*; a state that is told already is no news."""
        for publication in publications:
            if publication.retain:
                if self._states.get(publication.topic) != publication:
                    self._states[publication.topic] = publication
                    self._news[publication.topic] = None
            elif publication.qos:
                self._events.append(publication)
                if len(self._events) > self._most_events:
                    self._events.popleft()
                    self.dropped += 1
            else:
                self._scores[publication.topic] = publication

    def take(self) -> Publication | None:
        """The next one to send; None: there is none."""
        if self._news:
            topic, _ = self._news.popitem(last=False)
            state = self._states[topic]
            if not state.payload:  # it withdraws a state, and there is nothing to repeat
                del self._states[topic]
            return state
        if self._events:
            return self._events.popleft()
        return self._scores.popitem(last=False)[1] if self._scores else None

    def repeat(self) -> None:
        """Give out every state again."""
        self._news = OrderedDict.fromkeys(self._states)

    def forget_scores(self) -> None:
        """Nobody listens now."""
        self._scores.clear()
