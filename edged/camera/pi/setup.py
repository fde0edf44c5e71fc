"""Configures a Raspberry Pi camera, and reads back what it delivers."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from edged.camera.mirror import mirror_of, mirrors
from edged.camera.pi.api import Library, PiCamera
from edged.camera.pi.controls import PiControls
from edged.camera.pi.view import FrameSize, crop_rectangle, full_view, sensor_mode
from edged.errors import SourceError
from edged.regions import Region
from edged.values import Format, Mirror, PixelFormat

__all__ = ["Wanted", "set_up"]

log = logging.getLogger(__name__)

BUFFERS = 4  # one being copied, one being filled, two against jitter; each is contiguous memory, which is scarce

# libcamera names a little-endian word, so what it calls RGB888 has blue first in memory.
PIXELS = MappingProxyType(
    {
        "RGB888": PixelFormat.BGR,
        "BGR888": PixelFormat.RGB,
        "XRGB8888": PixelFormat.BGRA,
        "XBGR8888": PixelFormat.RGBA,
    }
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request to a camera. ``crop`` is the part of its view that it delivers, instead of all."""

    size: FrameSize
    mirror: Mirror
    controls: PiControls
    crop: Region | None


def set_up(camera: PiCamera, library: Library, wanted: Wanted) -> tuple[Format, dict[str, Any], tuple[int, int]]:
    """Configure *camera*: the frames that it delivers, the controls to start it with, and the size it was asked for.

    Raises:
        SourceError: it cannot do what is wanted.
    """
    modes = _modes(camera)
    shape, largest = _view(camera, modes, wanted.crop)
    size = wanted.size.pixels(shape, largest)
    mode = sensor_mode(modes, size, wanted.controls.fps) if modes else None
    across, down = mirrors(wanted.mirror)
    transform = library.transform(hflip=across, vflip=down)
    configuration = camera.create_video_configuration(
        main={"format": "RGB888", "size": size},
        raw=None,
        buffer_count=BUFFERS,
        transform=transform,
        display=None,
        encode=None,
        **({"sensor": {"output_size": mode["size"], "bit_depth": mode["bit_depth"]}} if mode else {}),
    )
    camera.configure(configuration)
    frame_format = _read_back(camera, wanted)
    available = camera.camera_controls
    controls = wanted.controls.for_camera(available, library.choice)
    if wanted.crop is not None:
        controls["ScalerCrop"] = crop_rectangle(wanted.crop, _crop_limits(available))
    return frame_format, controls, size


def _modes(camera: PiCamera) -> Sequence[Mapping[str, Any]]:
    try:
        return full_view(camera.sensor_modes)
    except (RuntimeError, OSError) as exc:
        # It configures the camera for each mode, the largest too, and a small board may lack the memory for that.
        log.warning(
            "the modes of the sensor cannot be distinguished (%s); it may show the middle of the scene only", exc
        )
        return []


def _view(camera: PiCamera, modes: Sequence[Mapping[str, Any]], crop: Region | None) -> tuple[float, int]:
    """Return the shape of what is shown, as width to height, and how wide the sensor's frames are at most."""
    if modes:
        (_, _, width, height), largest = modes[-1]["crop_limits"], modes[-1]["size"][0]
    else:
        areas = camera.camera_properties.get("PixelArrayActiveAreas") or [(0, 0, 640, 480)]
        _, _, width, height = areas[0]
        largest = width
    if crop is None:
        return width / height, largest
    box = crop.to_box(width, height)
    return box.width / box.height, max(1, round(largest * box.width / width))


def _read_back(camera: PiCamera, wanted: Wanted) -> Format:
    got = camera.camera_configuration()
    main, transform = got["main"], got["transform"]
    if main["format"] not in PIXELS:
        raise SourceError(f"it delivers {main['format']} only, and none of {', '.join(PIXELS)}")
    mirror = mirror_of(bool(transform.hflip), bool(transform.vflip))
    if mirror != wanted.mirror and wanted.crop is not None:
        raise SourceError("its sensor cannot mirror pictures, and the crop depends on that; leave scaler_crop out")
    width, height = main["size"]
    return Format(width=width, height=height, pixels=PIXELS[main["format"]], fps=wanted.controls.fps, mirror=mirror)


def _crop_limits(available: Mapping[str, tuple[Any, Any, Any]]) -> tuple[Any, Any, Any]:
    if "ScalerCrop" not in available:
        raise SourceError("this camera cannot crop; leave that to edged")
    return available["ScalerCrop"]
