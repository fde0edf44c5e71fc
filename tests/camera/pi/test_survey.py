"""The cameras that libcamera knows are told by a child process, whatever becomes of that."""

from __future__ import annotations

import json
import sys
import time

import pytest

from edged.camera.pi.survey import Offer, Surveyed, is_installed, open_each, survey
from edged.errors import SourceError
from tests.camera.fake_pi import FakeLibrary

MODES = (
    Offer("SRGGB10_CSI2P", 1536, 864, 120.0),
    Offer("SRGGB10_CSI2P", 2304, 1296, 56.0),
    Offer("SRGGB10_CSI2P", 4608, 2592, 14.0),
)


def child(code: str) -> list[str]:
    """A child process that does something else than to ask libcamera."""
    return [sys.executable, "-c", f"import os, sys, time\n{code}"]


def problem(code: str, seconds: float = 30.0) -> str:
    with pytest.raises(SourceError) as caught:
        survey(child(code), seconds)
    return str(caught.value)


def test_every_camera_is_reported_with_the_modes_of_its_sensor_and_released() -> None:
    library = FakeLibrary()
    assert list(open_each(library)) == [Surveyed("Front", "imx708", MODES), Surveyed("Back", "imx219", MODES)]
    assert [camera.closed for camera in library.opened] == [True, True]


def test_a_camera_without_a_raw_mode_is_reported_with_what_libcamera_has() -> None:
    (told,) = open_each(FakeLibrary(has_raw_modes=False, infos=[{"Id": "Front"}]))
    assert told == Surveyed("Front", None, (Offer("NV12", 640, 480, 120.0), Offer("NV12", 4608, 2592, 120.0)))


def test_a_camera_in_use_is_reported_and_the_others_are_examined() -> None:
    library = FakeLibrary()
    library.open(0)
    front, back = open_each(library)
    assert front == Surveyed("Front", "imx708", (), "another program uses it")
    assert back.offers == MODES


def test_a_camera_that_cannot_report_its_modes_is_listed_and_released() -> None:
    library = FakeLibrary(tells_modes=False)
    assert all("no contiguous memory" in str(told.problem) for told in open_each(library))
    assert all(camera.closed for camera in library.opened)


def test_usb_cameras_that_libcamera_knows_too_are_left_to_v4l2() -> None:
    usb = {"Id": "/base/soc/usb@1-1:1.0-046d:0825", "Model": "C270"}
    assert [told.id for told in open_each(FakeLibrary(infos=[{"Id": "Front", "Model": "imx708"}, usb]))] == ["Front"]


def test_the_answer_of_the_child_is_understood_though_a_library_prints_before_it() -> None:
    told = {"id": "Front", "model": None, "offers": [{"name": "NV12", "width": 2, "height": 4, "fps": None}]}
    answer = json.dumps({"cameras": [{**told, "problem": None}]})
    assert survey(child(f"print('hello'); print({answer!r})")) == [Surveyed("Front", None, (Offer("NV12", 2, 4),))]


@pytest.mark.skipif(is_installed(), reason="picamera2 is installed here")
def test_the_real_child_reports_the_cure_where_picamera2_is_missing() -> None:
    with pytest.raises(
        SourceError, match=r"picamera2 cannot be imported by this Python .*apt install python3-picamera2"
    ):
        survey()


def test_a_libcamera_that_aborts_is_reported_and_kills_no_other_process() -> None:
    told = problem("print('FATAL: a lock is held', file=sys.stderr, flush=True); os.abort()")
    assert told == "libcamera cannot be asked: it died of SIGABRT (FATAL: a lock is held)"


def test_a_child_that_prints_nothing_is_reported() -> None:
    assert problem("sys.exit(3)") == "libcamera cannot be asked: it ended with status 3"


def test_a_driver_that_hangs_is_not_waited_for() -> None:
    begin = time.monotonic()
    assert problem("time.sleep(60)", 0.2) == "libcamera has not listed its cameras within 0.2 s: a driver hangs"
    assert time.monotonic() - begin < 20
