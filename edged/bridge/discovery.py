"""What Home Assistant is told of each entity: its MQTT discovery, one retained message for each.

A camera is a device. Entities are available while both the bridge and the camera are.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from edged import __version__
from edged.bridge.topics import CameraKey, Publication, ReferencePlace, Topics, identifier

__all__ = ["OFF", "OFFLINE", "ON", "ONLINE", "STATES", "active_sensor", "score_sensor", "state_sensor", "withdrawals"]

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
        name=_title(place),
        state_topic=topics.place(place, "active"),
        payload_on=ON.decode(),
        payload_off=OFF.decode(),
        json_attributes_topic=topics.place(place, "event"),
        qos=1,
    )


def score_sensor(topics: Topics, place: ReferencePlace, model: str, score_seconds: float) -> Publication:
    """A sensor: how like the reference of *place* the picture is. Without news it expires."""
    return _config(
        topics,
        "sensor",
        place,
        "score",
        model,
        name=f"{_title(place)} score",
        state_topic=topics.place(place, "score"),
        state_class="measurement",
        suggested_display_precision=3,
        expire_after=max(SHORTEST_EXPIRY, math.ceil(3 * score_seconds)),
    )


def state_sensor(topics: Topics, camera: CameraKey, model: str) -> Publication:
    """A diagnostic sensor: how a camera is doing, also when it is not."""
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


def withdrawals(topics: Topics, what: CameraKey | ReferencePlace) -> Iterator[Publication]:
    """What makes the broker and Home Assistant forget *what*."""
    if isinstance(what, ReferencePlace):
        yield Publication(topics.config("binary_sensor", what, "active"), b"")
        yield Publication(topics.config("sensor", what, "score"), b"")
        yield Publication(topics.place(what, "active"), b"")
        return
    yield Publication(topics.config("sensor", what, "state"), b"")
    for leaf in ("availability", "state", "status"):
        yield Publication(topics.camera(what, leaf), b"")


def _config(
    topics: Topics, component: str, what: CameraKey | ReferencePlace, leaf: str, model: str, **other: Any
) -> Publication:
    camera = CameraKey(what.node, what.camera)
    available = [topics.own("availability")]
    if what != camera:
        available.append(topics.camera(camera, "availability"))
    content = {
        **other,
        "unique_id": identifier("edged", *what, leaf),
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
    return Publication(topics.config(component, what, leaf), payload)


def _title(place: ReferencePlace) -> str:
    return place.ref if place.region == "full" else f"{place.region} {place.ref}"
