"""The cameras of this machine, for people who write a configuration."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from edged.camera.pi.errors import IN_USE
from edged.camera.pi.survey import Offer, Surveyed, is_installed, survey
from edged.camera.v4l2.device import Device, Identity, Mode
from edged.camera.v4l2.find import BEHIND_LIBCAMERA, picture_nodes, stable_name
from edged.camera.v4l2.kernel import LINUX, Kernel
from edged.camera.v4l2.nodes import Holder, VideoNode, find_nodes, holders
from edged.camera.v4l2.pixels import JPEG, WORKING
from edged.errors import SourceError

__all__ = ["CameraFormat", "CameraInfo", "PresentFormat", "libcamera_cameras", "list_cameras", "v4l2_cameras"]


@dataclass(frozen=True, slots=True)
class CameraFormat:
    """A pixel format that a camera offers; ``works`` is whether edged can use it."""

    name: str
    works: bool
    modes: tuple[Mode, ...]


@dataclass(frozen=True, slots=True)
class PresentFormat:
    """The format that a camera is set to: by the program that uses it, or by the last one.

    ``fps`` is None where the driver does not report it, and ``decoder`` is what edged decodes such frames with; None
    for uncompressed ones.
    """

    name: str
    width: int
    height: int
    fps: float | None
    decoder: str | None


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
    present: PresentFormat | None = None


def list_cameras() -> list[CameraInfo]:
    """Return every camera that this machine has, whether or not it may be opened."""
    return v4l2_cameras() + libcamera_cameras()


def v4l2_cameras(kernel: Kernel = LINUX) -> list[CameraInfo]:
    """Return every camera that the kernel shows as a V4L2 device, by number."""
    nodes = find_nodes(kernel.root)
    return [_camera(kernel, node, nodes) for node in picture_nodes(kernel, nodes)]


def libcamera_cameras(
    kernel: Kernel = LINUX, is_there: Callable[[], bool] = is_installed, ask: Callable[[], list[Surveyed]] = survey
) -> list[CameraInfo]:
    """Return every camera that needs libcamera, such as those of a Raspberry Pi, by picamera2's numbers.

    Where they cannot be listed, though the kernel shows that there is one, the problem gives the cure. *is_there*
    checks whether picamera2 is installed; *ask* asks it, and raises ``SourceError``.
    """
    connectors = [node for node in find_nodes(kernel.root) if node.driver in BEHIND_LIBCAMERA]
    if not (connectors or is_there()):
        return []
    held = {holder for node in connectors for holder in holders(kernel.root, node.path)}
    try:
        found = ask()
    except SourceError as error:
        return [CameraInfo("picamera:0", "Raspberry Pi camera", None, "libcamera", None, problem=str(error))]
    models = [camera.model for camera in found]
    return [
        CameraInfo(
            # A model is the same after the next start; numbers, and sockets written as an Id, are harder to read.
            source=f"picamera:{camera.model if models.count(camera.model) == 1 and camera.model else camera.id}",
            card=camera.model or "Raspberry Pi camera",
            node=None,
            driver="libcamera",
            bus=camera.id,
            formats=_sensor_formats(camera.offers),
            holders=tuple(sorted(held, key=lambda holder: holder.pid)) if camera.problem == IN_USE else (),
            problem=camera.problem,
        )
        for camera in found
    ]


def _sensor_formats(offers: Sequence[Offer]) -> tuple[CameraFormat, ...]:
    """Return the modes of the sensor; the hardware behind it converts them to what edged requests."""
    by_name = groupby(offers, key=lambda offer: offer.name)
    return tuple(CameraFormat(name, works=True, modes=tuple(map(_mode, group))) for name, group in by_name)


def _mode(offer: Offer) -> Mode:
    return Mode(offer.width, offer.height, (offer.fps,) if offer.fps else ())


def _camera(kernel: Kernel, node: VideoNode, nodes: Sequence[VideoNode]) -> CameraInfo:
    held = holders(kernel.root, node.path)  # before it is opened here
    identity, formats, present, problem = _asked(kernel, node)
    return CameraInfo(
        source=f"usb:{stable_name(node, nodes)}",
        card=node.card,
        node=str(node.path),
        driver=identity.driver if identity else node.driver,
        bus=identity.bus if identity else None,
        formats=formats,
        holders=tuple(held),
        problem=problem,
        present=present,
    )


def _asked(
    kernel: Kernel, node: VideoNode
) -> tuple[Identity | None, tuple[CameraFormat, ...], PresentFormat | None, str | None]:
    try:
        with Device(kernel, node.path) as device:
            formats = [CameraFormat(name, name in WORKING, device.modes(name)) for name in device.formats()]
            return device.identity(), tuple(formats), _present(device), None
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM):
            return None, (), None, "no permission: run 'sudo usermod -aG video $USER' and log in again"
        return None, (), None, f"cannot be asked: {error.strerror}"


def _present(device: Device) -> PresentFormat:
    picture, fps = device.picture(), device.rate()
    decoder = "opencv" if picture.fourcc in JPEG else None
    return PresentFormat(picture.fourcc, picture.width, picture.height, fps and round(fps, 3), decoder)
