"""The same on real drivers, wherever there is a camera; the faults need the kernel module vivid, v4l2-ctl and root.

Everywhere else these are skipped, and the fake kernel alone says that it works.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from edged.camera.devices import CameraInfo, v4l2_cameras
from edged.camera.usb import UsbCamera
from edged.camera.v4l2.choice import PIXEL_NAMES
from edged.camera.v4l2.nodes import find_nodes
from edged.errors import DamagedFrame, SourceError
from edged.values import Format, Stamp

pytestmark = [pytest.mark.v4l2, pytest.mark.timeout(600)]

PATIENT = 10.0  # seconds for a frame: an emulated machine is slow
AT_ONCE = 1.0
END_OF_FRAME, START_OF_EXPOSURE = 0, 1


def cameras() -> list[CameraInfo]:
    """The cameras of this machine that may be opened and are not in use."""
    return [camera for camera in v4l2_cameras() if camera.problem is None and not camera.holders]


@pytest.fixture
def camera() -> CameraInfo:
    """Some camera."""
    found = cameras()
    if not found:
        pytest.skip("no V4L2 camera here that may be opened")
    return found[0]


@pytest.fixture
def vivid() -> CameraInfo:
    """A camera that the kernel makes up, and that fails on demand."""
    found = [camera for camera in cameras() if camera.driver == "vivid"]
    if not found or shutil.which("v4l2-ctl") is None or os.geteuid() != 0:
        pytest.skip("needs the kernel module vivid, v4l2-ctl and root")
    return found[0]


def target(camera: CameraInfo) -> str:
    return camera.source.removeprefix("usb:")


@contextmanager
def streaming(camera: CameraInfo, **wishes: object) -> Iterator[tuple[UsbCamera, Format]]:
    source = UsbCamera(target(camera), **wishes)  # type: ignore[arg-type]  # each test knows its wishes
    frame_format = source.open()
    try:
        yield source, frame_format
    finally:
        source.close()


def frames(source: UsbCamera, frame_format: Format, count: int) -> list[Stamp]:
    """Take and decode *count* frames."""
    slot = np.zeros(frame_format.shape, np.uint8)
    stamps: list[Stamp] = []
    deadline = time.monotonic() + PATIENT * count
    while len(stamps) < count:
        assert time.monotonic() < deadline, "too few frames"
        try:
            stamp = source.grab(PATIENT)
            assert stamp is not None, "no frame"
            source.retrieve(slot)
        except DamagedFrame:
            continue
        stamps.append(stamp)
        assert slot.any()
    return stamps


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def mappings() -> int:
    return Path("/proc/self/maps").read_text().count("/dev/video")


def control(camera: CameraInfo, name: str, value: int = 1) -> None:
    subprocess.run(["v4l2-ctl", "-d", str(camera.node), "-c", f"{name}={value}"], check=True, timeout=60)


def test_frames_come_with_the_drivers_time(camera: CameraInfo) -> None:
    if camera.driver == "vivid":
        control(camera, "timestamp_source", START_OF_EXPOSURE)
    with streaming(camera) as (source, frame_format):
        stamps = frames(source, frame_format, 10)
    times = [stamp.t_cap_ns for stamp in stamps]
    assert times == sorted(set(times))
    assert {stamp.source for stamp in stamps} == {"driver"}
    assert 0 <= time.monotonic_ns() - times[-1] < PATIENT * 1e9


def test_every_format_that_is_listed_as_working_works(camera: CameraInfo) -> None:
    names = {name: kind for kind, letters in PIXEL_NAMES.items() for name in letters}
    tried = 0
    for offered in camera.formats:
        if offered.works:
            with streaming(camera, pixels=names[offered.name]) as (source, frame_format):
                frames(source, frame_format, 2)
            tried += 1
    assert tried


def test_every_size_that_is_offered_is_given(camera: CameraInfo) -> None:
    names = {name: kind for kind, letters in PIXEL_NAMES.items() for name in letters}
    offered = next(offered for offered in camera.formats if offered.works)
    for mode in offered.modes[:4]:
        wish = {"width": mode.width, "height": mode.height, "pixels": names[offered.name]}
        with streaming(camera, **wish) as (source, frame_format):
            assert (frame_format.width, frame_format.height) == (mode.width, mode.height)
            frames(source, frame_format, 1)


def test_a_slow_reader_gets_new_frames(camera: CameraInfo) -> None:
    with streaming(camera) as (source, frame_format):
        frames(source, frame_format, 1)
        for _ in range(4):
            threading.Event().wait(0.5)
            assert source.grab(PATIENT) is not None
        assert source.skipped > 0


def test_a_wait_is_ended_from_another_thread(camera: CameraInfo) -> None:
    with streaming(camera) as (source, _):
        waker = threading.Timer(0.2, source.wake)
        waker.start()
        deadline = time.monotonic() + PATIENT
        while source.grab(PATIENT) is not None:
            assert time.monotonic() < deadline
        waker.join()


def test_a_second_reader_is_refused_with_the_process_that_uses_it(camera: CameraInfo) -> None:
    with streaming(camera) as (source, frame_format):
        with pytest.raises(SourceError, match="busy: edged itself, for another camera, has it open"):
            UsbCamera(target(camera)).open()
        frames(source, frame_format, 1)


def test_a_metadata_node_names_the_one_with_the_pictures(camera: CameraInfo) -> None:
    listed = {info.node for info in v4l2_cameras()}
    device = next(node.device for node in find_nodes(Path("/")) if str(node.path) == camera.node)
    others = [n.path for n in find_nodes(Path("/")) if n.device == device and str(n.path) not in listed]
    if not others:
        pytest.skip("this camera has one node only")
    for path in others:
        with pytest.raises(SourceError, match=f"; the pictures of .* are at {target(camera)}$"):
            UsbCamera(path).open()


def test_opening_again_and_again_leaks_nothing(camera: CameraInfo) -> None:
    source = UsbCamera(target(camera))
    before = descriptors(), mappings()
    for _ in range(10):
        frames(source, source.open(), 1)
    source.close()
    assert (descriptors(), mappings()) == before


def test_vivid_a_time_to_come_is_not_believed(vivid: CameraInfo) -> None:
    control(vivid, "timestamp_source", END_OF_FRAME)  # it says when the frame will have ended, and delivers it before
    with streaming(vivid) as (source, frame_format):
        assert {stamp.source for stamp in frames(source, frame_format, 5)} == {"arrival"}
    control(vivid, "timestamp_source", START_OF_EXPOSURE)


def test_vivid_damaged_buffers_are_reported(vivid: CameraInfo) -> None:
    with streaming(vivid) as (source, frame_format):
        frames(source, frame_format, 1)
        control(vivid, "inject_v4l2_buf_flag_error")
        with pytest.raises(DamagedFrame, match="the driver marks frames as damaged"):
            any(source.grab(PATIENT) is None for _ in range(30))
        frames(source, frame_format, 3)


def test_vivid_a_refused_buffer_is_not_a_failure(vivid: CameraInfo) -> None:
    with streaming(vivid) as (source, frame_format):
        for _ in range(6):
            control(vivid, "inject_vidioc_qbuf_error")
            frames(source, frame_format, 4)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [("inject_vidioc_streamon_error", "VIDIOC_STREAMON"), ("inject_vidioc_reqbufs_error", "VIDIOC_REQBUFS")],
)
def test_vivid_an_open_that_fails_leaves_nothing_and_the_next_one_works(
    vivid: CameraInfo, fault: str, sentence: str
) -> None:
    source = UsbCamera(target(vivid))
    before = descriptors(), mappings()
    control(vivid, fault)
    with pytest.raises(SourceError, match=sentence):
        source.open()
    assert (descriptors(), mappings()) == before
    frames(source, source.open(), 2)
    source.close()


def test_vivid_a_fatal_error_is_reported_at_once_and_gone_after_opening_again(vivid: CameraInfo) -> None:
    with streaming(vivid) as (source, frame_format):
        frames(source, frame_format, 2)
        control(vivid, "inject_fatal_streaming_error")
        start = time.monotonic()
        with pytest.raises(SourceError, match=r"VIDIOC_DQBUF: Input/output error|reports an error"):
            frames(source, frame_format, 1000)
        assert time.monotonic() - start < AT_ONCE
        frames(source, source.open(), 2)


def test_vivid_a_silent_camera_is_a_timeout(vivid: CameraInfo) -> None:
    with streaming(vivid) as (source, frame_format):
        frames(source, frame_format, 2)
        control(vivid, "percentage_of_dropped_buffers", 100)
        try:
            while source.grab(1.0) is not None:
                pass
            start = time.monotonic()
            assert source.grab(1.0) is None
            assert 1.0 <= time.monotonic() - start < 1.0 + AT_ONCE
        finally:
            control(vivid, "percentage_of_dropped_buffers", 0)
        frames(source, frame_format, 2)


def test_vivid_most_frames_dropped_is_not_a_failure(vivid: CameraInfo) -> None:
    with streaming(vivid) as (source, frame_format):
        control(vivid, "percentage_of_dropped_buffers", 80)
        try:
            frames(source, frame_format, 5)
        finally:
            control(vivid, "percentage_of_dropped_buffers", 0)


def test_vivid_a_device_that_goes_is_reported_at_once_and_found_when_it_is_back(vivid: CameraInfo) -> None:
    device = next(node.device for node in find_nodes(Path("/")) if str(node.path) == vivid.node)
    driver = (device / "driver").resolve()
    before = descriptors(), mappings()
    for _ in range(3):
        source = UsbCamera(target(vivid))
        frame_format = source.open()
        frames(source, frame_format, 2)
        left: list[float] = []

        def unbind(left: list[float] = left) -> None:
            left.append(time.monotonic())
            (driver / "unbind").write_text(device.name)

        unplugging = threading.Timer(0.3, unbind)
        unplugging.start()
        with pytest.raises(SourceError, match=r"it has gone|reports an error"):
            frames(source, frame_format, 1000)
        noticed = time.monotonic() - left[0]
        unplugging.join()
        source.close()
        with pytest.raises(SourceError, match="there is no such device"):
            source.open()
        (driver / "bind").write_text(device.name)
        # udev is behind: the link of the last time stands for a moment, is taken away, and comes again.
        subprocess.run(["udevadm", "settle"], check=True, timeout=60)
        frames(source, source.open(), 2)
        source.close()
        assert noticed < 2 * AT_ONCE  # the driver itself takes its time to go
    assert (descriptors(), mappings()) == before
