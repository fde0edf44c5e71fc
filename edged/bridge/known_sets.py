"""Sets of states in regions: the decided state of each, and its sensor for Home Assistant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from edged.bridge.discovery import set_sensor, withdrawals
from edged.bridge.known import KnownCamera
from edged.bridge.limit_log import LimitLog
from edged.bridge.topics import CameraKey, Publication, SetPlace, Topics
from edged.values import UNKNOWN, check_name
from edged.wire import Event, State, Status, Vec

__all__ = ["GONE_SECONDS", "MAX_SETS", "MAX_SETS_OF_NODE", "MAX_STATES", "KnownSets"]

GONE_SECONDS = 60.0  # before what the daemon no longer has is withdrawn
MAX_SETS, MAX_SETS_OF_NODE = 1000, 250  # in regions: in all, and of one node
MAX_STATES = 16  # of a set: twice as many as a daemon has


@dataclass(slots=True)
class _KnownSet:
    """When the last message of a set came, the states that its sensor has, and whether its state was published."""

    last_seen: float
    states: tuple[str, ...] = ()
    has_state: bool = False


class KnownSets:
    """Known sets of states. Messages and time change them, and yield publications; times are monotonic seconds.

    Attributes:
        has_news: whether a set came or went since it was set to False.
    """

    def __init__(self, topics: Topics, limits: LimitLog, *, discover: bool) -> None:
        self.has_news = False
        self._topics = topics
        self._limits = limits
        self._discover = discover
        self._sets: dict[SetPlace, _KnownSet] = {}
        self._sets_of: Counter[str] = Counter()  # by node

    @property
    def places(self) -> Collection[SetPlace]:
        """The sets that are known."""
        return self._sets.keys()

    def note(self, place: SetPlace, now: float) -> _KnownSet | None:
        """Note that a message of *place* came; return None where its name is not legal or there is no room for it."""
        known = self._sets.get(place)
        if known is None:
            if not _is_name(place.set):
                return None
            if len(self._sets) >= MAX_SETS:
                self._limits.report(f"more than {MAX_SETS} sets of states in regions")
                return None
            if self._sets_of[place.node] >= MAX_SETS_OF_NODE:
                self._limits.report(f"more than {MAX_SETS_OF_NODE} sets of states in regions of {place.node}")
                return None
            self._sets_of[place.node] += 1
            known = self._sets[place] = _KnownSet(now)
            self.has_news = True
        known.last_seen = now
        return known

    def follow_vec(self, vec: Vec, model: str, now: float) -> Iterator[Publication]:
        """Yield the sensors of the sets of *vec* that are new or have other states than before."""
        for answer in vec.states:
            place = SetPlace(vec.node, vec.camera, vec.region, answer.set)
            known = self.note(place, now)
            if known is not None:
                yield from self._announce(place, known, answer.p, model)

    def follow_status(self, status: Status, model: str) -> Iterator[Publication]:
        """Yield the sensors of sets that are known by their state, but not by an answer yet."""
        names = {each.name: each.states for each in status.sets}
        for place, known in self._sets.items():
            if not known.states and place[:2] == (status.node, status.camera):
                yield from self._announce(place, known, names.get(place.set, ()), model)

    def follow_state(self, message: State, now: float) -> Iterator[Publication]:
        """Yield the decided state, or the withdrawal of a set that was removed."""
        place = SetPlace(message.node, message.camera, message.region, message.set)
        if message.reason == "set-removed":
            yield from self._withdraw(place)
            return
        known = self.note(place, now)
        if known is not None and _is_name(message.state):
            known.has_state = True
            yield Publication(self._topics.set_state(place), message.state.encode())

    def follow_event(self, event: Event, header: bytes, now: float) -> Iterator[Publication]:
        """Yield an event of a set, whose sensor is that of its state."""
        place = SetPlace(event.node, event.camera, event.region, event.ref)
        if self.note(place, now) is not None:
            yield Publication(self._topics.set_event(place), header, retain=False)

    def begin_run(self, key: CameraKey) -> Iterator[Publication]:
        """Yield that nothing is known of the sets of a camera whose daemon was started again."""
        for place, known in self._sets.items():
            if place.camera_key == key and known.has_state:
                yield Publication(self._topics.set_state(place), UNKNOWN.encode())

    def withdraw_camera(self, key: CameraKey) -> Iterator[Publication]:
        """Withdraw the sets of a camera."""
        for place in [place for place in self._sets if place.camera_key == key]:
            yield from self._withdraw(place)

    def withdraw_gone(
        self, cameras: Mapping[CameraKey, KnownCamera], silent_seconds: float, now: float
    ) -> Iterator[Publication]:
        """Withdraw the sets that vectors of their region, or of other regions without it, lack for GONE_SECONDS."""
        for place, known in list(self._sets.items()):
            camera = cameras.get(place.camera_key)
            if now - known.last_seen > GONE_SECONDS and camera is not None and camera.delivers(now, silent_seconds):
                region = camera.regions.get(place.region)
                if region is None or region.last_seen - known.last_seen > GONE_SECONDS:
                    yield from self._withdraw(place)

    def _announce(self, place: SetPlace, known: _KnownSet, states: Iterable[str], model: str) -> Iterator[Publication]:
        states = tuple(states)
        if not states or states == known.states:
            return
        if len(states) > MAX_STATES or not all(map(_is_name, states)):
            self._limits.report(
                f"a set of {place.node} with more than {MAX_STATES} states, or names that are not legal"
            )
            return
        known.states = states
        if self._discover:
            yield set_sensor(self._topics, place, model, states)

    def _withdraw(self, place: SetPlace) -> Iterator[Publication]:
        if self._sets.pop(place, None) is not None:
            self._sets_of[place.node] -= 1
            self.has_news = True
            yield from withdrawals(self._topics, place)


def _is_name(text: str) -> bool:
    try:
        check_name(text)
    except ValueError:
        return False
    return True
