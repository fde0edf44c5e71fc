"""The cameras of this machine, for people who are about to write a configuration."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass

from edged.camera.v4l2.device import Device, Identity, Mode
from edged.camera.v4l2.find import picture_nodes, stable_name
from edged.camera.v4l2.kernel import LINUX, Kernel
from edged.camera.v4l2.nodes import Holder, Node, find_nodes, holders
from edged.camera.v4l2.pixels import WORKING

__all__ = ["CameraFormat", "CameraInfo", "list_cameras", "v4l2_cameras"]


@dataclass(frozen=True, slots=True)
class CameraFormat:
    """A pixel format that a camera offers; ``works`` tells whether edged can take it."""

    name: str
    works: bool
    modes: tuple[Mode, ...]


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """A camera: what to call it in a configuration, what it is, and who uses it.

    ``problem`` is a sentence where it cannot be asked what it offers; ``node`` is None where there is no one node.
    """

    source: str
    card: str
    node: str | None
    driver: str | None
    bus: str | None
    formats: tuple[CameraFormat, ...] = ()
    holders: tuple[Holder, ...] = ()
    problem: str | None = None


def list_cameras() -> list[CameraInfo]:
    """Every camera that this machine has, whether or not it may be opened."""
    return v4l2_cameras()


def v4l2_cameras(kernel: Kernel = LINUX) -> list[CameraInfo]:
    """Every camera that the kernel shows as a V4L2 device, by number."""
    nodes = find_nodes(kernel.root)
    return [_camera(kernel, node, nodes) for node in picture_nodes(kernel, nodes)]


def _camera(kernel: Kernel, node: Node, nodes: Sequence[Node]) -> CameraInfo:
    held = holders(kernel.root, node.path)  # before it is opened here
    identity, formats, problem = _asked(kernel, node)
    return CameraInfo(
        source=f"usb:{stable_name(node, nodes)}",
        card=node.card,
        node=str(node.path),
        driver=identity.driver if identity else node.driver,
        bus=identity.bus if identity else None,
        formats=formats,
        holders=tuple(held),
        problem=problem,
    )


def _asked(kernel: Kernel, node: Node) -> tuple[Identity | None, tuple[CameraFormat, ...], str | None]:
    try:
        with Device(kernel, node.path) as device:
            formats = [CameraFormat(name, name in WORKING, device.modes(name)) for name in device.formats()]
            return device.identity(), tuple(formats), None
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM):
            return None, (), "no permission: run 'sudo usermod -aG video $USER' and log in again"
        return None, (), f"cannot be asked: {error.strerror}"
