"""Views of regions of the last minutes, kept in memory while somebody asks for them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edged.errors import ControlError
from edged.pipeline.inference.observer import Observation
from edged.pipeline.wall_clock import WallClock
from edged.service.control.jobs import Job, wait_for
from edged.service.control.samples import Selection
from edged.service.control.typical_picture import TypicalPicture, region_of
from edged.values import Rotation
from edged.vision.pictures.png import to_png
from edged.vision.pixels.reduction import Decode
from edged.vision.pixels.view import RgbView
from edged.wire import control_requests as requests
from edged.wire import control_results as results

if TYPE_CHECKING:
    from edged.pipeline.inference.stage import Inference
    from edged.service.control.picture_encoder import PictureEncoder
    from edged.service.running_stages import RunningStages

__all__ = ["RecentViews"]

EVERY_SECONDS = 5.0  # by the times of capture
UNASKED_SECONDS = 60.0  # after which the views of a region are forgotten
MOST_VIEWS = 24  # of a region: two minutes
MOST_BYTES = 16 << 20  # of the pictures of a region
MOST_REGIONS = 4  # that are watched at a time


@dataclass(frozen=True, slots=True, eq=False)
class _RecentView:
    """One frame of a region: RGB as captured, its vector, and how that was made and decided."""

    id: str
    picture: NDArray[np.uint8]
    vector: NDArray[np.float32] | NDArray[np.int8]
    space_id: str
    rotation: Rotation
    decode: Decode
    t_wall_us: int
    set_states: Mapping[str, str]


class RecentViews:
    """Keeps views of regions of the *running* stages; *wake* lets a waiting job go on, *encoder* makes the PNGs.

    The control stage's thread uses it.
    """

    def __init__(self, running: RunningStages, wake: Callable[[], None], encoder: PictureEncoder) -> None:
        self._running = running
        self._wake = wake
        self._encoder = encoder
        self._watches: dict[tuple[str, str], _Watch] = {}

    def list_views(self, request: requests.ListRecent) -> Job:
        """List the views of a region, the newest first, and make the PNG of one; watch the region from now on."""
        camera, region = request.camera, region_of(self._running.pipeline, request.camera, request.region)
        views = self._watch(camera, region).views
        pictures, pngs = [], []
        if request.picture is not None:
            view = _found(views, request.picture)
            pngs.append((yield from self._png(view)))
            height, width = view.picture.shape[:2]
            pictures.append(results.PictureInfo(name=view.id, width=width, height=height))
        entries = tuple(
            results.RecentInfo(id=view.id, t_wall_us=view.t_wall_us, set_states=view.set_states) for view in views
        )
        return results.RecentResult(camera=camera, region=region, entries=entries, pictures=tuple(pictures)), pngs

    def take(self, camera: str, region: str, picture: str) -> Generator[None, None, TypicalPicture]:
        """Return the view with the id *picture*, to be enrolled.

        Raises:
            ControlError: there is no such view, or not any more.
        """
        watch = self._watches.get((camera, region))
        view = _found(() if watch is None else watch.views, picture)
        png = yield from self._png(view)
        return TypicalPicture(
            picture=view.picture,
            png=png,
            vector=view.vector,
            space_id=view.space_id,
            rotation=view.rotation,
            decode=view.decode,
            t_wall_us=view.t_wall_us,
            count=1,
            selection=Selection(0, (1.0,), ()),
        )

    def tidy(self) -> None:
        """Forget what nobody asks for any more, and follow a change of the model; called again and again."""
        inference, now = self._running.pipeline.inference, time.monotonic()
        for place, watch in tuple(self._watches.items()):
            if now > watch.asked + UNASKED_SECONDS:
                self._forget(place)
            elif watch.inference is not inference:
                watch.inference = inference
                inference.add_region_observer(*place, watch)

    def _watch(self, camera: str, region: str) -> _Watch:
        place = camera, region
        if place not in self._watches:
            if len(self._watches) >= MOST_REGIONS:
                self._forget(min(self._watches, key=lambda each: self._watches[each].asked))
            self._watches[place] = _Watch(self._running.pipeline.inference)
            self._running.pipeline.inference.add_region_observer(camera, region, self._watches[place])
        self._watches[place].asked = time.monotonic()
        return self._watches[place]

    def _forget(self, place: tuple[str, str]) -> None:
        watch = self._watches.pop(place)
        watch.inference.remove_region_observer(*place, watch)

    def _png(self, view: _RecentView) -> Generator[None, None, bytes]:
        return (yield from wait_for(self._encoder.submit(partial(to_png, view.picture)), self._wake))


class _Watch:
    """An observer of one region that keeps a view of it every `EVERY_SECONDS`.

    A thread of the inference replaces ``views``, the newest first; when they were last ``asked`` for, and the
    ``inference`` that shows them, are the control stage's.
    """

    def __init__(self, inference: Inference) -> None:
        self.inference = inference
        self.asked = time.monotonic()
        self.views: tuple[_RecentView, ...] = ()
        self._clock = WallClock()
        self._origin: object = None
        self._next_ns = 0

    def __call__(self, seen: Observation) -> bool:
        origin = (seen.embedder.space_id, seen.feed.rotation, seen.lease.format, seen.box)
        if origin != self._origin:
            self._origin, self.views, self._next_ns = origin, (), 0  # another region than before
        t_cap_ns = seen.lease.stamp.t_cap_ns
        size = seen.box.width * seen.box.height * 3
        if t_cap_ns >= self._next_ns and size <= MOST_BYTES:
            self._next_ns = t_cap_ns + int(EVERY_SECONDS * 1e9)
            self._keep(seen, min(MOST_VIEWS, MOST_BYTES // size))
        return False

    def _keep(self, seen: Observation, most: int) -> None:
        try:
            picture = RgbView(seen.box).of(seen.lease.pixels, seen.lease.format.pixels)
        except MemoryError:  # the thread is the inference's, which must not end of it
            self.views = ()
            return
        view = _RecentView(
            id=secrets.token_hex(8),
            picture=picture,
            vector=seen.vector.copy(),
            space_id=seen.embedder.space_id,
            rotation=seen.feed.rotation,
            decode=seen.embedder.options.decode,
            t_wall_us=self._clock.wall_us(seen.lease.stamp.t_cap_ns),
            set_states={answer.set: answer.state for answer in seen.states},
        )
        self.views = (view, *self.views)[:most]


def _found(views: tuple[_RecentView, ...], picture: str) -> _RecentView:
    view = next((each for each in views if each.id == picture), None)
    if view is None:
        raise ControlError("not-found", f"there is no recent view {picture} any more; list them again")
    return view
