"""Imports picamera2 and libcamera; an error names the cure where they cannot be imported."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from edged.camera.pi.api import CompletedRequest, GlobalCameraInfo, Library, Mapped, PiCamera
from edged.errors import SourceError

__all__ = ["load"]

CURE = (
    "on Raspberry Pi OS: sudo apt install python3-picamera2, and make the virtual environment with "
    "--system-site-packages and the system's own Python, because libcamera is built for that one only"
)


def load() -> Library:
    """Import both.

    Raises:
        SourceError: that is not possible; the text names the cure.
    """
    try:
        picamera2: Any = importlib.import_module("picamera2")
        libcamera: Any = importlib.import_module("libcamera")
    except ImportError as exc:
        raise SourceError(f"{exc.name or exc} cannot be imported by this Python {_version()}; {CURE}") from exc
    except ValueError as exc:
        # A part of it that was compiled for numpy 1: "numpy.dtype size changed".
        raise SourceError(
            f"picamera2 cannot be imported: {exc}; the system's libraries are built for numpy 1, so in the virtual "
            "environment: pip install 'numpy<2' 'opencv-python-headless<4.12'"
        ) from exc
    if not hasattr(picamera2.Picamera2, "cancel_all_and_flush"):
        raise SourceError("picamera2 is older than 0.3.20, and cannot be stopped when it hangs; sudo apt full-upgrade")
    return _Imported(picamera2, libcamera)


def _version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


class _Imported:
    def __init__(self, picamera2: Any, libcamera: Any) -> None:
        self._picamera2 = picamera2
        self._libcamera = libcamera

    def cameras(self) -> Sequence[GlobalCameraInfo]:
        found: Sequence[GlobalCameraInfo] = self._picamera2.Picamera2.global_camera_info()
        return found

    def open(self, number: int) -> PiCamera:
        camera: PiCamera = self._picamera2.Picamera2(number)
        return camera

    def transform(self, *, hflip: bool, vflip: bool) -> Any:
        return self._libcamera.Transform(hflip=int(hflip), vflip=int(vflip))

    def choice(self, control: str, name: str) -> Any:
        return getattr(getattr(self._libcamera.controls, f"{control}Enum"), name)

    def stream_sizes(self, camera: PiCamera) -> Mapping[str, Sequence[tuple[int, int]]]:
        configuration = camera.camera.generate_configuration([self._libcamera.StreamRole.Viewfinder])
        formats = configuration.at(0).formats
        return {
            str(pixels): [(size.width, size.height) for size in formats.sizes(pixels)]
            for pixels in formats.pixel_formats
        }

    def mapped(self, request: CompletedRequest) -> AbstractContextManager[Mapped]:
        mapped: AbstractContextManager[Mapped] = self._picamera2.MappedArray(request, "main", write=False)
        return mapped
