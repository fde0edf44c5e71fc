"""Translation of a daemon's messages into publications at a broker: without sockets or threads."""

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
from edged.bridge.known import Activity, KnownCamera, KnownRegion, read_known, write_known
from edged.bridge.topics import CameraKey, Publication, ReferencePlace, Topics
from edged.client import Delivery
from edged.values import check_name
from edged.wire import Event, Status, Vec

__all__ = ["GONE_SECONDS", "Settings", "Translator"]

log = logging.getLogger(__name__)

STATUS_SECONDS = 30.0  # between two of the same state
OPEN_US = 15_000_000  # an open event is reported again every 10 s of frames
GONE_SECONDS = 60.0  # before a camera or region that the daemon no longer has is withdrawn
MAX_PLACES = 1000


@dataclass(frozen=True, slots=True)
class Settings:
    """Names of the bridge, and its choice of publications."""

    topics: Topics
    score_seconds: float = 5.0
    silent_seconds: float = 6.0  # a daemon publishes the status of each camera every 2
    discover: bool = True


class Translator:
    """Known cameras, regions and events. Messages and time change them, and yield publications.

    Times are monotonic seconds.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topics = settings.topics
        self._cameras: dict[CameraKey, KnownCamera] = {}
        self._places: dict[ReferencePlace, float] = {}  # when its last message came
        self._active: dict[ReferencePlace, Activity] = {}
        self._is_full = False

    def translate(self, delivery: Delivery, now: float) -> Iterator[Publication]:
        """Yield the publications for a message that came at *now*."""
        message = delivery.message
        key = CameraKey(message.node, message.camera)
        camera = self._cameras.get(key)
        if camera is None:
            camera = self._cameras[key] = KnownCamera(now)
            yield self._publish_known()
        camera.last_seen = now
        if camera.run != message.run:
            yield from self._begin_run(key, camera, message.run)
        if isinstance(message, Status):
            yield from self._translate_status(key, camera, message, bytes(delivery.frames[1]), now)
        elif isinstance(message, Event):
            yield from self._translate_event(camera, message, bytes(delivery.frames[1]), now)
        else:
            yield from self._translate_vec(key, camera, message, now)

    def tick(self, now: float) -> Iterator[Publication]:
        """Yield what is due at *now*: cameras that are silent, scores, and withdrawals."""
        for key, camera in self._cameras.items():
            if now - camera.last_seen > self._settings.silent_seconds and camera.state not in ("silent", "stopped"):
                log.warning("camera %s of %s is silent", key.camera, key.node)
                yield from self._change_state(key, camera, "silent")
            if camera.state != "running":
                continue
            for region_name, region in camera.regions.items():
                if now >= region.next_score:
                    region.next_score = now + self._settings.score_seconds
                    for ref, score in region.scores.items():
                        place = ReferencePlace(*key, region_name, ref)
                        if place in self._places:
                            topic = self._topics.reference(place, "score")
                            yield Publication(topic, f"{score:.6g}".encode(), qos=0, retain=False)
        yield from self._withdraw_gone(now)

    def restore(self, known: bytes, now: float) -> Iterator[Publication]:
        """Add what the last bridge of this name had published, so that what is gone by now is withdrawn."""
        try:
            cameras, places = read_known(known)
        except ValueError as exc:
            log.warning("%s %s", self._topics.bridge("known"), exc)
            return
        for key in cameras:
            self._cameras.setdefault(key, KnownCamera(now))
        for place, is_active in places.items():
            self._places.setdefault(place, now)
            if is_active:
                self._active.setdefault(place, Activity())
        yield self._publish_known()

    def announce_end(self) -> Iterator[Publication]:
        """Yield that every camera is offline, because nothing reports their state after the end of the bridge."""
        for key in self._cameras:
            yield Publication(self._topics.camera(key, "availability"), OFFLINE)

    def _begin_run(self, key: CameraKey, camera: KnownCamera, run: str) -> Iterator[Publication]:
        """Close the events of the run before, because the daemon was started again."""
        is_new = camera.run != ""
        camera.run = run
        camera.regions.clear()
        for place, activity in self._active.items():
            if place.camera_key == key and is_new:
                yield from self._switch_event(place, activity, on=False)

    def _translate_status(
        self, key: CameraKey, camera: KnownCamera, status: Status, header: bytes, now: float
    ) -> Iterator[Publication]:
        model = status.model or camera.model
        if model != camera.model or not camera.state:
            camera.model = model
            yield from self._discover(state_sensor(self._topics, key, model))
        state = "stopped" if status.bye else status.state
        if state != camera.state or now >= camera.next_status:
            camera.next_status = now + STATUS_SECONDS
            yield Publication(self._topics.camera(key, "status"), header)
        yield from self._change_state(key, camera, state)

    def _change_state(self, key: CameraKey, camera: KnownCamera, state: str) -> Iterator[Publication]:
        camera.state = state
        yield Publication(self._topics.camera(key, "state"), state.encode())
        available = ONLINE if state == "running" else OFFLINE
        yield Publication(self._topics.camera(key, "availability"), available)

    def _translate_event(self, camera: KnownCamera, event: Event, header: bytes, now: float) -> Iterator[Publication]:
        place = ReferencePlace(event.node, event.camera, event.region, event.ref)
        if not self._note_place(place, now):
            return
        if place not in self._active:
            self._active[place] = Activity()
            yield self._publish_known()
        activity = self._active[place]
        activity.t_cap_us = event.t_cap_us
        yield from self._discover(active_sensor(self._topics, place, camera.model))
        yield Publication(self._topics.reference(place, "event"), header, retain=False)
        yield from self._switch_event(place, activity, on=event.phase != "end")

    def _translate_vec(self, key: CameraKey, camera: KnownCamera, vec: Vec, now: float) -> Iterator[Publication]:
        camera.model = vec.model
        region = camera.regions.setdefault(vec.region, KnownRegion(now))
        region.last_seen = now
        before, region.t_cap_us = region.t_cap_us, vec.t_cap_us
        is_complete = vec.refs == len(vec.sims)
        scores = {match.ref: match.s for match in reversed(vec.sims)}  # the best of each comes first
        if region.scores.keys() != scores.keys():
            yield from self._add_references(key, camera, vec, now)
        region.scores = scores
        for place in [place for place in self._places if place[:3] == (*key, vec.region)]:
            if place.ref in scores:
                self._places[place] = now
            elif is_complete:
                yield from self._withdraw(place)
        for place, activity in self._active.items():
            if place[:3] == (*key, vec.region):
                yield from self._close_if_stale(place, activity, before or vec.t_cap_us)

    def _add_references(self, key: CameraKey, camera: KnownCamera, vec: Vec, now: float) -> Iterator[Publication]:
        """Publish the discovery of the references that are new."""
        count = len(self._places)
        for match in vec.sims:
            place = ReferencePlace(*key, vec.region, match.ref)
            if self._note_place(place, now):
                yield from self._discover(score_sensor(self._topics, place, camera.model, self._settings.score_seconds))
        if len(self._places) != count:
            yield self._publish_known()

    def _close_if_stale(self, place: ReferencePlace, activity: Activity, t_cap_us: int) -> Iterator[Publication]:
        """Close an event that was not reported again although frames went on: its end was lost."""
        if activity.t_cap_us is None:
            activity.t_cap_us = t_cap_us
        elif t_cap_us - activity.t_cap_us > OPEN_US and activity.is_on is not False:
            yield from self._switch_event(place, activity, on=False)

    def _switch_event(self, place: ReferencePlace, activity: Activity, *, on: bool) -> Iterator[Publication]:
        activity.is_on = on
        yield Publication(self._topics.reference(place, "active"), ON if on else OFF)

    def _note_place(self, place: ReferencePlace, now: float) -> bool:
        """Note that a message of *place* came; return False where its name is not legal or there is no room for it."""
        if place not in self._places:
            try:
                check_name(place.ref)
            except ValueError:
                return False
            if len(self._places) >= MAX_PLACES:
                if not self._is_full:
                    self._is_full = True
                    log.warning("more than %d references in regions: the others are left out", MAX_PLACES)
                return False
        self._places[place] = now
        return True

    def _withdraw_gone(self, now: float) -> Iterator[Publication]:
        """Withdraw what the daemon no longer has: a region while its camera delivers, a camera while its node does."""
        for place, last_seen in list(self._places.items()):
            camera = self._cameras.get(place.camera_key)
            delivers = camera is not None and any(
                now - region.last_seen < self._settings.silent_seconds for region in camera.regions.values()
            )
            if now - last_seen > GONE_SECONDS and delivers and camera and place.region not in camera.regions:
                yield from self._withdraw(place)
        for key, camera in list(self._cameras.items()):
            if now - camera.last_seen > GONE_SECONDS and self._node_delivers(key.node, now):
                log.info("camera %s of %s is gone", key.camera, key.node)
                for place in [place for place in self._places if place.camera_key == key]:
                    yield from self._withdraw(place)
                del self._cameras[key]
                yield from withdrawals(self._topics, key)
                yield self._publish_known()

    def _node_delivers(self, node: str, now: float) -> bool:
        return any(
            key.node == node and now - camera.last_seen < self._settings.silent_seconds and camera.state == "running"
            for key, camera in self._cameras.items()
        )

    def _withdraw(self, place: ReferencePlace) -> Iterator[Publication]:
        self._places.pop(place, None)
        self._active.pop(place, None)
        yield from withdrawals(self._topics, place)
        yield self._publish_known()

    def _publish_known(self) -> Publication:
        """The retained message for the next bridge of this name."""
        return Publication(self._topics.bridge("known"), write_known(self._cameras, self._places, self._active))

    def _discover(self, *publications: Publication) -> Iterable[Publication]:
        return publications if self._settings.discover else ()
