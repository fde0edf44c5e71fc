"""The search for a camera among those that libcamera knows."""

from __future__ import annotations

from collections.abc import Sequence

from edged.camera.pi.api import GlobalCameraInfo
from edged.errors import SourceError

__all__ = ["number_of"]


def number_of(target: str, cameras: Sequence[GlobalCameraInfo]) -> int:
    """Return the number by which picamera2 opens *target*: a number, a libcamera Id, or a model such as ``imx708``.

    Raises:
        SourceError: it names none of *cameras*, or several.
    """
    if not cameras:
        raise SourceError(
            "libcamera finds no camera: is the cable seated, on both ends and the right way round? "
            "rpicam-hello --list-cameras must show it"
        )
    if target.isdecimal():
        if int(target) < len(cameras):
            return int(target)
        raise SourceError(f"there is no camera with this number; {_known(cameras)}")
    fitting = [number for number, camera in enumerate(cameras) if camera["Id"] == target]
    fitting = fitting or [number for number, camera in enumerate(cameras) if camera.get("Model") == target]
    match fitting:
        case [number]:
            return number
        case []:
            raise SourceError(f"there is no camera with this Id or model; {_known(cameras)}")
        case _:
            raise SourceError(f"several cameras are of this model, so it must be an Id; {_known(cameras)}")


def _known(cameras: Sequence[GlobalCameraInfo]) -> str:
    return "there are: " + ", ".join(
        f"{number} = {camera.get('Model', 'unknown')} ({camera['Id']})" for number, camera in enumerate(cameras)
    )
