"""MQTT discovery of Home Assistant: one retained message for each entity.

A camera is a device. Entities are available while both the bridge and the camera are.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from edged import __version__
from edged.bridge.topics import CameraKey, Publication, ReferencePlace, SetPlace, Topics, identifier
from edged.values import UNKNOWN

__all__ = [
    "OFF",
    "OFFLINE",
    "ON",
    "ONLINE",
    "STATES",
    "active_sensor",
    "score_sensor",
    "set_sensor",
    "state_sensor",
    "withdrawals",
]

ONLINE, OFFLINE = b"online", b"offline"
ON, OFF = b"ON", b"OFF"
STATES = ("starting", "running", "lost", "frozen", "stopped", "silent")
SHORTEST_EXPIRY = 30  # seconds


def active_sensor(topics: Topics, place: ReferencePlace, model: str) -> Publication:
    """A binary sensor: on while an event of *place* is open."""
    return _config(
        topics,
        "binary_sensor",
        place,
        "active",
        model,
        name=_entity_name(place),
        state_topic=topics.reference(place, "active"),
        payload_on=ON.decode(),
        payload_off=OFF.decode(),
        json_attributes_topic=topics.reference(place, "event"),
        qos=1,
    )


def score_sensor(topics: Topics, place: ReferencePlace, model: str, score_seconds: float) -> Publication:
    """A sensor: how similar the picture is to the reference of *place*. Without a new score it expires."""
    return _config(
        topics,
        "sensor",
        place,
        "score",
        model,
        name=f"{_entity_name(place)} score",
        state_topic=topics.reference(place, "score"),
        state_class="measurement",
        suggested_display_precision=3,
        expire_after=max(SHORTEST_EXPIRY, math.ceil(3 * score_seconds)),
    )


def state_sensor(topics: Topics, camera: CameraKey, model: str) -> Publication:
    """A diagnostic sensor: the state of a camera, also while the camera does not run."""
    return _config(
        topics,
        "sensor",
        camera,
        "state",
        model,
        name="state",
        state_topic=topics.camera(camera, "state"),
        device_class="enum",
        options=STATES,
        entity_category="diagnostic",
        json_attributes_topic=topics.camera(camera, "status"),
    )


def set_sensor(topics: Topics, place: SetPlace, model: str, states: Sequence[str]) -> Publication:
    """A sensor: the decided state of the set of *place*, one of *states* or unknown."""
    return _config(
        topics,
        "sensor",
        place,
        "state",
        model,
        name=place.set if place.region == "full" else f"{place.region} {place.set}",
        state_topic=topics.set_state(place),
        device_class="enum",
        options=(*states, *(name for name in (UNKNOWN,) if name not in states)),
        qos=1,
    )


def withdrawals(topics: Topics, subject: CameraKey | ReferencePlace | SetPlace) -> Iterator[Publication]:
    """Empty messages that make the broker and Home Assistant forget *subject*."""
    if isinstance(subject, SetPlace):
        yield Publication(topics.config("sensor", subject, "state"), b"")
        yield Publication(topics.set_state(subject), b"")
        return
    if isinstance(subject, ReferencePlace):
        yield Publication(topics.config("binary_sensor", subject, "active"), b"")
        yield Publication(topics.config("sensor", subject, "score"), b"")
        yield Publication(topics.reference(subject, "active"), b"")
        return
    yield Publication(topics.config("sensor", subject, "state"), b"")
    for leaf in ("availability", "state", "status"):
        yield Publication(topics.camera(subject, leaf), b"")


def _config(
    topics: Topics, component: str, subject: CameraKey | ReferencePlace | SetPlace, leaf: str, model: str, **other: Any
) -> Publication:
    camera = CameraKey(subject.node, subject.camera)
    available = [topics.bridge("availability")]
    if subject != camera:
        available.append(topics.camera(camera, "availability"))
    content = {
        **other,
        "unique_id": identifier("edged", *subject, leaf),
        "availability": [{"topic": topic} for topic in available],
        "availability_mode": "all",
        "device": {
            "identifiers": [identifier("edged", *camera)],
            "name": f"{camera.node} {camera.camera}",
            "manufacturer": "edged",
            "model": model,
        },
        "origin": {"name": "edged", "sw_version": __version__},
    }
    payload = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Publication(topics.config(component, subject, leaf), payload)


def _entity_name(place: ReferencePlace) -> str:
    return place.ref if place.region == "full" else f"{place.region} {place.ref}"
