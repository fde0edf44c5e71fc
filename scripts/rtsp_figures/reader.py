"""One reader of an RTSP camera, measured in a process of its own.

python -m scripts.rtsp_figures.reader URL WAY FPS SECONDS prints JSON: processor time and frames per second, and MiB of
memory. WAY is ``auto``, ``all`` or ``key``, with edged's capture, or ``opencv``, as edged read cameras before.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time

import cv2
import numpy as np

from edged.bench.procfs import memory_mib
from edged.pipeline.camera_stats import CameraStats
from edged.pipeline.capture.rate_cap import RateCap
from edged.pipeline.capture.settings import CaptureSettings
from edged.pipeline.capture.stage import Capture
from edged.pipeline.demand import Demand
from edged.pipeline.ring import FrameRing
from edged.values import Stamp

WARM_UP = 8.0  # seconds, in which auto sees some key frames


def measure_edged(url: str, way: str, fps: float, seconds: float) -> dict[str, float]:
    """Capture as the daemon does; a ring that nobody reads takes every frame that the rate admits."""
    from edged.camera.rtsp.source import RtspSource  # with it PyAV is loaded, which OpenCV's way does without

    stats = CameraStats("measured")
    source = RtspSource(url, decode_frames=way)  # type: ignore[arg-type]  # one of them
    ring = FrameRing(threading.Condition())
    capture = Capture(source, ring, stats, CaptureSettings(max_fps=fps), Demand())
    ended = threading.Event()
    capture.start(ended.set)
    if ended.wait(WARM_UP):
        raise SystemExit(f"the capture of {url} has ended")
    begin, cpu, frames = time.monotonic(), time.process_time(), capture.next_seq
    ended.wait(seconds)
    elapsed = time.monotonic() - begin
    result = _result(time.process_time() - cpu, capture.next_seq - frames, elapsed)
    capture.stop()
    capture.join(5)
    return result


def measure_opencv(url: str, fps: float, seconds: float) -> dict[str, float]:
    """Grab every frame, and convert those that the rate admits."""
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "rtsp_transport;tcp"
    capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    height, width = (int(capture.get(side)) for side in (cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH))
    slot = np.zeros((height, width, 3), np.uint8)
    cap = RateCap(fps)
    warm, begin, cpu, frames = time.monotonic() + WARM_UP, 0.0, 0.0, 0
    while not begin or time.monotonic() < begin + seconds:
        if not capture.grab():
            raise SystemExit(f"OpenCV cannot read {url}")
        if not begin and time.monotonic() >= warm:
            begin, cpu, frames = time.monotonic(), time.process_time(), 0
        if cap.admits(Stamp(time.monotonic_ns(), "arrival")):
            capture.retrieve(slot)
            frames += 1
    elapsed = time.monotonic() - begin
    return _result(time.process_time() - cpu, frames, elapsed)


def _result(cpu: float, frames: int, seconds: float) -> dict[str, float]:
    return {"cpu": cpu / seconds, "fps": frames / seconds, "mib": memory_mib(os.getpid())}


def main() -> int:
    """Measure one way."""
    url, way, fps, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
    result = measure_opencv(url, fps, seconds) if way == "opencv" else measure_edged(url, way, fps, seconds)
    print(json.dumps(result), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
