"""A stand-in for picamera2 and libcamera where these are not: it does what they do, as far as edged calls them.

Taken from picamera2 0.3.38: jobs are done in their order by one thread, once for each frame; a frame lies in one of a
few buffers, which the camera lacks until it is released; ``stop`` waits behind the jobs; rows are padded.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edged.camera.pi.api import CaptureJob, CompletedRequest, GlobalCameraInfo, PiCamera

__all__ = ["FakeLibrary"]

FPS = 100
SENSOR = (4608, 2592)
STEP = 24  # pixels of the sensor that are drawn as one
MODES = [
    {
        "format": "SRGGB10_CSI2P",
        "size": (1536, 864),
        "bit_depth": 10,
        "fps": 120.0,
        "crop_limits": (768, 432, 3072, 1728),
    },
    {"format": "SRGGB10_CSI2P", "size": (2304, 1296), "bit_depth": 10, "fps": 56.0, "crop_limits": (0, 0, 4608, 2592)},
    {"format": "SRGGB10_CSI2P", "size": (4608, 2592), "bit_depth": 10, "fps": 14.0, "crop_limits": (0, 0, 4608, 2592)},
]
CONTROLS = {
    "FrameDurationLimits": (8333, 1_000_000, None),
    "ExposureTime": (9, 100_000, 20_000),
    "AnalogueGain": (1.0, 16.0, 1.0),
    "AwbEnable": (False, True, True),
    "AwbMode": (0, 7, 0),
    "ColourGains": (0.0, 32.0, None),
    "AfMode": (0, 2, 0),
    "LensPosition": (0.0, 32.0, 1.0),
    "ScalerCrop": ((0, 0, 64, 64), (0, 0, *SENSOR), (0, 0, *SENSOR)),
}


@dataclass
class FakeLibrary:
    """Two cameras, 0 and 1, of which ``mode`` steers all: run, stall, broken, wedge (a call hangs), refuse, silent."""

    mode: str = "run"
    wedged: str = "stop"
    """Which call hangs when the mode is wedge."""
    infos: list[GlobalCameraInfo] = field(
        default_factory=lambda: [{"Id": "Front", "Model": "imx708"}, {"Id": "Back", "Model": "imx219"}]
    )
    opened: list[FakeCamera] = field(default_factory=list)
    formats: Mapping[str, str] = field(default_factory=dict)
    """Pixel formats that come back as others."""
    sizes: tuple[tuple[int, int], ...] = ()
    """What the camera can do; empty: any."""
    mirrors: bool = True
    tells_modes: bool = True
    has_raw_modes: bool = True
    controls: dict[str, tuple[Any, Any, Any]] = field(default_factory=lambda: dict(CONTROLS))

    def cameras(self) -> Sequence[GlobalCameraInfo]:
        self.hang("cameras")
        return self.infos

    def open(self, number: int) -> PiCamera:
        self.hang("open")
        if any(camera.number == number and not camera.closed for camera in self.opened):
            raise RuntimeError("Camera __init__ sequence did not complete.") from RuntimeError(
                "Failed to acquire camera: Device or resource busy"
            )
        camera = FakeCamera(self, number)
        self.opened.append(camera)
        return camera

    def transform(self, *, hflip: bool, vflip: bool) -> Any:
        return SimpleNamespace(hflip=int(hflip), vflip=int(vflip))

    def choice(self, control: str, name: str) -> Any:
        return f"{control}Enum.{name}"

    def stream_sizes(self, camera: PiCamera) -> Mapping[str, Sequence[tuple[int, int]]]:
        assert isinstance(camera, FakeCamera)
        return {"NV12": [(640, 480), SENSOR]}

    @contextmanager
    def mapped(self, request: CompletedRequest) -> Iterator[Any]:
        assert isinstance(request, FakeRequest)
        assert not request.released, "the memory of a frame was used after its release"
        yield request

    def hang(self, call: str) -> None:
        pause = threading.Event()
        while self.mode == "wedge" and self.wedged == call:
            pause.wait(0.005)


class FakeJob:
    def __init__(self, function: Callable[[], tuple[bool, Any]], signal: Callable[[CaptureJob], None] | None) -> None:
        self.function = function
        self.signal = signal
        self.future: Future[Any] = Future()


class FakeRequest:
    def __init__(self, camera: FakeCamera, picture: NDArray[np.uint8], metadata: dict[str, Any]) -> None:
        self._camera = camera
        self._run = camera.runs
        self.array = picture
        self._metadata = metadata
        self.released = False

    def get_metadata(self) -> Mapping[str, Any]:
        return self._metadata

    def release(self) -> None:
        if self.released:
            raise RuntimeError("CompletedRequest: lock now has negative ref_count")
        self.released = True
        if self._run == self._camera.runs:
            self._camera.free += 1


class FakeCamera:
    def __init__(self, library: FakeLibrary, number: int) -> None:
        self.library, self.number = library, number
        self.configured: list[dict[str, Any]] = []
        self.started_with: list[dict[str, Any]] = []
        self.closed = False
        self.runs = self.free = self.frames = 0
        self._controls: dict[str, Any] = {}
        self._jobs: list[FakeJob] = []
        self._lock = threading.Lock()
        self._is_running = False
        self._ending = threading.Event()
        self._loop: threading.Thread | None = None

    camera_properties: Mapping[str, Any] = {}
    camera: Any = None

    @property
    def camera_controls(self) -> Mapping[str, tuple[Any, Any, Any]]:
        return self.library.controls

    @property
    def sensor_modes(self) -> Sequence[Mapping[str, Any]]:
        if not self.library.tells_modes:
            raise OSError(12, "Cannot allocate memory")
        return MODES if self.library.has_raw_modes else [{"format": "NV12"}]

    def create_video_configuration(self, **settings: Any) -> dict[str, Any]:
        known = {"main", "raw", "buffer_count", "transform", "display", "encode", "sensor"}
        assert settings.keys() <= known, "an argument that picamera2 does not have"
        return dict(settings)

    def configure(self, configuration: dict[str, Any]) -> None:
        self.library.hang("configure")
        if self._is_running:
            raise RuntimeError("Camera must be stopped before configuring")
        if self.library.mode == "no memory":
            raise OSError(12, "Cannot allocate memory")
        main = dict(configuration["main"])
        assert main["size"][0] % 2 == 0
        assert main["size"][1] % 2 == 0
        main["format"] = self.library.formats.get(main["format"], main["format"])
        if self.library.sizes and main["size"] not in self.library.sizes:
            main["size"] = self.library.sizes[0]
        transform = configuration["transform"]
        if not self.library.mirrors:
            transform = self.library.transform(hflip=False, vflip=False)
        self.configured.append({**configuration, "main": main, "transform": transform})

    def camera_configuration(self) -> dict[str, Any]:
        return self.configured[-1]

    def set_controls(self, controls: dict[str, Any]) -> None:
        for name in controls:
            if name not in self.camera_controls:
                raise RuntimeError(f"Control {name} is not advertised by libcamera")
        self._controls |= controls

    def start(self) -> None:
        self.library.hang("start")
        if self.library.mode == "refuse":
            raise RuntimeError("Failed to start camera: Input/output error")
        self.started_with.append(self._controls)
        self._controls = {}
        self.runs += 1
        self.free = self.configured[-1]["buffer_count"]
        self.frames = 0
        self._is_running = True
        if self._loop is None:
            self._loop = threading.Thread(target=self._run, name="picamera2's loop", daemon=True)
            self._loop.start()

    def capture_request(self, *, wait: bool, signal_function: Callable[[CaptureJob], None]) -> CaptureJob:
        assert not wait, "this may block for ever"
        return self._dispatch(self._capture, signal_function)

    def wait(self, job: CaptureJob, timeout: float | None = None) -> CompletedRequest:
        assert isinstance(job, FakeJob)
        result: CompletedRequest = job.future.result(timeout)
        return result

    def cancel_all_and_flush(self) -> None:
        with self._lock:
            for job in self._jobs:
                job.future.set_exception(CancelledError())
            self._jobs = []

    def stop(self) -> None:
        if self._is_running:
            self._dispatch(self._stop, None).future.result()

    def close(self) -> None:
        self.library.hang("close")
        self.stop()
        self._ending.set()
        if self._loop is not None:
            self._loop.join()
        self.closed = True

    def _dispatch(
        self, function: Callable[[], tuple[bool, Any]], signal: Callable[[CaptureJob], None] | None
    ) -> FakeJob:
        with self._lock:
            job = FakeJob(function, signal)
            self._jobs.append(job)
        return job

    def _run(self) -> None:
        while not self._ending.wait(1 / FPS):
            done = []
            with self._lock:
                while self._jobs:
                    finished, result = self._jobs[0].function()
                    if not finished:
                        break
                    done.append((self._jobs.pop(0), result))
            for job, result in done:
                job.future.set_result(result)
                if job.signal is not None:
                    job.signal(job)

    def _stop(self) -> tuple[bool, None]:
        self.library.hang("stop")
        self._is_running = False
        self.runs += 1
        return True, None

    def _capture(self) -> tuple[bool, CompletedRequest | None]:
        if self.library.mode in ("stall", "broken") or self.free == 0 or not self._is_running:
            return False, None
        self.free -= 1
        self.frames += 1
        metadata: dict[str, Any] = {"SensorTimestamp": time.monotonic_ns() - 5_000_000}
        metadata["ScalerCrop"] = self._crop
        return True, FakeRequest(self, self._picture(), metadata)

    @property
    def _crop(self) -> tuple[int, int, int, int]:
        told: tuple[int, int, int, int] | None = self.started_with[-1].get("ScalerCrop")
        # A control takes effect some frames after it was given.
        return told if told and self.frames > 2 else (0, 0, *SENSOR)

    def _picture(self) -> NDArray[np.uint8]:
        """What the camera sees, in frames whose rows are padded to 64 bytes.

        As on a Raspberry Pi the sensor mirrors, and the crop is cut out of what it delivers then.
        """
        main, transform = self.configured[-1]["main"], self.configured[-1]["transform"]
        (width, height), is_rgb = main["size"], main["format"] in ("BGR888", "XBGR8888")
        channels = 4 if main["format"].startswith("X") else 3
        scene = self._scene(channels, is_rgb)[:: -1 if transform.vflip else 1, :: -1 if transform.hflip else 1]
        left, top, wide, high = (side // STEP for side in self._crop)
        rows = top + np.arange(height) * high // height
        columns = left + np.arange(width) * wide // width
        padded = np.zeros((height, -(-width * channels // 64) * 64), np.uint8)
        picture = padded[:, : width * channels].reshape(height, width, channels)
        picture[:] = scene[rows[:, None], columns]
        return picture

    def _scene(self, channels: int, is_rgb: bool) -> NDArray[np.uint8]:
        """Red, green or blue in turn, with a white corner at the top left."""
        scene = np.zeros((SENSOR[1] // STEP, SENSOR[0] // STEP, channels), np.uint8)
        colour = self.frames % 3
        scene[:, :, 2 - colour if not is_rgb else colour] = 255
        scene[: len(scene) // 4, : scene.shape[1] // 4] = 255
        return scene
