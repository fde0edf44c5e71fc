"""Lets the real picamera2 run on libcamera's `virtual` cameras, as if they were a Raspberry Pi's.

A ``.pth`` file beside it imports it into every Python; it acts once picamera2 is imported. libcamera with its binding
and all of picamera2 are real: the event loop, jobs, requests with their reference counts, buffers, configuration. What
is replaced is what the `virtual` handler of libcamera 0.4 does unlike a Pi:

- it refuses the role Raw, which picamera2 asks every camera for;
- it writes NV12 in two planes, where picamera2 allocates one;
- it makes frames as fast as it is asked to, and here one a frame time, as a sensor does;
- it leaves the status of frames and requests unset, so picamera2 discards them;
- it knows NV12 only. A Pi's ISP delivers RGB as well, with rows padded to 64 bytes: so does this.

The file /run/edged-rig/sensor steers the cameras while they run: ``stall`` (no more frames, as after a moved cable),
``broken`` (every frame is marked as bad), ``wedge`` (stopping the camera does not return), anything else or no file:
all is well.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.machinery
import mmap
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

SENSOR = Path("/run/edged-rig/sensor")
FRAME_SECONDS = 1 / 30
PADDING = 64  # bytes that a row is a multiple of, on a Pi 5
PACKED = {"RGB888": 3, "BGR888": 3, "XBGR8888": 4, "XRGB8888": 4}  # bytes of a pixel


def sensor() -> str:
    """Commands to the cameras."""
    with contextlib.suppress(OSError):
        return SENSOR.read_text().strip()
    return ""


class Pacer:
    """Hands the queued requests of all cameras to libcamera, one a frame time."""

    def __init__(self, queue: Callable[[Any, Any], None]) -> None:
        self._queue = queue
        self._waiting: deque[tuple[Any, Any]] = deque()
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name="virtual sensor", daemon=True).start()

    def add(self, camera: Any, request: Any) -> None:
        """Queue *request* of *camera*."""
        with self._changed:
            self._waiting.append((camera, request))
            self._changed.notify()

    def drop(self, camera: Any) -> None:
        """Forget the requests of *camera*."""
        with self._changed:
            self._waiting = deque(entry for entry in self._waiting if entry[0] is not camera)

    def _run(self) -> None:
        due = time.monotonic()
        pause = threading.Event()
        while True:
            pause.wait(max(0.0, due - time.monotonic()))
            due = max(due + FRAME_SECONDS, time.monotonic())
            if sensor() == "stall":
                continue
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                self._queue(*self._waiting.popleft())


class Buffers:
    """Frames as a camera writes them and as it shows them: NV12, and the requested format."""

    def __init__(self, written: mmap.mmap, stream: Any, shown: mmap.mmap, layout: tuple[str, int]) -> None:
        self._written = written
        self._width, self._height, self._stride = stream.size.width, stream.size.height, stream.stride
        self._shown = shown
        self._format, self._shown_stride = layout

    def show(self) -> None:
        """Convert the frame that has been written."""
        import cv2
        import numpy as np

        codes = {
            "RGB888": cv2.COLOR_YUV2BGR_NV12,  # libcamera names a little-endian word: blue comes first in memory
            "BGR888": cv2.COLOR_YUV2RGB_NV12,
            "XRGB8888": cv2.COLOR_YUV2BGRA_NV12,
            "XBGR8888": cv2.COLOR_YUV2RGBA_NV12,
        }
        rows = self._height * 3 // 2
        written = np.frombuffer(self._written, np.uint8, rows * self._stride).reshape(rows, self._stride)
        picture = cv2.cvtColor(np.ascontiguousarray(written[:, : self._width]), codes[self._format])
        shown = np.frombuffer(self._shown, np.uint8).reshape(self._height, self._shown_stride)
        shown[:, : picture.shape[1] * picture.shape[2]] = picture.reshape(self._height, -1)


def patch_libcamera(libcamera: Any) -> None:
    """Frames one a frame time, marked as good; and an answer for the role Raw."""
    camera, roles = libcamera.Camera, libcamera.StreamRole
    generate, stop = camera.generate_configuration, camera.stop
    pacer = Pacer(camera.queue_request)

    def generate_configuration(self: Any, wanted: Sequence[Any]) -> Any:
        return generate(self, wanted) or generate(self, [roles.Viewfinder if r == roles.Raw else r for r in wanted])

    def stop_camera(self: Any) -> Any:
        pacer.drop(self)
        pause = threading.Event()
        while sensor() == "wedge":
            pause.wait(0.05)
        return stop(self)

    camera.generate_configuration = generate_configuration
    camera.queue_request = lambda self, request: pacer.add(self, request)
    camera.stop = stop_camera

    metadata, quality = libcamera.FrameBuffer.metadata, libcamera.FrameMetadata.Status

    class Metadata:
        def __init__(self, real: Any) -> None:
            self._real = real
            self.status = quality.Error if sensor() == "broken" else quality.Success

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

    libcamera.FrameBuffer.metadata = property(lambda self: Metadata(metadata.__get__(self)))
    status, outcomes = libcamera.Request.status, libcamera.Request.Status

    def outcome(self: Any) -> Any:
        real = status.__get__(self)
        return outcomes.Complete if real == outcomes.Cancelled else real

    libcamera.Request.status = property(outcome)


def patch_picamera2(module: Any) -> None:
    """RGB frames with padded rows, out of NV12 frames in two planes."""
    import libcamera
    from picamera2.allocators.dmaallocator import DmaAllocator

    update = module.Picamera2._update_camera_config  # noqa: SLF001 - there is no other place to learn the format

    def update_camera_config(self: Any, config: Any, real: Any) -> None:
        wanted = config["main"]["format"]
        update(self, config, real)
        main = config["main"]
        self.allocator.layout = None
        if main["format"] == "NV12" and wanted in PACKED:
            row = main["size"][0] * PACKED[wanted]
            main["format"], main["stride"] = wanted, -(-row // PADDING) * PADDING
            main["framesize"] = main["stride"] * main["size"][1]
            self.allocator.layout = (wanted, main["stride"])

    def allocate(self: Any, config: Any, _: Any) -> None:
        self.libcamera_fds = []
        self.cleanup()
        for fd in self.open_fds:
            os.close(fd)
        self.open_fds, self.frame_buffers, self.shown = [], {}, {}
        stream = config.at(0)
        self.frame_buffers[stream.stream] = [add_buffer(self, stream) for _ in range(stream.buffer_count)]

    def add_buffer(self: Any, stream: Any) -> Any:
        fd = self.dmaHeap.alloc("frame", stream.frame_size).get()
        luma = stream.stride * stream.size.height
        planes = []
        for offset, length in [(0, luma), (luma, stream.frame_size - luma)]:
            plane = libcamera.FrameBuffer.Plane()
            plane.fd, plane.offset, plane.length = fd, offset, length
            planes.append(plane)
        buffer = libcamera.FrameBuffer(planes)
        self.open_fds.append(fd)
        self.libcamera_fds.append(buffer.planes[0].fd)
        self.mapped_buffers_used[buffer.planes[0].fd] = False
        memory = mmap.mmap(fd, stream.frame_size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        if self.layout:
            written, memory = memory, mmap.mmap(-1, self.layout[1] * stream.size.height)
            self.shown[buffer] = Buffers(written, stream, memory, self.layout)
        self.mapped_buffers[buffer] = memory
        return buffer

    completed = module.CompletedRequest

    class CompletedRequest(completed):  # type: ignore[misc,valid-type]  # its base is known at run time only
        def __init__(self, request: Any, camera: Any) -> None:
            super().__init__(request, camera)
            for buffer in request.buffers.values():
                shown = camera.allocator.shown.get(buffer)
                if shown is not None:
                    shown.show()

    module.Picamera2._update_camera_config = update_camera_config  # noqa: SLF001 - as above
    module.CompletedRequest = CompletedRequest
    DmaAllocator.allocate = allocate


class Finder(importlib.abc.MetaPathFinder):
    """Waits for picamera2 to be imported."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:  # noqa: ARG002 - the import system's
        """The spec of *name*, with a loader that patches what it has loaded."""
        if name != "picamera2.picamera2":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def load_and_patch(module: ModuleType) -> None:
            load(module)
            patch_libcamera(module.libcamera)
            patch_picamera2(module)

        spec.loader.exec_module = load_and_patch  # type: ignore[method-assign]  # a loader of its own would be longer
        return spec


sys.meta_path.insert(0, Finder())
