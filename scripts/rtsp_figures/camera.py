"""A camera for the figures: the demo's clip, enlarged and with noise, as H.264 with a key frame every two seconds.

python -m scripts.rtsp_figures.camera WIDTH HEIGHT FPS BITS_PER_SECOND: prints its port, and serves until its input
ends.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from tests.camera.rtsp.clips import Clip, nal_units
from tests.camera.rtsp.server import RtspServer, serving_rtsp

DEMO = Path(__file__).parent.parent.parent / "config/demo/street.mp4"
SECONDS = 4
KEY_SECONDS = 2
NOISE = 3.0  # levels, as of a sensor in daylight; without it nothing but what moves is coded


def coded(width: int, height: int, fps: int, bits: int) -> Clip:
    """`SECONDS` of video."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base = Fraction(1, fps)
    encoder.bit_rate = bits
    keys = f"keyint={KEY_SECONDS * fps}:min-keyint={KEY_SECONDS * fps}:scenecut=0"
    encoder.options = {"preset": "veryfast", "tune": "zerolatency", "profile": "main", "x264-params": keys}
    units = []
    for n, picture in enumerate(_pictures(width, height, SECONDS * fps)):
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format="yuv420p")
        frame.pts = n
        units += [tuple(nal_units(bytes(packet))) for packet in encoder.encode(frame)]
    units += [tuple(nal_units(bytes(packet))) for packet in encoder.encode(None)]
    return Clip("h264", width, height, tuple(units))


def _pictures(width: int, height: int, count: int) -> Iterator[NDArray[np.uint8]]:
    film = cv2.VideoCapture(str(DEMO))
    for _ in range(count):
        came, picture = film.read()
        if not came:
            film = cv2.VideoCapture(str(DEMO))
            picture = film.read()[1]
        grain = np.zeros((height, width, 3), np.int16)
        cv2.randn(grain, np.zeros(3), np.full(3, NOISE))
        large = cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC)
        yield np.clip(large + grain, 0, 255).astype(np.uint8)


def main() -> int:
    """Serve until the input ends."""
    width, height, fps, bits = map(int, sys.argv[1:5])
    with serving_rtsp(RtspServer(coded(width, height, fps, bits), fps=fps, wall_clock="now")) as server:
        print(server.port, flush=True)
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
