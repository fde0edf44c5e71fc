"""Previews and snapshots: pictures of the next frame of a camera, for people."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from edged.errors import ControlError
from edged.pipeline.wall_clock import WallClock
from edged.service.control.jobs import Job, camera_of
from edged.service.control.next_frames import CopiedFrame, NextFrames
from edged.service.control.typical_picture import region_of
from edged.vision.pictures.png import to_png
from edged.vision.pictures.preview import EncodedPicture, to_preview
from edged.vision.pixels.view import ModelView, frame_pictures
from edged.wire import control_requests as requests
from edged.wire import control_results as results

if TYPE_CHECKING:
    from edged.service.control.picture_encoder import PictureEncoder
    from edged.service.running_stages import RunningStages

__all__ = ["FramePictures"]


class FramePictures:
    """Makes pictures of frames of the *running* stages; *wake* lets a waiting job go on, *encoder* does the work."""

    def __init__(self, running: RunningStages, wake: Callable[[], None], encoder: PictureEncoder) -> None:
        self._running = running
        self._frames = NextFrames(running, wake, encoder)
        self._clock = WallClock()

    def preview(self, request: requests.Preview) -> Job:
        """Make a JPEG of the next frame, or a PNG of what the model gets of a region."""
        camera = request.camera
        if request.region is None:
            camera_of(self._running.pipeline, camera)
            make = partial(_small_jpeg, width=request.width, quality=request.quality)
            frame, picture = yield from self._frames.take(camera, (request.width, request.quality), make)
        else:
            region_of(self._running.pipeline, camera, request.region)
            frame, picture = yield from self._frames.take(camera, request.region, partial(_model_input, request.region))
        result = results.PreviewResult(
            camera=camera,
            region=request.region,
            frame_seq=frame.seq,
            t_cap_us=frame.stamp.t_cap_ns // 1000,
            t_wall_us=self._clock.wall_us(frame.stamp.t_cap_ns),
            width=picture.width,
            height=picture.height,
            frame_width=frame.format.width,
            frame_height=frame.format.height,
            media_type="image/jpeg" if request.region is None else "image/png",
        )
        return result, [picture.content]

    def snapshot(self, request: requests.Snapshot) -> Job:
        """Make PNGs of the next frame with its regions, and of what the model gets of each of these."""
        camera_of(self._running.pipeline, request.camera)
        frame, pictures = yield from self._frames.take(request.camera, _all_pictures, _all_pictures)
        result = results.SnapshotResult(
            camera=request.camera,
            frame_seq=frame.seq,
            t_wall_us=self._clock.wall_us(frame.stamp.t_cap_ns),
            pictures=tuple(
                results.PictureInfo(name=name, width=picture.width, height=picture.height)
                for name, picture in pictures.items()
            ),
        )
        return result, [picture.content for picture in pictures.values()]


def _small_jpeg(frame: CopiedFrame, width: int, quality: int) -> EncodedPicture:
    return to_preview(frame.pixels, frame.format.pixels, width, quality)


def _model_input(name: str, frame: CopiedFrame) -> EncodedPicture:
    if name not in frame.regions:
        raise ControlError("not-found", f"camera {frame.camera} has no region {name} any more")
    box = frame.regions[name].to_box(frame.format.width, frame.format.height)
    view = ModelView(frame.input, frame.resize, frame.fit)
    picture = view.of(frame.pixels, frame.format.pixels, box, frame.rotation)
    return EncodedPicture(to_png(picture), picture.shape[1], picture.shape[0])


def _all_pictures(frame: CopiedFrame) -> dict[str, EncodedPicture]:
    pictures = frame_pictures(
        frame.camera,
        frame.pixels,
        frame.format,
        frame.regions,
        frame.rotation,
        frame.input,
        frame.resize,
        frame.fit,
    )
    return {
        name: EncodedPicture(to_png(picture), picture.shape[1], picture.shape[0]) for name, picture in pictures.items()
    }
