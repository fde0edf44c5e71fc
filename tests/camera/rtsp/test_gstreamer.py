"""RTSP as another implementation has it: GStreamer's server, where that is installed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from numpy.typing import NDArray

from edged.camera.rtsp.source import RtspSource
from edged.errors import SourceError
from tests.camera.leaks import leaves_nothing_behind
from tests.camera.rtsp.gstreamer import RtspCamera, rtsp_camera
from tests.fakes import eventually
from tests.stopwatch import stopwatch

pytestmark = [pytest.mark.timed, pytest.mark.rtsp]

LIMIT = 10.0


@contextmanager
def stream(timeout: float = LIMIT) -> Iterator[tuple[RtspCamera, RtspSource, NDArray[np.uint8]]]:
    """A camera, the source that is open on it, and memory for its frames."""
    with rtsp_camera() as camera:
        source = RtspSource(f"rtsp://{camera.address}", timeout=timeout)
        try:
            yield camera, source, np.zeros(source.open().shape, np.uint8)
        finally:
            source.close()


def take(source: RtspSource, slot: NDArray[np.uint8], frames: int = 5) -> None:
    for _ in range(frames):
        eventually(lambda: source.grab(0.25) is not None, "a frame")
        source.retrieve(slot)
    assert slot.any()


def refusal(source: RtspSource) -> str:
    with pytest.raises(SourceError) as caught:
        source.open()
    return str(caught.value)


def test_a_camera_that_is_killed_and_started_again_comes_back() -> None:
    with stream() as (camera, source, slot):
        assert slot.shape == (240, 320, 3)
        take(source, slot)
        camera.kill()
        with stopwatch() as watch, pytest.raises(SourceError, match=r"closed the connection|reset"):
            take(source, slot, 1000)
        assert watch.seconds < 3
        assert "nobody listens there" in refusal(source)
        camera.start()
        source.open()
        take(source, slot)


def test_a_camera_that_hangs_is_lost_in_time() -> None:
    with stream(timeout=2) as (camera, source, slot):
        take(source, slot)
        camera.freeze()
        with stopwatch() as watch, pytest.raises(SourceError, match="no frame for 2 s"):
            take(source, slot, 1000)
        assert watch.elapsed > 1.8
        assert watch.seconds < 6


def test_a_camera_that_pauses_goes_on() -> None:
    with stream() as (camera, source, slot):
        take(source, slot)
        camera.freeze()
        thaw = threading.Timer(2.0, camera.thaw)
        thaw.start()
        take(source, slot, 50)
        thaw.join()


def test_a_camera_gets_user_and_password_and_no_text_has_them() -> None:
    with rtsp_camera("me", "some-secret") as camera:
        source = RtspSource(f"rtsp://me:some-secret@{camera.address}", timeout=LIMIT)
        take(source, np.zeros(source.open().shape, np.uint8))
        source.close()
        text = refusal(RtspSource(f"rtsp://me:wrong-one@{camera.address}", timeout=LIMIT))
        assert text.startswith(f"rtsp://{camera.address}: it asks for a user and password that it knows")


def test_opening_and_closing_leaves_nothing_behind() -> None:
    with rtsp_camera() as camera:
        source = RtspSource(f"rtsp://{camera.address}", timeout=LIMIT)

        def one_round() -> None:
            take(source, np.zeros(source.open().shape, np.uint8), 1)
            source.close()

        leaves_nothing_behind(one_round)
