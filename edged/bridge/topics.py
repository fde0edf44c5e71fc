"""MQTT topics of the bridge, and the names that Home Assistant keeps for ever."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["CameraKey", "Publication", "ReferencePlace", "SetPlace", "Topics", "identifier"]


class CameraKey(NamedTuple):
    """A camera of a node."""

    node: str
    camera: str


class ReferencePlace(NamedTuple):
    """A reference in a region of a camera. It has a score, and may make events."""

    node: str
    camera: str
    region: str
    ref: str

    @property
    def camera_key(self) -> CameraKey:
        """The camera that the region belongs to."""
        return CameraKey(self.node, self.camera)


class SetPlace(NamedTuple):
    """A set of states in a region of a camera."""

    node: str
    camera: str
    region: str
    set: str

    @property
    def camera_key(self) -> CameraKey:
        """The camera that the region belongs to."""
        return CameraKey(self.node, self.camera)


@dataclass(frozen=True, slots=True)
class Publication:
    """One message for the broker."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = True


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of the bridge *name* below *base*, and of Home Assistant below *discovery*.

    ``_bridge`` stands in the place of a node, because no name of a node begins with ``_``.
    """

    name: str
    base: str = "edged"
    discovery: str = "homeassistant"

    def bridge(self, leaf: str) -> str:
        """Topic of the bridge itself: ``availability``, ``status``, ``known``."""
        return f"{self.base}/_bridge/{self.name}/{leaf}"

    def camera(self, camera: CameraKey, leaf: str) -> str:
        """Topic of a camera: ``availability``, ``state``, ``status``."""
        return f"{self.base}/{camera.node}/{camera.camera}/{leaf}"

    def reference(self, place: ReferencePlace, leaf: str) -> str:
        """Topic of a reference in a region: ``active``, ``event``, ``score``."""
        return f"{self.base}/{'/'.join(place)}/{leaf}"

    def set_state(self, place: SetPlace) -> str:
        """Topic of the decided state of a set in a region. No other topic has as many parts."""
        return f"{self.base}/{'/'.join(place)}"

    def set_event(self, place: SetPlace) -> str:
        """Topic of the events of a set in a region."""
        return f"{self.set_state(place)}/event"

    def config(self, component: str, subject: CameraKey | ReferencePlace | SetPlace, leaf: str) -> str:
        """Topic of the discovery message of an entity of Home Assistant."""
        return f"{self.discovery}/{component}/{identifier(subject.node)}/{identifier(*subject[1:], leaf)}/config"


def identifier(*names: str) -> str:
    """Return one name made of *names*, which no other names make.

    ``a_b`` and ``c`` make ``a__b_c``; ``a`` and ``b_c`` make ``a_b__c``. No name begins with ``_``, so that the last of
    the underscores between two names separates them.
    """
    return "_".join(name.replace("_", "__") for name in names)
