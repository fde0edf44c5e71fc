"""USB cameras, and every other V4L2 video device of the kernel."""

from __future__ import annotations

import logging
import select
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edged.bell import Bell
from edged.camera.frame_limit import check_frame_size
from edged.camera.v4l2.choice import FormatRequest
from edged.camera.v4l2.controls import CameraControls, Controls
from edged.camera.v4l2.device import Device, FrameLayout
from edged.camera.v4l2.driver_time import DriverTime
from edged.camera.v4l2.errors import explain
from edged.camera.v4l2.find import resolve
from edged.camera.v4l2.frames import FrameWriter, JpegFrameWriter, RawFrameWriter
from edged.camera.v4l2.kernel import LINUX, Kernel
from edged.camera.v4l2.pixels import RAW
from edged.camera.v4l2.setup import check_camera, set_up, shortfall
from edged.camera.v4l2.stream import BUFFERS, FilledBuffer, Stream
from edged.errors import DamagedFrame, SourceError, map_exceptions
from edged.values import MAX_PIXELS, Format, Mirror, Stamp

if TYPE_CHECKING:
    from edged.camera.frame_needs import FrameNeeds
    from edged.config import CameraConfig
    from edged.config.sections.camera_controls import ControlsConfig

__all__ = ["UsbCamera"]

log = logging.getLogger(__name__)

AT_ONCE = (
    2 * BUFFERS
)  # frames that one look takes: a driver that fills buffers as fast as they come back has no last one
BROKEN = select.POLLERR | select.POLLHUP | select.POLLNVAL


class UsbCamera:
    """A `Source` over a V4L2 device.

    JPEGs are decoded into BGR frames, by ``retrieve`` only; uncompressed frames are copied as they are. ``grab`` takes
    the newest frame that the driver has and gives older ones back. Frames that are too short, or that the driver marks
    as damaged, make it raise ``DamagedFrame`` with their count; a JPEG that turns out to be damaged, ``retrieve``.

    Args:
        target: a device, such as ``/dev/v4l/by-id/…`` or ``/dev/video0``, or part of a camera's name as ``edged
            devices`` shows it. Looked up anew by each ``open``: after a replug a name leads to another number.
        width: pixels to ask for, together with *height*; else 640 × 480. Drivers take the nearest size that they have.
        height: see *width*.
        fps: frames per second to ask for; else the driver's default.
        controls: exposure, gain, white balance, focus and mains frequency; ``close`` sets them back to what they were.
        mirror: how the sensor is to mirror frames; the format has what it really does.
        pixels: the pixel format to ask for: mjpg, nv12, nv21, i420, yv12, yuyv, bgr, rgb, bgra, rgba or gray; else
            whichever suits the bus.
        reduce: asked by each ``open`` of a camera that sends JPEGs, with the width and height of its frames: 2, 4 or 8
            decodes them at that fraction of their size, which is then the format's; 1 does not.
        max_pixels: of a frame, before it is reduced; a driver that gives larger ones is not opened.
        kernel: what stands between this and the devices.

    Raises:
        ValueError: something that no camera can be asked for.
    """

    def __init__(
        self,
        target: str | Path,
        *,
        width: int | None = None,
        height: int | None = None,
        fps: float | None = None,
        pixels: str | None = None,
        controls: Controls = Controls(),  # noqa: B008 - frozen
        mirror: Mirror = "none",
        reduce: Callable[[int, int], int] | None = None,
        max_pixels: int = MAX_PIXELS,
        kernel: Kernel = LINUX,
    ) -> None:
        self.skipped = 0
        """Whole frames that were given back because a newer one was there too."""
        self._target = str(target)
        self._request = FormatRequest(width, height, fps, pixels)
        self._wanted = controls
        self._mirror = mirror
        self._reduce = reduce
        self._max_pixels = max_pixels
        self._kernel = kernel
        self._shortfall = ""  # the last one that was logged
        self._bell: Bell | None = None  # ends a grab that waits
        self._node: Path | None = None
        self._device: Device | None = None
        self._controls: CameraControls | None = None
        self._stream: Stream | None = None
        self._writer: FrameWriter | None = None
        self._time = DriverTime()
        self._in_hand: FilledBuffer | None = None
        self._is_new = False  # the frame in hand was not given out yet
        self._damaged = 0  # frames that were not reported yet
        self._damage = ""  # what was wrong with the last of them

    @classmethod
    def from_config(cls, camera: CameraConfig, needs: FrameNeeds) -> UsbCamera:
        """Return the source that *camera* asks for, not opened yet."""
        return cls(
            camera.source.target,
            width=camera.width,
            height=camera.height,
            fps=needs.fps,
            pixels="mjpg" if needs.is_reduced else camera.pixel_format,
            controls=_controls(camera.controls),
            mirror=camera.mirror,
            reduce=needs.reduction,
            max_pixels=needs.max_pixels,
        )

    def open(self) -> Format:
        self.close()
        self._node = None
        with self._mapped_errors(), ExitStack() as undo:
            undo.callback(self.close)
            self._bell = Bell()
            self._node = resolve(self._kernel, self._target)
            self._device = Device(self._kernel, self._node)
            check_camera(self._device)
            self._controls = CameraControls(self._device)
            mirror = self._controls.mirror(self._mirror)
            picture, fps = set_up(self._device, self._request)
            check_frame_size(picture.width, picture.height, self._max_pixels)
            self._controls.apply(self._wanted)
            self._log_shortfall(shortfall(self._request, picture, fps), self._controls.shortfall)
            self._writer = self._make_writer(picture, fps)
            self._stream = Stream(self._device)
            self._stream.start()
            self._time = DriverTime()
            undo.pop_all()
            return replace(self._writer.format, mirror=mirror)

    def grab(self, timeout: float) -> Stamp | None:
        assert self._device is not None, "grab before open"
        assert self._bell is not None
        with self._mapped_errors():
            if not self._is_new:  # else it was found beside damaged ones
                self._give_back()
                self._await_frames(self._device.fd, self._bell, time.monotonic() + timeout)
        if self._damaged:
            count, self._damaged = self._damaged, 0
            raise DamagedFrame(f"{self._target}: {self._damage}", count)
        if self._in_hand is None:
            return None
        self._is_new = False
        return self._time.stamp(self._in_hand, time.monotonic_ns())

    def retrieve(self, slot: NDArray[np.uint8]) -> None:
        assert self._stream is not None, "retrieve before open"
        assert self._writer is not None
        assert self._in_hand is not None, "retrieve without a grabbed frame"
        with self._mapped_errors():
            self._writer.write(self._stream.memory(self._in_hand), self._in_hand.used, slot)
            self._give_back()

    def wake(self) -> None:
        bell = self._bell
        if bell is not None:
            bell.ring()

    def close(self) -> None:
        self._in_hand = self._writer = None
        self._is_new, self._damaged = False, 0
        if self._stream is not None:
            self._stream.stop()
            self._stream = None
        if self._controls is not None:
            self._controls.restore()
            self._controls = None
        if self._device is not None:
            self._device.close()
            self._device = None
        if self._bell is not None:
            self._bell.close()
            self._bell = None

    def _make_writer(self, picture: FrameLayout, fps: float | None) -> FrameWriter:
        if picture.fourcc in RAW:
            return RawFrameWriter(picture, fps)
        reduce = self._reduce(picture.width, picture.height) if self._reduce else 1
        return JpegFrameWriter(picture, fps, reduce, self._max_pixels)

    def _await_frames(self, fd: int, bell: Bell, deadline: float) -> None:
        """Wait for frames, good or damaged, and take them; in vain at the *deadline*, and when the *bell* rings."""
        while not (self._is_new or self._damaged):
            ready = self._kernel.poll((fd, bell.fileno()), max(0.0, deadline - time.monotonic()))
            if bell.fileno() in ready:
                bell.silence()
                return
            if not ready:
                return
            self._take_newest()
            if not (self._is_new or self._damaged):
                if ready[fd] & BROKEN:
                    raise SourceError("the driver reports an error and delivers no more")
                if time.monotonic() >= deadline:
                    return  # poll reported a frame, and there was none

    def _take_newest(self) -> None:
        """Take what the driver has, keep the newest frame that is whole, and give the others back."""
        assert self._stream is not None
        assert self._writer is not None
        for _ in range(AT_ONCE):
            filled = self._stream.take()
            if filled is None:
                return
            if (damage := self._damage_of(filled, self._writer.least)) is not None:
                self._damaged, self._damage = self._damaged + 1, damage
                self._stream.give_back(filled)
                continue
            if self._in_hand is not None:
                self.skipped += 1
                self._give_back()
            self._in_hand, self._is_new = filled, True

    @staticmethod
    def _damage_of(filled: FilledBuffer, least: int) -> str | None:
        if filled.marked_damaged:
            return "the driver marks frames as damaged"
        return f"frames of {filled.used} bytes come, and whole ones have {least}" if filled.used < least else None

    def _give_back(self) -> None:
        assert self._stream is not None
        self._is_new = False
        if self._in_hand is not None:
            filled, self._in_hand = self._in_hand, None
            self._stream.give_back(filled)

    def _log_shortfall(self, *differences: str) -> None:
        difference = "; ".join(filter(None, differences))
        if difference and difference != self._shortfall:
            log.warning("%s: %s", self._target, difference)
        self._shortfall = difference

    def _mapped_errors(self) -> AbstractContextManager[None]:
        return map_exceptions(
            {DamagedFrame: DamagedFrame, OSError: SourceError, MemoryError: SourceError}, text=self._explained
        )

    def _explained(self, exc: Exception) -> str:
        if isinstance(exc, OSError) and not isinstance(exc, SourceError):
            return explain(exc, self._target, self._kernel.root, self._node)
        return f"{self._target}: {exc or 'there is not enough memory for its frames'}"


def _controls(config: ControlsConfig) -> Controls:
    balance, focus = config.white_balance, config.focus
    return Controls(
        exposure_us=config.exposure_us,
        gain=None if config.gain is None else round(config.gain),
        white_balance=(round(balance[0]), round(balance[1])) if isinstance(balance, tuple) else balance,
        focus=round(focus) if isinstance(focus, float) else focus,
        power_line_frequency=config.power_line_frequency,
    )
