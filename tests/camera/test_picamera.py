"""Raspberry Pi cameras.

Under ``scripts/picamera-rig`` these tests use the real picamera2 and libcamera with virtual cameras, and on a machine
with such a camera the real one. Elsewhere a stand-in takes the part of both libraries; the tests' names say which.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from edged.camera.devices import list_cameras
from edged.camera.mirror import mirrors
from edged.camera.pi.api import CaptureJob, Library
from edged.camera.pi.controls import PiControls
from edged.camera.pi.library import load
from edged.camera.pi.view import FrameSize
from edged.camera.picamera import PicameraSource
from edged.camera.prepared import PreparedSource
from edged.camera.source import Source
from edged.errors import SourceError
from edged.regions import Region
from edged.values import Format, Mirror, PixelFormat
from tests.camera.fake_pi import FakeLibrary
from tests.camera.leaks import leaves_nothing_behind
from tests.fakes import eventually
from tests.stopwatch import stopwatch

pytestmark = [
    pytest.mark.picamera,
    pytest.mark.once,  # in the rig it runs on another Python anyway
    # picamera2's own, the second where it could not take hold of a camera.
    pytest.mark.filterwarnings("ignore:setDaemon:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
]

RIG = Path("/run/edged-rig")
VGA = FrameSize(640, 480)
MIRRORS = get_args(Mirror)


class Sensor:
    """Whatever stands behind the cameras of these tests."""

    def __init__(self, name: str, library: Callable[[], Library], fake: FakeLibrary | None = None) -> None:
        self.name = name
        self.library = library
        self.fake = fake
        self._sources: list[PicameraSource] = []

    def source(self, target: str = "", timeout: float = 10.0, **options: Any) -> PicameraSource:
        """A source, which is given up at the end of the test."""
        target = target or ("0" if self.name == "camera" else "Front")
        source = PicameraSource(target, timeout=timeout, library=self.library, **{"size": VGA, **options})
        self._sources.append(source)
        return source

    def tell(self, mode: str) -> None:
        """Be well (run), deliver nothing (stall) or bad frames (broken), hang when stopped (wedge), have no memory."""
        if self.fake is not None:
            self.fake.mode = mode
        elif self.name == "rig":
            (RIG / "sensor").write_text(mode)
            if mode == "no memory":
                (RIG / "no-memory").touch()
            else:
                (RIG / "no-memory").unlink(missing_ok=True)
        else:
            pytest.skip("a real camera cannot be told to fail")

    def needs_stand_in(self) -> FakeLibrary:
        if self.fake is None:
            pytest.skip("only the stand-in has such a sensor")
        return self.fake

    def finish(self) -> None:
        if self.name != "camera":
            self.tell("run")
        for source in self._sources:
            eventually(partial(closes_for_good, source), "the camera is given up")


def closes_for_good(source: PicameraSource) -> bool:
    source.wake()
    source.close()
    if source._stuck is not None:
        with suppress(SourceError):
            source.open()
        source.close()
    return source._camera is None


def find_sensor() -> tuple[str, Callable[[], Library] | None]:
    try:
        library = load()
    except SourceError:
        return "stand-in", None
    if not library.cameras():
        return "stand-in", None
    return ("rig" if "EDGED_RIG" in os.environ else "camera"), load


NAME, LOAD = find_sensor()


@pytest.fixture(params=[NAME])
def sensor() -> Iterator[Sensor]:
    if LOAD is not None:
        found = Sensor(NAME, LOAD)
    else:
        fake = FakeLibrary()
        found = Sensor(NAME, lambda: fake, fake)
    yield found
    found.finish()


def next_frame(source: Source, slot: NDArray[np.uint8]) -> int:
    """Wait for a frame and put it into *slot*; returns its time."""
    for _ in range(40):
        stamp = source.grab(0.25)
        if stamp is not None:
            assert stamp.source == "driver"
            source.retrieve(slot)
            return stamp.t_cap_ns
    raise AssertionError("no frame in 10 s")


def refusal(source: PicameraSource) -> str:
    with pytest.raises(SourceError) as caught:
        source.open()
    return str(caught.value)


def colour(picture: NDArray[np.uint8]) -> tuple[int, ...]:
    height, width = picture.shape[:2]
    return tuple(int(value > 127) for value in picture[height // 2, width // 2])


def corner_is_white(picture: NDArray[np.uint8], bottom: bool = False, right: bool = False) -> bool:
    height, width = picture.shape[:2]
    return bool((picture[-height // 8 if bottom else height // 8, -width // 8 if right else width // 8] > 200).all())


def test_frames_come_in_the_driver_s_time_and_one_after_the_other(sensor: Sensor) -> None:
    source = sensor.source()
    frame_format = source.open()
    assert frame_format == Format(width=640, height=480, pixels=PixelFormat.BGR)
    slot = np.zeros(frame_format.shape, np.uint8)
    times = [next_frame(source, slot) for _ in range(10)]
    assert times == sorted(set(times))
    assert 0 <= time.monotonic_ns() - times[-1] < 2e9
    assert slot.any()


@pytest.mark.parametrize("size", [(640, 480), (1000, 600), (320, 240)])  # the rows of the second one are padded
def test_pictures_are_as_the_scene_is(sensor: Sensor, size: tuple[int, int]) -> None:
    if sensor.name == "camera":
        pytest.skip("nobody knows what a real camera sees")
    source = sensor.source(size=FrameSize(*size))
    slot = np.zeros(source.open().shape, np.uint8)
    assert slot.shape == (size[1], size[0], 3)
    seen = set()
    for _ in range(60):
        next_frame(source, slot)
        seen.add(colour(slot))
        assert corner_is_white(slot)
        if len(seen) == 3:
            break
    assert seen == {(0, 0, 1), (0, 1, 0), (1, 0, 0)}


def test_frames_that_nobody_retrieves_do_not_use_up_the_buffers(sensor: Sensor) -> None:
    source = sensor.source()
    slot = np.zeros(source.open().shape, np.uint8)
    for _ in range(20):
        eventually(lambda: source.grab(0.25) is not None, "a frame")
    next_frame(source, slot)


def test_grab_waits_no_longer_than_its_timeout_and_another_thread_can_end_it(sensor: Sensor) -> None:
    source = sensor.source()
    source.open()
    sensor.tell("stall")
    eventually(lambda: source.grab(0.2) is None, "silence")
    with stopwatch() as watch:
        assert source.grab(0.1) is None
    assert watch.elapsed > 0.09
    assert watch.seconds < 3
    timer = threading.Timer(0.05, source.wake)
    timer.start()
    with stopwatch() as watch:
        assert source.grab(60) is None
    assert watch.seconds < 10
    timer.join()


@pytest.mark.parametrize("fault", ["stall", "broken"])
def test_a_camera_that_stops_delivering_can_be_closed_and_opened_again(sensor: Sensor, fault: str) -> None:
    source = sensor.source()
    slot = np.zeros(source.open().shape, np.uint8)
    next_frame(source, slot)
    sensor.tell(fault)
    eventually(lambda: source.grab(0.2) is None, "silence")
    for _ in range(3):  # as long as it is not well, opening it does not help, and does no harm
        with stopwatch() as watch:
            source.close()
            source.close()
            source.open()
        assert watch.seconds < 5
        assert source.grab(0.2) is None
    source.close()
    sensor.tell("run")
    source.open()
    next_frame(source, slot)


def test_the_camera_is_kept_from_one_opening_to_the_next(sensor: Sensor) -> None:
    source = sensor.source()
    slot = np.zeros(source.open().shape, np.uint8)
    next_frame(source, slot)
    camera = source._camera
    for _ in range(3):
        source.close()
        source.open()
        assert source._camera is camera
        next_frame(source, slot)


def test_a_camera_that_delivers_nothing_after_it_was_started_again_is_given_up(sensor: Sensor) -> None:
    source = sensor.source()
    slot = np.zeros(source.open().shape, np.uint8)
    next_frame(source, slot)
    first = source._camera
    sensor.tell("stall")
    source.close()
    source.open()
    assert source._camera is first
    assert source.grab(0.2) is None
    source.close()
    sensor.tell("run")
    source.open()
    assert source._camera is not first
    next_frame(source, slot)


def test_closing_after_a_wake_gives_the_camera_to_others(sensor: Sensor) -> None:
    source, other = sensor.source(), sensor.source()
    source.open()
    source.wake()
    source.close()
    other.open()
    next_frame(other, np.zeros((480, 640, 3), np.uint8))


def test_a_camera_that_is_in_use_is_reported(sensor: Sensor) -> None:
    source, other = sensor.source(), sensor.source()
    slot = np.zeros(source.open().shape, np.uint8)
    assert refusal(other).endswith(": another program uses it")
    next_frame(source, slot)


def test_a_driver_that_hangs_when_it_is_stopped_is_left_behind_and_taken_up_when_it_returns(sensor: Sensor) -> None:
    source = sensor.source(timeout=1.0)
    slot = np.zeros(source.open().shape, np.uint8)
    next_frame(source, slot)
    sensor.tell("wedge")
    with stopwatch() as watch:
        source.close()
    assert watch.elapsed > 0.9
    assert watch.seconds < 5
    source.close()
    for _ in range(2):
        assert refusal(source).endswith(": its driver hangs; only a restart of edged, or of the board, can free it")
    sensor.tell("run")
    eventually(lambda: opens(source), "the camera can be opened again")
    next_frame(source, slot)


def test_the_list_of_cameras_has_it_with_a_name_that_opens_it(sensor: Sensor) -> None:
    if sensor.fake is not None:
        pytest.skip("the stand-in is in this process only; a child that asks the real libcamera finds no camera")
    listed = [camera for camera in list_cameras() if camera.driver == "libcamera"]
    assert all(camera.problem is None and camera.formats[0].modes for camera in listed)
    if sensor.name == "rig":
        assert [camera.source for camera in listed] == ["picamera:imx708", "picamera:imx219"]
        assert any((mode.width, mode.height) == (1280, 720) for mode in listed[0].formats[0].modes)
    for camera in listed:
        source = sensor.source(camera.source.removeprefix("picamera:"))
        next_frame(source, np.zeros(source.open().shape, np.uint8))


def opens(source: PicameraSource) -> bool:
    try:
        source.open()
    except SourceError:
        return False
    return True


@pytest.mark.parametrize("call", ["cameras", "open", "configure", "start", "close"])
def test_no_call_that_hangs_is_waited_for(sensor: Sensor, call: str) -> None:
    fake = sensor.needs_stand_in()
    fake.mode, fake.wedged = "wedge", call
    source = sensor.source(timeout=0.1)
    with stopwatch() as watch:
        if call == "close":
            eventually(lambda: opens(source), "the camera is open")  # a pause of the machine looks like a hanging call
            source.wake()
            source.close()
            source._woken.clear()
        else:
            assert ": its driver hangs: " in refusal(source)
    assert watch.seconds < 3
    assert "only a restart of edged" in refusal(source)
    fake.mode = "run"
    eventually(lambda: opens(source), "the camera can be opened again")
    next_frame(source, np.zeros((480, 640, 3), np.uint8))
    assert sum(not camera.closed for camera in fake.opened) == 1


def test_exhausted_memory_is_reported_and_the_camera_opens_when_there_is_some(sensor: Sensor) -> None:
    source = sensor.source()
    sensor.tell("no memory")
    assert ": there is no contiguous memory left for its frames" in refusal(source)
    sensor.tell("run")
    next_frame(source, np.zeros(source.open().shape, np.uint8))


def test_a_camera_that_will_not_start_is_given_up(sensor: Sensor) -> None:
    fake = sensor.needs_stand_in()
    source = sensor.source()
    fake.mode = "refuse"
    assert refusal(source) == "picamera:Front: Failed to start camera: Input/output error"
    fake.mode = "run"
    source.open()
    assert [camera.closed for camera in fake.opened] == [True, False]


@pytest.mark.parametrize("target", ["0", "1", "Front", "Back", "imx219"])
def test_cameras_are_found_by_number_id_and_model(sensor: Sensor, target: str) -> None:
    if sensor.name == "camera":
        pytest.skip("nobody knows which cameras a real machine has")
    source = sensor.source(target)
    next_frame(source, np.zeros(source.open().shape, np.uint8))


@pytest.mark.parametrize("target", ["77", "no-such-camera"])
def test_a_missing_camera_is_reported_with_a_list_of_those_present(sensor: Sensor, target: str) -> None:
    told = refusal(sensor.source(target))
    assert told.startswith(f"picamera:{target}: there is no camera with this ")
    assert "there are: 0 = " in told


def test_a_size_that_the_camera_does_not_have_is_logged(sensor: Sensor, caplog: pytest.LogCaptureFixture) -> None:
    if sensor.name == "camera":
        pytest.skip("a Pi's hardware scales to any size")
    if sensor.fake is not None:
        sensor.fake.sizes = ((640, 480),)
    source = sensor.source(size=FrameSize(500, 300))
    with caplog.at_level(logging.WARNING, "edged"):
        frame_format = source.open()
        next_frame(source, np.zeros(frame_format.shape, np.uint8))
        source.close()
        source.open()
    (record,) = caplog.records
    got = f"{frame_format.width}×{frame_format.height}"
    assert record.message == f"picamera:Front delivers {got} instead of 500×300"


def test_opening_and_closing_leaves_nothing_behind(sensor: Sensor) -> None:
    source = sensor.source()

    def one_round() -> None:
        next_frame(source, np.zeros(source.open().shape, np.uint8))
        source.close()
        source.close()

    leaves_nothing_behind(one_round)


def test_giving_a_camera_up_leaves_nothing_behind(sensor: Sensor) -> None:
    def one_round() -> None:
        source = sensor.source()
        next_frame(source, np.zeros(source.open().shape, np.uint8))
        source.wake()
        source.close()

    leaves_nothing_behind(one_round)


def test_stalls_leave_nothing_behind(sensor: Sensor) -> None:
    source = sensor.source()
    slot = np.zeros(source.open().shape, np.uint8)

    def one_round() -> None:
        sensor.tell("stall")
        eventually(lambda: source.grab(0.1) is None, "silence")
        source.close()
        sensor.tell("run")
        source.open()
        next_frame(source, slot)

    leaves_nothing_behind(one_round)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (
            {"mirror": "both", "crop": Region(0.5, 0.5, 1, 1)},
            "its sensor cannot mirror pictures, and the crop depends on that; leave scaler_crop out",
        ),
        ({"crop": Region(0.5, 0.5, 1, 1)}, "this camera cannot crop; leave that to edged"),
        ({"controls": PiControls(gain=2)}, "this camera has no AnalogueGain, which gain needs; leave gain out"),
        ({"controls": PiControls(fps=1000)}, "fps must be in "),
    ],
)
def test_what_the_camera_cannot_do_is_refused(sensor: Sensor, options: dict[str, Any], reason: str) -> None:
    if sensor.name == "camera":
        pytest.skip("nobody knows what a real camera cannot do")
    if sensor.name == "rig" and "mirror" in options:
        pytest.skip("libcamera's virtual cameras say that they mirror, and do not")
    if sensor.fake is not None:
        sensor.fake.mirrors = False
        del sensor.fake.controls["AnalogueGain"], sensor.fake.controls["ScalerCrop"]
    assert refusal(sensor.source(**options)).startswith(f"picamera:Front: {reason}")


def test_a_rate_is_asked_for(sensor: Sensor) -> None:
    source = sensor.source(controls=PiControls(fps=30))
    assert source.open().fps == 30
    next_frame(source, np.zeros((480, 640, 3), np.uint8))


@pytest.mark.parametrize("mirror", MIRRORS)
def test_the_sensor_mirrors(sensor: Sensor, mirror: Mirror) -> None:
    sensor.needs_stand_in()
    source = sensor.source(mirror=mirror)
    frame_format = source.open()
    slot = np.zeros(frame_format.shape, np.uint8)
    next_frame(source, slot)
    assert frame_format.mirror == mirror
    for right in (False, True):
        for bottom in (False, True):
            assert corner_is_white(slot, bottom, right) == ((right, bottom) == mirrors(mirror))


@pytest.mark.parametrize("can_mirror", [False, True])
@pytest.mark.parametrize("mirror", MIRRORS)
def test_frames_are_mirrored_once_whether_or_not_the_sensor_can(
    sensor: Sensor, mirror: Mirror, can_mirror: bool
) -> None:
    sensor.needs_stand_in().mirrors = can_mirror
    source = PreparedSource(sensor.source(mirror=mirror), mirror, [])
    frame_format = source.open()
    slot = np.zeros(frame_format.shape, np.uint8)
    next_frame(source, slot)
    assert frame_format.mirror == mirror
    for right in (False, True):
        for bottom in (False, True):
            assert corner_is_white(slot, bottom, right) == ((right, bottom) == mirrors(mirror))
    source.close()


def test_controls_are_set_at_each_start(sensor: Sensor) -> None:
    fake = sensor.needs_stand_in()
    source = sensor.source(controls=PiControls(exposure_us=5000, gain=2.5, white_balance="daylight", fps=20))
    for _ in range(2):
        source.open()
        next_frame(source, np.zeros((480, 640, 3), np.uint8))
        source.close()
    expected = {
        "ExposureTime": 5000,
        "AnalogueGain": 2.5,
        "AwbEnable": True,
        "AwbMode": "AwbModeEnum.Daylight",
        "FrameDurationLimits": (50_000, 50_000),
    }
    assert fake.opened[0].started_with == [expected, expected]
    assert len(fake.opened[0].configured) == 1


def test_a_crop_is_cut_out_of_all_that_the_sensor_sees_before_the_first_frame_is_given_out(sensor: Sensor) -> None:
    fake = sensor.needs_stand_in()
    source = sensor.source(size=FrameSize(at_least=(224, 224)), crop=Region(0.25, 0.5, 0.75, 1.0))
    frame_format = source.open()
    assert (frame_format.width, frame_format.height) == (398, 224)  # 16:9, as half of both sides of the sensor is
    camera = fake.opened[0]
    assert camera.started_with[0]["ScalerCrop"] == (1152, 1296, 2304, 1296)
    assert camera.frames == 3
    next_frame(source, np.zeros(frame_format.shape, np.uint8))


@pytest.mark.parametrize("mirror", MIRRORS)
def test_a_crop_is_the_region_of_the_frame_as_it_is_delivered_also_when_mirrored(
    sensor: Sensor, mirror: Mirror
) -> None:
    sensor.needs_stand_in()
    left, top = (0.75 if flipped else 0.0 for flipped in mirrors(mirror))  # where the white corner is then
    source = sensor.source(crop=Region(left, top, left + 0.25, top + 0.25), mirror=mirror)
    slot = np.zeros(source.open().shape, np.uint8)
    next_frame(source, slot)
    assert (slot == 255).all()


def test_a_crop_that_does_not_take_effect_is_a_failure(sensor: Sensor) -> None:
    fake = sensor.needs_stand_in()
    source = sensor.source(crop=Region(0.25, 0.5, 0.75, 1.0))
    fake.mode = "stall"
    timer = threading.Timer(0.1, source.wake)
    timer.start()
    assert refusal(source) == "picamera:Front: it does not crop as requested"
    timer.join()


def test_all_of_the_scene_is_shown_at_any_size(sensor: Sensor) -> None:
    fake = sensor.needs_stand_in()
    for size, fps, mode in [
        (FrameSize(640, 480), None, (2304, 1296)),
        (FrameSize(), 100, (2304, 1296)),  # the fastest mode shows the middle only
        (FrameSize(width=3000), 10, (4608, 2592)),
        (FrameSize(width=3000), 30, (2304, 1296)),
    ]:
        source = sensor.source(size=size, controls=PiControls(fps=fps))
        source.open()
        assert fake.opened[-1].configured[-1]["sensor"] == {"output_size": mode, "bit_depth": 10}
        source.wake()
        source.close()


def test_a_board_without_the_memory_to_try_all_modes_shows_what_it_can(
    sensor: Sensor, caplog: pytest.LogCaptureFixture
) -> None:
    sensor.needs_stand_in().tells_modes = False
    source = sensor.source()
    with caplog.at_level(logging.WARNING, "edged"):
        frame_format = source.open()
    assert "it may show the middle of the scene only" in caplog.text
    next_frame(source, np.zeros(frame_format.shape, np.uint8))


@pytest.mark.parametrize(
    ("formats", "pixels"),
    [
        ({"RGB888": "BGR888"}, PixelFormat.RGB),
        ({"RGB888": "XRGB8888"}, PixelFormat.BGRA),
        ({"RGB888": "XBGR8888"}, PixelFormat.RGBA),
    ],
)
def test_what_came_of_the_pixel_format_is_read_back(
    sensor: Sensor, formats: dict[str, str], pixels: PixelFormat
) -> None:
    sensor.needs_stand_in().formats = formats
    source = sensor.source()
    frame_format = source.open()
    assert frame_format.pixels is pixels
    next_frame(source, np.zeros(frame_format.shape, np.uint8))


def test_a_pixel_format_that_edged_does_not_know_is_reported(sensor: Sensor) -> None:
    sensor.needs_stand_in().formats = {"RGB888": "NV12"}
    assert "it delivers NV12 only, and none of RGB888" in refusal(sensor.source())


def test_no_camera_at_all_is_reported_with_what_to_check(sensor: Sensor) -> None:
    sensor.needs_stand_in().infos = []
    assert "libcamera finds no camera: is the cable seated" in refusal(sensor.source())


def test_a_slot_of_another_size_is_refused(sensor: Sensor) -> None:
    source = sensor.source()
    source.open()
    eventually(lambda: source.grab(0.25) is not None, "a frame")
    with pytest.raises(SourceError, match="instead of"):
        source.retrieve(np.zeros((10, 10, 3), np.uint8))
    first = source._camera
    source.close()
    source.open()
    assert source._camera is first, "the camera is not to blame"


def test_a_camera_of_which_the_library_fails_is_given_up(sensor: Sensor, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = sensor.needs_stand_in()
    source = sensor.source()
    next_frame(source, np.zeros(source.open().shape, np.uint8))

    def fail(**_: object) -> CaptureJob:
        raise RuntimeError("Device or resource busy")

    monkeypatch.setattr(fake.opened[0], "capture_request", fail)
    with pytest.raises(SourceError, match=r"^picamera:Front: another program uses it$"):
        source.grab(0.1)
    source.close()
    source.open()
    assert [camera.closed for camera in fake.opened] == [True, False]
