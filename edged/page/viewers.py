"""Viewers: what each tab looks at, one picture in flight each, and the newest wins. Pure; instants are monotonic."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any, NamedTuple

from edged.page.protocol import LookRequest

__all__ = ["ACK_SECONDS", "Picture", "PictureStream", "Viewer", "fastest"]

ACK_SECONDS = 10.0
STALLED_SECONDS = 2.0  # after so long without an acknowledgement nothing is asked of the daemon for this viewer alone
INPUT_FPS = 2.0
INPUT_WIDTH = 640  # without a meaning: a model input is not reduced


class PictureStream(NamedTuple):
    """Pictures of a camera at a width; or, with a region, of what the model is given of it."""

    camera: str
    region: str | None
    width: int


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture with the facts that its header has for every viewer."""

    facts: Mapping[str, Any]
    t_cap_us: int
    body: bytes


class Viewer:
    """One tab: the streams that it looks at, and the picture that it has not acknowledged yet.

    Attributes:
        streams: the period of each stream, in seconds.
        scores: the regions whose scores it wants, as pairs of camera and region.
    """

    def __init__(self) -> None:
        self.streams: dict[PictureStream, float] = {}
        self.scores: frozenset[tuple[str, str]] = frozenset()
        self._number = 0
        self._in_flight = False
        self._sent_at = 0.0
        self._waiting: OrderedDict[PictureStream, Picture] = OrderedDict()

    def look(self, look: LookRequest) -> None:
        """Look at something else: pictures that wait and are not wanted any more are dropped."""
        streams = {PictureStream(view.camera, None, view.width): 1 / view.fps for view in look.cameras}
        for place in look.inputs:
            streams[PictureStream(place.camera, place.region, INPUT_WIDTH)] = 1 / INPUT_FPS
        self.streams = streams
        self.scores = frozenset((place.camera, place.region) for place in look.scores)
        for stream in [stream for stream in self._waiting if stream not in streams]:
            del self._waiting[stream]

    def offer(self, stream: PictureStream, picture: Picture) -> None:
        """Let *picture* wait in the place of an older one of its stream; streams keep their turn."""
        if stream in self.streams:
            self._waiting[stream] = picture

    def take(self, now: float) -> tuple[int, Picture] | None:
        """Return the next picture and its number, which is in flight from *now* on; None if none may be sent."""
        if self._in_flight or not self._waiting:
            return None
        _, picture = self._waiting.popitem(last=False)
        self._number += 1
        self._in_flight, self._sent_at = True, now
        return self._number, picture

    def acknowledge(self, number: int) -> None:
        """Note that the picture with that number is drawn; numbers of others change nothing."""
        if number == self._number:
            self._in_flight = False

    def is_late(self, now: float) -> bool:
        """Return whether it has not acknowledged its picture in time."""
        return self._in_flight and now - self._sent_at > ACK_SECONDS

    def is_stalled(self, now: float) -> bool:
        """Return whether it takes no pictures at present."""
        return self._in_flight and now - self._sent_at > STALLED_SECONDS


def fastest(viewers: Iterable[Viewer], now: float) -> dict[PictureStream, float]:
    """Return every stream that a viewer takes pictures of, with the shortest period that one of them asks for.

    The first one of each viewer comes before the second one of any: if there are too many, nobody is left with none.
    """
    periods: dict[PictureStream, float] = {}
    wanted = [viewer.streams.items() for viewer in viewers if not viewer.is_stalled(now)]
    for stream, period in filter(None, chain.from_iterable(zip_longest(*wanted))):
        periods[stream] = min(period, periods.get(stream, period))
    return periods
