"""Raspberry Pi cameras, through picamera2 and libcamera."""

from __future__ import annotations

import atexit
import concurrent.futures
import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from edged.camera.frame_limit import check_frame_size
from edged.camera.pi.api import CaptureJob, CompletedRequest, Library, PiCamera
from edged.camera.pi.bounded import Call
from edged.camera.pi.controls import PiControls
from edged.camera.pi.errors import RARE, reason
from edged.camera.pi.find import number_of
from edged.camera.pi.library import load
from edged.camera.pi.sensor_time import stamp_of
from edged.camera.pi.setup import Wanted, set_up
from edged.camera.pi.view import FrameSize
from edged.errors import SourceError, map_exceptions
from edged.regions import PixelRegion, Region
from edged.values import MAX_PIXELS, Format, Mirror, Stamp

if TYPE_CHECKING:
    from edged.camera.frame_needs import FrameNeeds
    from edged.config import CameraConfig

__all__ = ["PicameraSource"]

log = logging.getLogger(__name__)

T = TypeVar("T")

CROP_FRAMES = 20  # within so many frames a crop takes effect
CROP_SECONDS = 5.0


class PicameraSource:
    """A `Source` over a camera that libcamera knows.

    Frames show all that the sensor sees, scaled by the camera's own hardware, and come with the time of the sensor.
    Each is copied once, into the slot, and its buffer given back.

    One ``Picamera2`` object is kept from the first ``open`` on, since every further one leaks memory: ``close`` only
    stops it. It is given up when something fails, when it delivers nothing after it was started again, and by a
    ``close`` after ``wake``.

    A driver that hangs in ``open`` or ``close`` is left behind in a thread of its own; until it returns, which may be
    never, ``open`` fails. A device that vanishes can make libcamera abort the whole process.

    Args:
        target: a number, a libcamera Id, or a model such as ``imx708``. Numbers change when cameras are added.
        size: the pixels of a frame.
        mirror: how the sensor mirrors frames; the format has what it really does.
        controls: exposure, gain, white balance and frame rate.
        crop: deliver only this part of the view, cut out by the hardware: many pixels of a small region.
        max_pixels: of a frame; a camera that is set to larger ones is not opened.
        timeout: seconds after which a call into the driver is left behind.
        library: what imports picamera2 and libcamera.
    """

    def __init__(
        self,
        target: str,
        *,
        size: FrameSize = FrameSize(),  # noqa: B008 - frozen
        mirror: Mirror = "none",
        controls: PiControls = PiControls(),  # noqa: B008 - frozen
        crop: Region | None = None,
        max_pixels: int = MAX_PIXELS,
        timeout: float = 10.0,
        library: Callable[[], Library] = load,
    ) -> None:
        self._target = target
        self._wanted = Wanted(size, mirror, controls, crop)
        self._max_pixels = max_pixels
        self._timeout = timeout
        self._load = library
        self._library: Library | None = None
        self._camera: PiCamera | None = None
        self._format: Format | None = None  # once the camera is configured
        self._controls: dict[str, Any] = {}
        self._stuck: Call[Any] | None = None
        self._is_running = False
        self._is_suspect = False  # it has to deliver a frame before it is kept for another start
        self._job: CaptureJob | None = None
        self._request: CompletedRequest | None = None
        self._arrived = threading.Event()
        self._woken = threading.Event()

    @classmethod
    def from_config(cls, camera: CameraConfig, needs: FrameNeeds) -> PicameraSource:
        """Return the source that *camera* asks for, not opened yet."""
        least, controls = needs.least_frame(is_cropped=camera.scaler_crop), camera.controls
        assert not isinstance(controls.white_balance, int), "refused for a picamera:"
        crop = needs.regions[0] if camera.scaler_crop else None
        assert not isinstance(crop, PixelRegion), "refused with scaler_crop"
        return cls(
            camera.source.target,
            size=FrameSize(camera.width, camera.height, least),
            mirror=camera.mirror,
            controls=PiControls(controls.exposure_us, controls.gain, controls.white_balance, needs.fps, controls.focus),
            crop=crop,
            max_pixels=needs.max_pixels,
        )

    def open(self) -> Format:
        self.close()
        with self._mapped_errors():
            self._check_driver()
            try:
                return self._start()
            except BaseException:
                self._is_suspect = True
                self.close()
                raise

    def grab(self, timeout: float) -> Stamp | None:
        assert self._camera is not None, "grab before open"
        with self._mapped_errors():
            request = self._next_request(self._camera, timeout)
            if request is None:
                return None
            self._request = request
            self._is_suspect = False
            boottime_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            return stamp_of(request.get_metadata(), time.monotonic_ns(), boottime_ns)

    def retrieve(self, slot: NDArray[np.uint8]) -> None:
        assert self._request is not None, "retrieve without a grabbed frame"
        assert self._library is not None
        with self._mapped_errors():
            with self._library.mapped(self._request) as mapped:
                if mapped.array.shape != slot.shape:
                    raise SourceError(f"its frames have the shape {mapped.array.shape} instead of {slot.shape}")
                np.copyto(slot, mapped.array)
            self._release()

    def wake(self) -> None:
        self._woken.set()
        self._arrived.set()

    def close(self) -> None:
        if self._camera is None or self._stuck is not None:
            return
        with suppress(SourceError), self._mapped_errors():
            self._stop(self._camera)
        if self._woken.is_set() or self._is_suspect:
            self._give_up()

    def _check_driver(self) -> None:
        """Check whether a call that was left behind has returned by now, and clean up after it."""
        if self._stuck is None:
            return
        if self._stuck.is_running:
            raise SourceError("its driver hangs; only a restart of edged, or of the board, can free it")
        self._stuck = None
        self._give_up()

    def _give_up(self) -> None:
        camera = self._camera
        if camera is not None and self._stuck is None:
            with suppress(SourceError), self._mapped_errors():
                self._call(camera.close, "closing")
        if self._stuck is None:
            self._camera = self._format = self._job = self._request = None
            self._is_running = self._is_suspect = False

    def _start(self) -> Format:
        library = self._library = self._library or self._load()
        if self._camera is None:
            number = number_of(self._target, self._call(library.cameras, "looking for cameras"))
            gc.collect()  # an object before it refers to itself, and holds file descriptors until it is collected
            self._call(lambda: self._take_hold(library, number), "opening")
        camera = self._camera
        assert camera is not None
        if self._format is None:
            self._format, self._controls, size = self._call(lambda: set_up(camera, library, self._wanted), "setting up")
            if (self._format.width, self._format.height) != size:
                got = f"{self._format.width}×{self._format.height}"
                log.warning("picamera:%s delivers %s instead of %d×%d", self._target, got, *size)
        else:
            self._is_suspect = True
        check_frame_size(self._format.width, self._format.height, self._max_pixels)
        camera.set_controls(self._controls)
        self._is_running = True
        self._call(camera.start, "starting")
        self._await_crop(camera)
        return self._format

    def _take_hold(self, library: Library, number: int) -> None:
        # Kept at once, so that it is known even if no thread waits for this call any more.
        self._camera = library.open(number)

    def _stop(self, camera: PiCamera) -> None:
        if not self._is_running:
            return
        self._is_running = False
        job, self._job = self._job, None
        request, self._request = self._request, None

        def stop() -> None:
            if request is not None:
                request.release()
            camera.cancel_all_and_flush()  # or else it would wait behind a capture that waits for ever
            if job is not None:
                # It may just have been done: then its frame is ours to give back.
                try:
                    camera.wait(job, 0.1).release()
                except (concurrent.futures.CancelledError, TimeoutError) as exc:
                    exc.__traceback__ = None  # the job keeps the exception, whose frames keep the job and this call
            camera.stop()

        self._call(stop, "stopping")

    def _next_request(self, camera: PiCamera, timeout: float) -> CompletedRequest | None:
        self._release()
        if self._job is None:
            arrived = self._arrived = threading.Event()
            self._job = camera.capture_request(wait=False, signal_function=lambda _: arrived.set())
        if self._woken.is_set() or not self._arrived.wait(timeout) or self._woken.is_set():
            return None
        job, self._job = self._job, None
        return camera.wait(job, 0)

    def _await_crop(self, camera: PiCamera) -> None:
        """The first frames after a start may still show all."""
        wanted = self._controls.get("ScalerCrop")
        if wanted is None:
            return
        deadline = time.monotonic() + CROP_SECONDS
        for _ in range(CROP_FRAMES):
            request = self._next_request(camera, max(0.0, deadline - time.monotonic()))
            if request is None:
                break
            self._request = request
            got = request.get_metadata().get("ScalerCrop")
            # The hardware crops in steps of some pixels.
            if got is not None and all(abs(g - w) <= max(16, w // 50) for g, w in zip(got, wanted, strict=True)):
                return
        raise SourceError("it does not crop as requested")

    def _release(self) -> None:
        request, self._request = self._request, None
        if request is not None:
            request.release()

    def _call(self, function: Callable[[], T], doing: str) -> T:
        call = Call(function, f"picamera {self._target}, {doing}")
        try:
            return call.result(self._timeout)
        except TimeoutError as exc:
            if not call.is_running:
                raise
            self._stuck = call
            if self._camera is not None:
                atexit.unregister(self._camera.close)  # picamera2's own, which would hang at the end of the process
            raise SourceError(f"its driver hangs: {doing} has not ended within {self._timeout:g} s") from exc

    @contextmanager
    def _mapped_errors(self) -> Iterator[None]:
        try:
            with map_exceptions(dict.fromkeys(RARE, SourceError), f"picamera:{self._target}", text=reason):
                yield
        except SourceError as exc:
            self._is_suspect |= not isinstance(exc.__cause__, SourceError)
            raise
