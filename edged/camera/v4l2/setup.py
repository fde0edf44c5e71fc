"""An open device is made ready: it is a camera, it is asked for what is wished, and the truth is read back."""

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


def set_up(device: Device, wish: FormatRequest) -> tuple[FrameLayout, float | None]:
    """Ask for what is wished; returns what the frames are now, and how many there are a second where that is told.

    Raises:
        SourceError: the device has nothing that can be taken.
        OSError: it cannot be asked, or is in use.
    """
    node = next((node for node in find_nodes(device.kernel.root) if node.path == device.node), None)
    fourcc = choose(device.formats(), device.modes, wish, node.link_speed if node else None)
    picture = device.set_picture(*wish.size, fourcc)
    if picture.fourcc not in WORKING:
        raise SourceError(f"it was asked for {fourcc} and gives {picture.fourcc}, which does not work here")
    fps = device.rate() if wish.fps is None else device.set_rate(wish.fps)
    return picture, fps


def shortfall(wish: FormatRequest, picture: FrameLayout, fps: float | None) -> str:
    """What was asked for and is not so, as a sentence; empty where all is as wished."""
    pairs = []
    if wish.width is not None and wish.size != (picture.width, picture.height):
        pairs.append((f"{wish.width}×{wish.height}", f"{picture.width}×{picture.height}"))
    if wish.pixels is not None and picture.fourcc not in PIXEL_NAMES[wish.pixels]:
        pairs.append((wish.pixels, picture.fourcc))
    if wish.fps is not None and (fps is None or abs(fps - wish.fps) > wish.fps / 100):
        pairs.append((f"{wish.fps:g} frames/s", f"{fps:g} frames/s" if fps else "a rate that it does not tell"))
    if not pairs:
        return ""
    asked, given = (", ".join(column) for column in zip(*pairs, strict=True))
    return f"asked for {asked}, the camera gives {given}"
