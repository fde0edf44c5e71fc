"""From what a configuration names to the node that delivers the pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from edged.camera.v4l2.device import Device
from edged.camera.v4l2.kernel import Kernel
from edged.camera.v4l2.nodes import VideoNode, find_nodes, on_this_machine
from edged.errors import SourceError

__all__ = ["BEHIND_LIBCAMERA", "NOT_CAMERAS", "picture_nodes", "picture_sibling", "resolve", "stable_name"]

BEHIND_LIBCAMERA = frozenset({"unicam", "rp1-cfe"})
"""Drivers of a Raspberry Pi's camera connector: raw sensor data, which only libcamera makes pictures of."""

NOT_CAMERAS = BEHIND_LIBCAMERA | {"bcm2835-isp", "bcm2835-codec", "pispbe", "rpivid", "rpi-hevc-dec"}
"""Drivers whose video nodes are parts of a Raspberry Pi's processor, though some of them hand out pictures."""


def resolve(kernel: Kernel, target: str) -> Path:
    """Return the node, such as ``/dev/video2``, that *target* names now: a path, or part of a camera's name.

    Raises:
        SourceError: there is none, or more than one.
        OSError: the path cannot be followed.
    """
    if "/" in target:
        path = Path(target)
        return on_this_machine(kernel.root, path if path.is_absolute() else Path.cwd() / path)
    nodes = picture_nodes(kernel, find_nodes(kernel.root))
    matching = _named(nodes, target)
    if len(matching) == 1:
        return matching[0].path
    if not matching:
        raise SourceError(f"no camera is called so; {_present(nodes)}")
    choices = ", ".join(str(stable_name(node, nodes)) for node in matching)
    raise SourceError(f"{len(matching)} cameras are called so; name one of {choices}")


def picture_nodes(kernel: Kernel, nodes: Iterable[VideoNode]) -> list[VideoNode]:
    """Return the *nodes* that deliver pictures of a camera. One that may not be opened is judged by its number."""
    return [node for node in nodes if node.driver not in NOT_CAMERAS and _takes_pictures(kernel, node)]


def picture_sibling(kernel: Kernel, path: Path) -> Path | None:
    """Return the stable name of the node that has the pictures of the camera to which the node *path* belongs."""
    nodes = find_nodes(kernel.root)
    device = next((node.device for node in nodes if node.path == path), None)
    siblings = [node for node in nodes if node.device == device and node.path != path]
    return next((stable_name(node, nodes) for node in picture_nodes(kernel, siblings)), None)


def stable_name(node: VideoNode, nodes: Sequence[VideoNode]) -> Path:
    """Return the name for a configuration: by serial number, by the socket it is plugged into, or the present one.

    Cameras of one kind without serial numbers share one name by-id, which is the last one's: these go by socket.
    """
    twins = [other for other in nodes if (other.card, other.index) == (node.card, node.index)]
    ambiguous = not all(_by_id(twin) for twin in twins)
    fitting = [link for link in node.links if not (ambiguous and link.parent.name == "by-id")]
    return fitting[0] if fitting else node.path


def _by_id(node: VideoNode) -> bool:
    return any(link.parent.name == "by-id" for link in node.links)


def _takes_pictures(kernel: Kernel, node: VideoNode) -> bool:
    try:
        with Device(kernel, node.path) as device:
            return device.identity().takes_pictures
    except OSError:
        return node.index == 0


def _named(nodes: Sequence[VideoNode], name: str) -> list[VideoNode]:
    wanted = name.casefold()
    exactly = [node for node in nodes if node.card.casefold() == wanted]
    return exactly or [node for node in nodes if wanted in node.card.casefold()]


def _present(nodes: Sequence[VideoNode]) -> str:
    if not nodes:
        return "there is no camera at all"
    return "there is " + ", ".join(sorted({node.card for node in nodes}))
