"""Previews and snapshots: pictures of the next frame of a camera, for people."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from edged.errors import ControlError
from edged.pipeline.wall_clock import WallClock
from edged.service.control.jobs import Job, camera_of, wait_for
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

PICTURE_SECONDS = 60.0  # within which pictures must be made, after those of other callers

T = TypeVar("T")


class FramePictures:
    """Makes pictures of frames of the *running* stages; *wake* lets a waiting job go on, *encoder* does the work.

    Jobs that ask for the same picture of the same frame share it: it is made once.
    """

    def __init__(self, running: RunningStages, wake: Callable[[], None], encoder: PictureEncoder) -> None:
        self._running = running
        self._wake = wake
        self._encoder = encoder
        self._frames = NextFrames(running, wake)
        self._clock = WallClock()

    def preview(self, request: requests.Preview) -> Job:
        """Make a JPEG of the next frame, or a PNG of what the model gets of a region."""
        if request.region is None:
            camera_of(self._running.pipeline, request.camera)
        else:
            region_of(self._running.pipeline, request.camera, request.region)
        frame = yield from self._frames.take(request.camera)
        if request.region is None:
            encode = partial(to_preview, frame.pixels, frame.format.pixels, request.width, request.quality)
            picture = yield from self._encoded(frame, (request.width, request.quality), encode)
        else:
            picture = yield from self._encoded(frame, request.region, partial(_model_input, frame, request.region))
        result = results.PreviewResult(
            camera=request.camera,
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
        frame = yield from self._frames.take(request.camera)
        pictures = yield from self._encoded(frame, "", partial(_all_pictures, frame))
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

    def _encoded(self, frame: CopiedFrame, key: Hashable, encode: Callable[[], T]) -> Generator[None, None, T]:
        """Return what *encode* makes of *frame*; jobs with the same *key* get the same."""
        making: Future[T] | None = frame.encoded.get(key)
        if making is None:
            making = frame.encoded[key] = self._encoder.submit(encode)
        return (yield from wait_for(making, self._wake, PICTURE_SECONDS))


def _model_input(frame: CopiedFrame, name: str) -> EncodedPicture:
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
