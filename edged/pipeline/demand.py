"""Demand for regions and frames of all cameras, and a prediction of when the next frame is due."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection, Mapping

__all__ = ["REMEMBERED", "Demand", "FrameRequests"]

REMEMBERED = 8  # of each figure; the least favourable of them counts


class Demand:
    """Demand for regions and frames of each camera: one object for all stages of a daemon.

    ====================  =================================  ==================================
    fact                  written by                         read by
    ====================  =================================  ==================================
    wanted places         publisher: `set_wanted`            inference, captures
    on-demand cameras     inference: `serve`                 inference, captures
    observers             inference: `count_observers`       inference, captures
    observed places       inference: `observe`               inference, captures
    requests for frames   inference: `note_request`          captures: `due_ns`
    halvings              publisher                          captures
    ====================  =================================  ==================================

    A fact has one writer at a time, and is replaced whole, so that a reader needs no lock: it gets the value of before
    or the one of after. While one inference takes over from another both may have observers: their count has a lock.
    """

    def __init__(self) -> None:
        self._wanted: frozenset[tuple[str, str]] = frozenset()
        self._on_demand: Mapping[str, Collection[str]] = {}
        self._requests: dict[str, FrameRequests] = {}
        self._observers = 0
        self._observed: Mapping[tuple[str, str | None], int] = {}
        self._counting = threading.Lock()
        self.halvings = 0
        """How often the frame rates of live cameras are halved, because the board is hot."""

    def set_wanted(self, places: frozenset[tuple[str, str]]) -> None:
        """Set the places, cameras and regions, whose results have a subscriber or a rule."""
        self._wanted = places

    def serve(self, on_demand: Mapping[str, Collection[str]]) -> None:
        """Embed the regions of these cameras only where they are wanted, and all regions of all other cameras."""
        self._on_demand, self._requests = on_demand, {}

    def count_observers(self, more: int) -> None:
        """Add *more* to the count of observers; while there is any, every region is wanted."""
        with self._counting:
            self._observers += more

    def observe(self, camera: str, region: str | None, more: int) -> None:
        """Add *more* to the count of observers of one region, which is wanted while there is any.

        None stands for the frames of *camera*: they are decoded then, and no region is embedded for that.
        """
        with self._counting:
            counts = {**self._observed, (camera, region): self._observed.get((camera, region), 0) + more}
            self._observed = {place: count for place, count in counts.items() if count}

    def note_request(self, camera: str, now_ns: int, *, in_vain: bool) -> None:
        """Note that the inference has asked for a frame of *camera*: see `FrameRequests.note`."""
        if (requests := self._requests.get(camera)) is None:
            requests = self._requests[camera] = FrameRequests()
        requests.note(now_ns, in_vain=in_vain)

    def is_wanted(self, camera: str, region: str) -> bool:
        """Whether *region* is to be embedded."""
        place = camera, region
        is_observed = self._observers > 0 or place in self._observed
        return camera not in self._on_demand or is_observed or place in self._wanted

    def is_watched(self, camera: str) -> bool:
        """Whether any region of *camera* is to be embedded, so that its frames have to be decoded."""
        regions = self._on_demand.get(camera)
        is_observed = (camera, None) in self._observed
        return regions is None or is_observed or any(self.is_wanted(camera, region) for region in regions)

    def due_ns(self, camera: str) -> int:
        """Return the earliest time of the next request for a frame of *camera*: see `FrameRequests.due_ns`."""
        requests = self._requests.get(camera)
        return 0 if requests is None else requests.due_ns


class FrameRequests:
    """Prediction of the next request for a frame of one camera, from the times of the last ones.

    All times are nanoseconds of CLOCK_MONOTONIC. One thread at a time notes requests, any may read ``due_ns``.
    """

    def __init__(self) -> None:
        self.due_ns = 0
        """The earliest time of the next request; 0 if the inference waits for a frame, or nothing is known."""
        self._turns: deque[int] = deque(maxlen=REMEMBERED)  # from taking a frame to asking for the next
        self._taken_ns: int | None = None
        self._waits = True

    def note(self, now_ns: int, *, in_vain: bool) -> None:
        """Note a request: for a frame that was there, or *in_vain*, so that the inference waits for the next one."""
        if not self._waits and self._taken_ns is not None:
            self._turns.append(now_ns - self._taken_ns)
        self._waits = in_vain
        if in_vain:
            self.due_ns = 0
        else:
            self._taken_ns = now_ns
            self.due_ns = now_ns + min(self._turns) if self._turns else 0
