"""How everything is called over there: MQTT topics, and the names that Home Assistant keeps for ever."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["CameraKey", "Publication", "ReferencePlace", "Topics", "identifier"]


class CameraKey(NamedTuple):
    """A camera of a node."""

    node: str
    camera: str


class ReferencePlace(NamedTuple):
    """A reference in a region of a camera: what has a score, and may make events."""

    node: str
    camera: str
    region: str
    ref: str

    @property
    def of(self) -> CameraKey:
        """The camera that this is about."""
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

    ``_bridge`` stands where nodes do, of which none begins with ``_``.
    """

    name: str
    base: str = "edged"
    discovery: str = "homeassistant"

    def own(self, leaf: str) -> str:
        """Of the bridge itself: ``availability``, ``status``, ``known``."""
        return f"{self.base}/_bridge/{self.name}/{leaf}"

    def camera(self, camera: CameraKey, leaf: str) -> str:
        """Of a camera: ``availability``, ``state``, ``status``."""
        return f"{self.base}/{camera.node}/{camera.camera}/{leaf}"

    def place(self, place: ReferencePlace, leaf: str) -> str:
        """Of a reference in a region: ``active``, ``event``, ``score``."""
        return f"{self.base}/{'/'.join(place)}/{leaf}"

    def config(self, component: str, what: CameraKey | ReferencePlace, leaf: str) -> str:
        """Where Home Assistant is told of an entity."""
        return f"{self.discovery}/{component}/{identifier(what.node)}/{identifier(*what[1:], leaf)}/config"


def identifier(*names: str) -> str:
    """One name of *names* that no others make: ``a_b`` and ``c`` are ``a__b_c``, and ``a`` and ``b_c`` are ``a_b__c``.

    No name begins with ``_``, so that of the underscores between two the last one parts them.
    """
    return "_".join(name.replace("_", "__") for name in names)
