"""USB and other V4L2 cameras, through OpenCV."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edged.errors import SourceError
from edged.values import Format, Stamp

__all__ = ["UsbCamera"]


class UsbCamera:
    """A `Source` over a V4L2 device, such as ``/dev/video0`` or a name below ``/dev/v4l/by-id``."""

    def __init__(self, device: str | Path) -> None:
        self._device = Path(device)
        self._capture: cv2.VideoCapture | None = None

    def open(self) -> Format:
        self.close()
        if not self._device.exists():
            raise SourceError(f"{self._device}: no such device")
        # Resolved at each opening: after a replug the stable name points to another /dev/videoN.
        capture = cv2.VideoCapture(str(self._device.resolve()), cv2.CAP_V4L2)
        if not capture.isOpened():
            capture.release()
            raise SourceError(f"{self._device}: cannot be opened as a camera")
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 2)  # old frames must not queue up in the driver
        self._capture = capture
        fps = capture.get(cv2.CAP_PROP_FPS)
        return Format(
            width=int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            height=int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            fps=fps if fps > 0.0 else None,
        )

    def grab(self, timeout: float) -> Stamp | None:  # noqa: ARG002 - OpenCV waits as long as it likes, 10 s
        assert self._capture is not None, "grab before open"
        if not self._capture.grab():
            # A handle that failed once never recovers, and while it is open the device cannot come back.
            raise SourceError(f"{self._device}: stopped delivering")
        return Stamp(time.monotonic_ns(), "arrival")

    def retrieve(self, slot: NDArray[np.uint8]) -> None:
        assert self._capture is not None, "retrieve before open"
        decoded, picture = self._capture.retrieve(slot)
        if not decoded:
            raise SourceError(f"{self._device}: a frame cannot be decoded")
        if picture is not slot:
            raise SourceError(f"{self._device}: the size of the frames changed")

    def wake(self) -> None:
        """Nothing can end a read of OpenCV's; its own limit does."""

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None
