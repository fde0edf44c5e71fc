"""Translation of a daemon's messages into publications at a broker: without sockets or threads."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import inf

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
from edged.bridge.known_sets import GONE_SECONDS, KnownSets
from edged.bridge.limit_log import LimitLog
from edged.bridge.topics import CameraKey, Publication, ReferencePlace, Topics
from edged.client import Delivery
from edged.peer_text import peer_text
from edged.values import check_name
from edged.wire import Event, State, Status, Vec

__all__ = ["GONE_SECONDS", "Settings", "Translator"]

log = logging.getLogger(__name__)

STATUS_SECONDS = 30.0  # between two of the same state
OPEN_US = 15_000_000  # an open event is reported again every 10 s of frames
MAX_CAMERAS, MAX_CAMERAS_OF_NODE = 256, 64  # cameras that the bridge knows: in all, and of one node
MAX_PLACES, MAX_PLACES_OF_NODE = 4000, 1000  # references in regions: in all, and of one node
MAX_REGIONS = 64  # of one camera
MAX_HEADER = 8192  # bytes of an event that is passed on: many times as many as a daemon's have
MAX_STATUS = 32_768  # bytes of a status, which names the sets of states
KNOWN_SECONDS, KNOWN_AT_ONCE = 1.0, 16  # how often what is known is published: so many at once, then one a second


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
        self._places_of: Counter[str] = Counter()  # by node
        self._active: dict[ReferencePlace, Activity] = {}
        self._known_at = -inf  # when what is known was published last, as a bucket: in the future while it is empty
        self._is_known_due = False
        self._limits = LimitLog()
        self._sets = KnownSets(settings.topics, self._limits, discover=settings.discover)

    def translate(self, delivery: Delivery, now: float) -> Iterator[Publication]:
        """Yield the publications for a message that came at *now*."""
        message = delivery.message
        key = CameraKey(message.node, message.camera)
        camera = self._cameras.get(key)
        most = MAX_STATUS if isinstance(message, Status) else MAX_HEADER
        if not isinstance(message, Vec) and len(delivery.frames[1]) > most:
            self._limits.report(f"a {message.kind} of more than {most} bytes of {key.node}")
            return
        if camera is None:
            if not self._has_room(key):
                return
            camera = self._cameras[key] = KnownCamera(now)
            yield from self._publish_known(now)
        camera.last_seen = now
        run = peer_text(message.run)
        if camera.run != run:
            yield from self._begin_run(key, camera, run)
        if isinstance(message, Status):
            yield from self._translate_status(key, camera, message, bytes(delivery.frames[1]), now)
        elif isinstance(message, State):
            yield from self._sets.follow_state(message, now)
        elif isinstance(message, Vec):
            yield from self._translate_vec(key, camera, message, now)
        elif message.state is None:
            yield from self._translate_event(camera, message, bytes(delivery.frames[1]), now)
        else:
            yield from self._sets.follow_event(message, bytes(delivery.frames[1]), now)
        if self._sets.has_news:
            yield from self._publish_known(now)

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
        if self._is_known_due or self._sets.has_news:
            yield from self._publish_known(now)

    def restore(self, known: bytes, now: float) -> Iterator[Publication]:
        """Add what the last bridge of this name had published, so that what is gone by now is withdrawn."""
        try:
            cameras, places, sets = read_known(known)
        except ValueError as exc:
            log.warning("%s %s", self._topics.bridge("known"), peer_text(str(exc)))
            return
        for key in cameras:
            if key in self._cameras or self._has_room(key):
                self._cameras.setdefault(key, KnownCamera(now))
        for place, is_active in places.items():
            if (place in self._places or self._note_place(place, now)) and is_active:
                self._active.setdefault(place, Activity())
        for set_place in sets:
            self._sets.note(set_place, now)
        yield from self._publish_known(now)

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
        yield from self._sets.begin_run(key)

    def _translate_status(
        self, key: CameraKey, camera: KnownCamera, status: Status, header: bytes, now: float
    ) -> Iterator[Publication]:
        model = peer_text(status.model or camera.model)
        if model != camera.model or not camera.state:
            camera.model = model
            yield from self._discover(state_sensor(self._topics, key, model))
        yield from self._sets.follow_status(status, model)
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
            yield from self._publish_known(now)
        activity = self._active[place]
        activity.t_cap_us = event.t_cap_us
        yield from self._discover(active_sensor(self._topics, place, camera.model))
        yield Publication(self._topics.reference(place, "event"), header, retain=False)
        yield from self._switch_event(place, activity, on=event.phase != "end")

    def _translate_vec(self, key: CameraKey, camera: KnownCamera, vec: Vec, now: float) -> Iterator[Publication]:
        camera.model = peer_text(vec.model)
        region = camera.regions.get(vec.region)
        if region is None:
            if len(camera.regions) >= MAX_REGIONS:
                self._limits.report(f"more than {MAX_REGIONS} regions of camera {key.camera} of {key.node}")
                return
            region = camera.regions[vec.region] = KnownRegion(now)
        region.last_seen = now
        yield from self._sets.follow_vec(vec, camera.model, now)
        before, region.t_cap_us = region.t_cap_us, vec.t_cap_us
        is_complete = vec.refs == len(vec.sims)
        scores = {match.ref: match.s for match in reversed(vec.sims)}  # the best of each comes first
        if scores.keys() - region.scores.keys():
            yield from self._add_references(key, camera, vec, now)
        # Only those that there is room for.
        known = {ref: s for ref, s in scores.items() if ReferencePlace(*key, vec.region, ref) in self._places}
        region.scores = known
        for place in [place for place in self._places if place[:3] == (*key, vec.region)]:
            if place.ref in known:
                self._places[place] = now
            elif is_complete:
                yield from self._withdraw(place, now)
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
            yield from self._publish_known(now)

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
                self._limits.report(f"more than {MAX_PLACES} references in regions")
                return False
            if self._places_of[place.node] >= MAX_PLACES_OF_NODE:
                self._limits.report(f"more than {MAX_PLACES_OF_NODE} references in regions of {place.node}")
                return False
            self._places_of[place.node] += 1
        self._places[place] = now
        return True

    def _has_room(self, key: CameraKey) -> bool:
        """Return whether one more camera of its node may be known."""
        if len(self._cameras) >= MAX_CAMERAS:
            self._limits.report(f"more than {MAX_CAMERAS} cameras")
        elif sum(known.node == key.node for known in self._cameras) >= MAX_CAMERAS_OF_NODE:
            self._limits.report(f"more than {MAX_CAMERAS_OF_NODE} cameras of {key.node}")
        else:
            return True
        return False

    def _withdraw_gone(self, now: float) -> Iterator[Publication]:
        """Withdraw what the daemon no longer has: a region while its camera delivers, a camera while its node does."""
        for place, last_seen in list(self._places.items()):
            camera = self._cameras.get(place.camera_key)
            delivers = camera is not None and camera.delivers(now, self._settings.silent_seconds)
            if now - last_seen > GONE_SECONDS and delivers and camera and place.region not in camera.regions:
                yield from self._withdraw(place, now)
        yield from self._sets.withdraw_gone(self._cameras, self._settings.silent_seconds, now)
        for key, camera in list(self._cameras.items()):
            if now - camera.last_seen > GONE_SECONDS and self._node_delivers(key.node, now):
                log.info("camera %s of %s is gone", key.camera, key.node)
                for place in [place for place in self._places if place.camera_key == key]:
                    yield from self._withdraw(place, now)
                yield from self._sets.withdraw_camera(key)
                del self._cameras[key]
                yield from withdrawals(self._topics, key)
                yield from self._publish_known(now)

    def _node_delivers(self, node: str, now: float) -> bool:
        return any(
            key.node == node and now - camera.last_seen < self._settings.silent_seconds and camera.state == "running"
            for key, camera in self._cameras.items()
        )

    def _withdraw(self, place: ReferencePlace, now: float) -> Iterator[Publication]:
        if self._places.pop(place, None) is not None:
            self._places_of[place.node] -= 1
        self._active.pop(place, None)
        yield from withdrawals(self._topics, place)
        yield from self._publish_known(now)

    def _publish_known(self, now: float) -> Iterator[Publication]:
        """Yield the retained message for the next bridge of this name; `tick` does it later where there were too many.

        It is as long as everything that is known, so that names that come and go would fill the network with it.
        """
        self._sets.has_news = False
        paid = max(self._known_at, now - KNOWN_AT_ONCE * KNOWN_SECONDS) + KNOWN_SECONDS
        self._is_known_due = paid > now
        if not self._is_known_due:
            self._known_at = paid
            known = write_known(self._cameras, self._places, self._active, self._sets.places)
            yield Publication(self._topics.bridge("known"), known)

    def _discover(self, *publications: Publication) -> Iterable[Publication]:
        return publications if self._settings.discover else ()
