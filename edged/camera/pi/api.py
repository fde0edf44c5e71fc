"""The few parts of picamera2 and libcamera that edged uses, as types: neither library has any."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["CaptureJob", "CompletedRequest", "GlobalCameraInfo", "Library", "Mapped", "PiCamera"]

GlobalCameraInfo = Mapping[str, Any]
"""The facts that picamera2 has of a camera: ``Id``, and where known ``Model``."""


class CompletedRequest(Protocol):
    """One frame, in a buffer that the camera lacks until it is released."""

    def get_metadata(self) -> Mapping[str, Any]:
        """Return the facts that libcamera has of the frame."""

    def release(self) -> None:
        """Give the buffer back, once."""


class CaptureJob(Protocol):
    """Something that the camera's own thread will do."""


class Mapped(Protocol):
    """The memory of a frame."""

    @property
    def array(self) -> NDArray[np.uint8]:
        """A view of it, without the padding of its rows."""


class PiCamera(Protocol):
    """A ``picamera2.Picamera2``."""

    @property
    def camera(self) -> Any:
        """The ``libcamera.Camera`` behind it."""

    @property
    def camera_properties(self) -> Mapping[str, Any]: ...

    @property
    def camera_controls(self) -> Mapping[str, tuple[Any, Any, Any]]:
        """Least, greatest and default value of each control."""

    @property
    def sensor_modes(self) -> Sequence[Mapping[str, Any]]:
        """The modes of the sensor. Asked for the first time, it configures the camera for each mode."""

    def create_video_configuration(self, **settings: Any) -> dict[str, Any]: ...

    def configure(self, configuration: dict[str, Any]) -> None: ...

    def camera_configuration(self) -> dict[str, Any]:
        """Return the configuration that the camera chose."""

    def set_controls(self, controls: dict[str, Any]) -> None: ...

    def start(self) -> None: ...

    def capture_request(self, *, wait: bool, signal_function: Callable[[CaptureJob], None]) -> CaptureJob: ...

    def wait(self, job: CaptureJob, timeout: float | None = None) -> CompletedRequest: ...

    def cancel_all_and_flush(self) -> None: ...

    def stop(self) -> None: ...

    def close(self) -> None: ...


class Library(Protocol):
    """Both libraries, once imported."""

    def cameras(self) -> Sequence[GlobalCameraInfo]:
        """Return the cameras that are there, by their numbers."""

    def open(self, number: int) -> PiCamera:
        """Take hold of a camera."""

    def transform(self, *, hflip: bool, vflip: bool) -> Any:
        """Return a ``libcamera.Transform``."""

    def choice(self, control: str, name: str) -> Any:
        """Return a value of an enumeration of ``libcamera.controls``, such as ``AwbModeEnum.Daylight``."""

    def stream_sizes(self, camera: PiCamera) -> Mapping[str, Sequence[tuple[int, int]]]:
        """Return the pixel formats that libcamera has for *camera*, each with the sizes that it lists."""

    def mapped(self, request: CompletedRequest) -> AbstractContextManager[Mapped]:
        """Return the memory of *request*, to read."""
