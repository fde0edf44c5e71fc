"""The seam between capture and whatever delivers frames."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from edged.values import FULL, Format, Stamp
from edged.vision.pixels.reduction import crop_size, largest_reduction

if TYPE_CHECKING:
    from edged.config import CameraConfig
    from edged.vision.pixels.reduction import Decode

__all__ = ["Source", "open_source"]

SLOW_START, LONG_SILENCE = 10.0, 30.0  # seconds: some streams take so long to begin; a longer silence is a dead link
SLOWEST_SENSOR = 10.0  # frames per second: what is capped below is dropped to; a sensor that slow shows the past


class Source(Protocol):
    """Something that delivers frames. One thread opens, uses and closes it; after ``close`` it can be opened again.

    A frame comes in two steps, because most frames of a fast camera are thrown away: ``grab`` takes the next frame off
    the driver's queue and is cheap, ``retrieve`` decodes it and is called only for a frame that goes on.
    """

    def open(self) -> Format:
        """Start delivering; returns what the driver really delivers, not what it was asked for.

        Raises:
            SourceError: it cannot be opened now.
        """

    def grab(self, timeout: float) -> Stamp | None:
        """Take the next frame; None if there was none within about *timeout* seconds.

        Raises:
            SourceError: it has stopped delivering and must be opened again.
            EndOfStream: there are no more frames, and there will be none.
        """

    def retrieve(self, slot: NDArray[np.uint8]) -> None:
        """Decode the grabbed frame into *slot*, an array of the ``shape`` of the format that ``open`` returned.

        Raises:
            SourceError: it cannot be decoded, or has another size.
        """

    def wake(self) -> None:
        """End a ``grab`` that waits, as far as that can be done; the one method that any thread may call."""

    def close(self) -> None:
        """Stop delivering and free the device; harmless when done twice or never opened."""


def open_source(camera: CameraConfig, *, decode: Decode = "full", input_size: tuple[int, int] | None = None) -> Source:
    """The source that *camera* asks for, not opened yet.

    *input_size* is the width and height of the model's input; without it frames are as large as the camera likes. With
    *decode* ``reduced``, which only cameras that send JPEGs can do, these are decoded as small as the model allows.
    """
    spec = camera.source
    match spec.kind:
        case "file":
            from edged.camera.file import VideoFile

            return VideoFile(spec.target, loop=camera.loop, fps=camera.fps)
        case "dir":
            from edged.camera.folder import FolderSource

            return FolderSource(spec.target, loop=camera.loop, fps=camera.fps)
        case "pattern":
            from edged.camera.pattern import DEFAULT_FPS, PatternSource

            fps = camera.fps or DEFAULT_FPS
            return PatternSource(*spec.size, fps) if spec.size else PatternSource(fps=fps)
        case "usb":
            return _usb_camera(camera, decode, input_size)
        case "picamera":
            return _pi_camera(camera, input_size)
        case "rtsp" | "rtsps" | "http" | "https":
            return _network_camera(camera, decode, input_size)


def _usb_camera(camera: CameraConfig, decode: Decode, input_size: tuple[int, int] | None) -> Source:
    from edged.camera.usb import UsbCamera

    return UsbCamera(
        camera.source.target,
        width=camera.width,
        height=camera.height,
        # Few cameras are that slow: then it is only a cap on what they give.
        fps=None if camera.fps is not None and camera.fps < SLOWEST_SENSOR else camera.fps,
        pixels="mjpg" if decode == "reduced" else camera.pixel_format,
        reduce=_reduction(camera, input_size) if decode == "reduced" else None,
    )


def _pi_camera(camera: CameraConfig, input_size: tuple[int, int] | None) -> Source:
    from edged.camera.pi.controls import PiControls
    from edged.camera.pi.view import FrameSize
    from edged.camera.picamera import PicameraSource

    is_slow = camera.fps is not None and camera.fps < SLOWEST_SENSOR
    return PicameraSource(
        camera.source.target,
        size=FrameSize(camera.width, camera.height, _least_frame(camera, input_size) if input_size else None),
        hflip=camera.hflip,
        vflip=camera.vflip,
        controls=PiControls(
            exposure_us=camera.controls.exposure_us,
            gain=camera.controls.gain,
            white_balance=camera.controls.white_balance,
            fps=None if is_slow else camera.fps,
            focus=camera.controls.focus,
        ),
        crop=next(iter(camera.regions.values())).region if camera.scaler_crop else None,
    )


def _network_camera(camera: CameraConfig, decode: Decode, input_size: tuple[int, int] | None) -> Source:
    url = camera.source.target
    timeout = min(max(camera.stall_seconds or LONG_SILENCE, SLOW_START), LONG_SILENCE)
    if camera.source.kind in ("rtsp", "rtsps"):
        from edged.camera.stream import StreamSource

        return StreamSource(url, timeout=timeout, verify_tls=camera.verify_tls)
    if decode == "reduced":  # what is no stream of JPEGs is refused: it could not be reduced
        from edged.camera.mjpeg import MjpegSource

        reduce = _reduction(camera, input_size)
        return MjpegSource(url, timeout=timeout, reduce=reduce, verify_tls=camera.verify_tls)
    from edged.camera.web import WebSource

    return WebSource(url, timeout=timeout, verify_tls=camera.verify_tls)


def _reduction(camera: CameraConfig, input_size: tuple[int, int] | None) -> Callable[[int, int], int] | None:
    if input_size is None:
        return None
    regions = [region.region for region in camera.regions.values()]
    return partial(largest_reduction, regions=regions, least=crop_size(input_size, camera.rotation))


def _least_frame(camera: CameraConfig, input_size: tuple[int, int]) -> tuple[int, int]:
    """Width and height of the smallest frame in which every region has as many pixels as the model takes."""
    width, height = crop_size(input_size, camera.rotation)
    shown = [FULL] if camera.scaler_crop else [region.region for region in camera.regions.values()]
    return (
        max(math.ceil(width / (region.right - region.left)) for region in shown),
        max(math.ceil(height / (region.bottom - region.top)) for region in shown),
    )
