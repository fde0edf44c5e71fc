"""From what a daemon says to what is published: the bridge's picture of the world, without sockets or threads."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from edged.bridge.discovery import (
    OFF,
    OFFLINE,
    ON,
    ONLINE,
    active_sensor,
    score_sensor,
    state_sensor,
    withdrawals,
)
from edged.bridge.known import Activity, KnownCamera, KnownRegion, recollect, remember
from edged.bridge.topics import CameraKey, Publication, ReferencePlace, Topics
from edged.client import Delivery
from edged.values import check_name
from edged.wire import Event, Status, Vec

__all__ = ["GONE_SECONDS", "Settings", "Watch"]

log = logging.getLogger(__name__)

STATUS_SECONDS = 30.0  # between two of the same state
OPEN_US = 15_000_000  # an open event is told again every 10 s of frames
GONE_SECONDS = 60.0  # before what the daemon no longer has is taken away
MOST_PLACES = 1000


@dataclass(frozen=True, slots=True)
class Settings:
    """How the bridge is called and what it publishes."""

    topics: Topics
    score_seconds: float = 5.0
    silent_seconds: float = 6.0  # a daemon says something of each camera every 2
    discover: bool = True


class Watch:
    """Is told what comes and what time it is, and yields what there is to publish. Times are monotonic seconds."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topics = settings.topics
        self._cameras: dict[CameraKey, KnownCamera] = {}
        self._places: dict[ReferencePlace, float] = {}  # when it was last heard of
        self._active: dict[ReferencePlace, Activity] = {}
        self._is_full = False

    def see(self, delivery: Delivery, now: float) -> Iterator[Publication]:
        """A message has come at *now*."""
        message = delivery.message
        name = CameraKey(message.node, message.camera)
        camera = self._cameras.get(name)
        if camera is None:
            camera = self._cameras[name] = KnownCamera(now)
            yield self._known()
        camera.heard = now
        if camera.run != message.run:
            yield from self._begin_run(name, camera, message.run)
        if isinstance(message, Status):
            yield from self._see_status(name, camera, message, bytes(delivery.frames[1]), now)
        elif isinstance(message, Event):
            yield from self._see_event(camera, message, bytes(delivery.frames[1]), now)
        else:
            yield from self._see_vec(name, camera, message, now)

    def tick(self, now: float) -> Iterator[Publication]:
        """Time has passed: who is silent, and which scores are due."""
        for name, camera in self._cameras.items():
            if now - camera.heard > self._settings.silent_seconds and camera.state not in ("silent", "stopped"):
                log.warning("nothing is heard of camera %s of %s any more", name.camera, name.node)
                yield from self._turn(name, camera, "silent")
            if camera.state != "running":
                continue
            for region_name, region in camera.regions.items():
                if now >= region.next_score:
                    region.next_score = now + self._settings.score_seconds
                    for ref, score in region.scores.items():
                        place = ReferencePlace(*name, region_name, ref)
                        if place in self._places:
                            topic = self._topics.place(place, "score")
                            yield Publication(topic, f"{score:.6g}".encode(), qos=0, retain=False)
        yield from self._take_away(now)

    def recall(self, known: bytes, now: float) -> Iterator[Publication]:
        """What the bridge of this name had published when it last ran: what of it no longer is gets taken away."""
        try:
            cameras, places = recollect(known)
        except ValueError as exc:
            log.warning("%s %s", self._topics.own("known"), exc)
            return
        for name in cameras:
            self._cameras.setdefault(name, KnownCamera(now))
        for place, is_active in places.items():
            self._places.setdefault(place, now)
            if is_active:
                self._active.setdefault(place, Activity())
        yield self._known()

    def farewell(self) -> Iterator[Publication]:
        """The bridge ends: nobody will know how the cameras are."""
        for name in self._cameras:
            yield Publication(self._topics.camera(name, "availability"), OFFLINE)

    def _begin_run(self, name: CameraKey, camera: KnownCamera, run: str) -> Iterator[Publication]:
        """The daemon was started again: no event of before is open."""
        is_new = camera.run != ""
        camera.run = run
        camera.regions.clear()
        for place, activity in self._active.items():
            if place.of == name and is_new:
                yield from self._switch(place, activity, on=False)

    def _see_status(
        self, name: CameraKey, camera: KnownCamera, status: Status, header: bytes, now: float
    ) -> Iterator[Publication]:
        model = status.model or camera.model
        if model != camera.model or not camera.state:
            camera.model = model
            yield from self._discover(state_sensor(self._topics, name, model))
        state = "stopped" if status.bye else status.state
        if state != camera.state or now >= camera.next_status:
            camera.next_status = now + STATUS_SECONDS
            yield Publication(self._topics.camera(name, "status"), header)
        yield from self._turn(name, camera, state)

    def _turn(self, name: CameraKey, camera: KnownCamera, state: str) -> Iterator[Publication]:
        camera.state = state
        yield Publication(self._topics.camera(name, "state"), state.encode())
        available = ONLINE if state == "running" else OFFLINE
        yield Publication(self._topics.camera(name, "availability"), available)

    def _see_event(self, camera: KnownCamera, event: Event, header: bytes, now: float) -> Iterator[Publication]:
        place = ReferencePlace(event.node, event.camera, event.region, event.ref)
        if not self._admit(place, now):
            return
        if place not in self._active:
            self._active[place] = Activity()
            yield self._known()
        activity = self._active[place]
        activity.t_cap_us = event.t_cap_us
        yield from self._discover(active_sensor(self._topics, place, camera.model))
        yield Publication(self._topics.place(place, "event"), header, retain=False)
        yield from self._switch(place, activity, on=event.phase != "end")

    def _see_vec(self, name: CameraKey, camera: KnownCamera, vec: Vec, now: float) -> Iterator[Publication]:
        camera.model = vec.model
        region = camera.regions.setdefault(vec.region, KnownRegion(now))
        region.heard = now
        before, region.t_cap_us = region.t_cap_us, vec.t_cap_us
        is_complete = vec.refs == len(vec.sims)
        scores = {match.ref: match.s for match in reversed(vec.sims)}  # the best of each comes first
        if region.scores.keys() != scores.keys():
            yield from self._meet(name, camera, vec, now)
        region.scores = scores
        for place in [place for place in self._places if place[:3] == (*name, vec.region)]:
            if place.ref in scores:
                self._places[place] = now
            elif is_complete:
                yield from self._forget(place)
        for place, activity in self._active.items():
            if place[:3] == (*name, vec.region):
                yield from self._doubt(place, activity, before or vec.t_cap_us)

    def _meet(self, name: CameraKey, camera: KnownCamera, vec: Vec, now: float) -> Iterator[Publication]:
        """Tell of the references that are new."""
        count = len(self._places)
        for match in vec.sims:
            place = ReferencePlace(*name, vec.region, match.ref)
            if self._admit(place, now):
                yield from self._discover(score_sensor(self._topics, place, camera.model, self._settings.score_seconds))
        if len(self._places) != count:
            yield self._known()

    def _doubt(self, place: ReferencePlace, activity: Activity, t_cap_us: int) -> Iterator[Publication]:
        """An event that was not told again though frames went on is over, and its end was lost."""
        if activity.t_cap_us is None:
            activity.t_cap_us = t_cap_us
        elif t_cap_us - activity.t_cap_us > OPEN_US and activity.is_on is not False:
            yield from self._switch(place, activity, on=False)

    def _switch(self, place: ReferencePlace, activity: Activity, *, on: bool) -> Iterator[Publication]:
        activity.is_on = on
        yield Publication(self._topics.place(place, "active"), ON if on else OFF)

    def _admit(self, place: ReferencePlace, now: float) -> bool:
        """Whether there is room for *place*; names that are none have none."""
        if place not in self._places:
            try:
                check_name(place.ref)
            except ValueError:
                return False
            if len(self._places) >= MOST_PLACES:
                if not self._is_full:
                    self._is_full = True
                    log.warning("there are more than %d references in regions; the others are left out", MOST_PLACES)
                return False
        self._places[place] = now
        return True

    def _take_away(self, now: float) -> Iterator[Publication]:
        """Forget what the daemon has no more: a region, while its camera delivers; a camera, while its node does."""
        for place, heard in list(self._places.items()):
            camera = self._cameras.get(place.of)
            delivers = camera is not None and any(
                now - region.heard < self._settings.silent_seconds for region in camera.regions.values()
            )
            if now - heard > GONE_SECONDS and delivers and camera and place.region not in camera.regions:
                yield from self._forget(place)
        for name, camera in list(self._cameras.items()):
            if now - camera.heard > GONE_SECONDS and self._node_lives(name.node, now):
                log.info("camera %s of %s is no more", name.camera, name.node)
                for place in [place for place in self._places if place.of == name]:
                    yield from self._forget(place)
                del self._cameras[name]
                yield from withdrawals(self._topics, name)
                yield self._known()

    def _node_lives(self, node: str, now: float) -> bool:
        return any(
            name.node == node and now - camera.heard < self._settings.silent_seconds and camera.state == "running"
            for name, camera in self._cameras.items()
        )

    def _forget(self, place: ReferencePlace) -> Iterator[Publication]:
        self._places.pop(place, None)
        self._active.pop(place, None)
        yield from withdrawals(self._topics, place)
        yield self._known()

    def _known(self) -> Publication:
        """What the next bridge of this name has to know."""
        return Publication(self._topics.own("known"), remember(self._cameras, self._places, self._active))

    def _discover(self, *publications: Publication) -> Iterable[Publication]:
        return publications if self._settings.discover else ()
