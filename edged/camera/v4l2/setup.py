"""The setup of an open device: it is a camera, it gets the request, and what it chose is read back."""

from __future__ import annotations

from edged.camera.v4l2 import abi
from edged.camera.v4l2.choice import PIXEL_NAMES, FormatRequest, choose
from edged.camera.v4l2.device import Device, FrameLayout
from edged.camera.v4l2.find import BEHIND_LIBCAMERA, picture_sibling
from edged.camera.v4l2.nodes import find_nodes
from edged.camera.v4l2.pixels import WORKING
from edged.errors import SourceError

__all__ = ["check_camera", "set_up", "shortfall"]


def check_camera(device: Device) -> None:
    """Raise unless *device* delivers pictures.

    Raises:
        SourceError: it does not; the text names the node that does, where there is one.
        OSError: it cannot be asked.
    """
    identity = device.identity()
    if identity.driver in BEHIND_LIBCAMERA:
        raise SourceError("it is the camera connector of a Raspberry Pi; use picamera:0")
    if identity.takes_pictures and identity.capabilities & abi.CAP_STREAMING:
        return
    if identity.takes_pictures:
        raise SourceError("it cannot stream its pictures")
    if identity.capabilities & abi.CAP_VIDEO_CAPTURE_MPLANE:
        raise SourceError("it keeps its pictures in several planes, which does not work here")
    kind = "metadata, not pictures" if identity.capabilities & abi.CAP_META_CAPTURE else "no pictures"
    sibling = picture_sibling(device.kernel, device.node)
    cure = f"; the pictures of {identity.card} are at {sibling}" if sibling else ""
    raise SourceError(f"it delivers {kind}{cure}")


def set_up(device: Device, request: FormatRequest) -> tuple[FrameLayout, float | None]:
    """Set *request*; returns the format that the driver chose, and its frames per second if it reports them.

    Raises:
        SourceError: the device has nothing that can be taken.
        OSError: it cannot be asked, or is in use.
    """
    node = next((node for node in find_nodes(device.kernel.root) if node.path == device.node), None)
    fourcc = choose(device.formats(), device.modes, request, node.link_speed if node else None)
    picture = device.set_picture(*request.size, fourcc)
    if picture.fourcc not in WORKING:
        raise SourceError(f"it was asked for {fourcc} and gives {picture.fourcc}, which does not work here")
    fps = device.rate() if request.fps is None else device.set_rate(request.fps)
    return picture, fps


def shortfall(request: FormatRequest, picture: FrameLayout, fps: float | None) -> str:
    """Return the differences between *request* and what the device delivers, as a sentence; empty if there are none."""
    pairs = []
    if request.width is not None and request.size != (picture.width, picture.height):
        pairs.append((f"{request.width}×{request.height}", f"{picture.width}×{picture.height}"))
    if request.pixels is not None and picture.fourcc not in PIXEL_NAMES[request.pixels]:
        pairs.append((request.pixels, picture.fourcc))
    if request.fps is not None and (fps is None or abs(fps - request.fps) > request.fps / 100):
        pairs.append((f"{request.fps:g} frames/s", f"{fps:g} frames/s" if fps else "a rate that it does not report"))
    if not pairs:
        return ""
    asked, given = (", ".join(column) for column in zip(*pairs, strict=True))
    return f"asked for {asked}, the camera gives {given}"
