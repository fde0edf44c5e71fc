"""A decoder by its name for RTSP cameras."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from edged.camera.rtsp.source import RtspSource
from tests.camera.rtsp.clips import coded
from tests.camera.rtsp.server import RtspServer, serving_rtsp
from tests.camera.servers import number
from tests.fakes import eventually

pytestmark = pytest.mark.timed


@pytest.mark.parametrize("name", ["h264_v4l2m2m", "hevc_v4l2m2m"])
def test_software_takes_over_with_one_line_however_often_the_camera_is_opened(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with serving_rtsp(RtspServer(coded("h264"))) as server, caplog.at_level(logging.INFO, "edged"):
        source = RtspSource(server.url("us%20er:secret"), timeout=10, decoder=name)
        for _ in range(2):
            slot = np.zeros(source.open().shape, np.uint8)
            eventually(lambda: source.grab(0.25) is not None, "a frame")
            source.retrieve(slot)
            assert number(slot) >= 0
            source.close()
    [line] = caplog.messages
    assert f"the decoder {name} is not used" in line
    assert "secret" not in line
