"""A USB camera, on a fake of the kernel's V4L2 calls that plays every failure that real ones were seen to have."""

from __future__ import annotations

import errno
import itertools
import logging
import os
import select
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edged.camera.usb import UsbCamera
from edged.camera.v4l2 import abi
from edged.camera.v4l2.frames import FrameWriter
from edged.camera.v4l2.stream import FilledBuffer, Stream
from edged.errors import DamagedFrame, SourceError
from edged.values import Format, PixelFormat
from tests.camera.v4l2.fake_kernel import FakeCamera, FakeKernel
from tests.fakes import eventually
from tests.stopwatch import stopwatch

AT_ONCE = 2.0  # seconds; what is at once takes milliseconds, but a busy machine may be slow
LONG = 60.0  # a wait that must be cut short


@pytest.fixture
def kernel(tmp_path: Path) -> FakeKernel:
    """A machine without cameras."""
    return FakeKernel(tmp_path)


@pytest.fixture(autouse=True)
def _nothing_is_left_open() -> Iterator[None]:
    before = descriptors()
    yield
    assert descriptors() == before


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def opened(kernel: FakeKernel, camera: FakeCamera, **wishes: object) -> tuple[UsbCamera, Format]:
    """*camera* plugged in, and open."""
    kernel.plug(camera)
    source = UsbCamera(camera.link, kernel=kernel, **wishes)  # type: ignore[arg-type]  # each test knows its wishes
    return source, source.open()


def scene(width: int = 640, height: int = 480, seed: int = 1) -> NDArray[np.uint8]:
    """A picture with structure at every size."""
    noise = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def jpeg(picture: NDArray[np.uint8], quality: int = 90) -> bytes:
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def slot_for(frame_format: Format) -> NDArray[np.uint8]:
    return np.zeros(frame_format.shape, np.uint8)


class Woken:
    """Calls *source.grab* in a thread and tells how it ended."""

    def __init__(self, source: UsbCamera, timeout: float = LONG) -> None:
        self.result: object = "waiting"
        self.seconds = 0.0
        self._thread = threading.Thread(target=self._grab, args=(source, timeout))
        self._thread.start()

    def _grab(self, source: UsbCamera, timeout: float) -> None:
        with stopwatch() as watch:
            try:
                self.result = source.grab(timeout)
            except SourceError as error:
                self.result = str(error)
        self.seconds = watch.seconds

    def join(self) -> object:
        self._thread.join(20.0)
        assert not self._thread.is_alive(), "grab did not return"
        return self.result


# Frames.


def test_a_jpeg_camera_delivers_bgr_frames(kernel: FakeKernel) -> None:
    camera = FakeCamera()
    source, frame_format = opened(kernel, camera, width=1280, height=720)
    assert frame_format == Format(1280, 720, PixelFormat.BGR, 30.0)
    camera.deliver(jpeg(scene(1280, 720)))
    assert source.grab(AT_ONCE) is not None
    slot = slot_for(frame_format)
    source.retrieve(slot)
    assert np.abs(slot.astype(int) - scene(1280, 720)).mean() < 4
    source.close()


@pytest.mark.parametrize("padding", [0, 48])
@pytest.mark.parametrize(
    ("name", "pixels", "shape"),
    [
        ("YUYV", PixelFormat.YUYV, (480, 640, 2)),
        ("NV12", PixelFormat.NV12, (720, 640)),
        ("NV21", PixelFormat.NV21, (720, 640)),
        ("GREY", PixelFormat.GRAY, (480, 640)),
        ("RGB3", PixelFormat.RGB, (480, 640, 3)),
        ("BGR3", PixelFormat.BGR, (480, 640, 3)),
        ("AR24", PixelFormat.BGRA, (480, 640, 4)),
    ],
)
def test_uncompressed_frames_are_copied_as_they_are_without_the_padding_of_their_rows(
    kernel: FakeKernel, name: str, pixels: PixelFormat, shape: tuple[int, ...], padding: int
) -> None:
    camera = FakeCamera(offers={name: {(640, 480): (30.0,)}}, padding=padding)
    source, frame_format = opened(kernel, camera)
    assert (frame_format.pixels, frame_format.shape) == (pixels, shape)
    truth = np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)
    rows = truth.reshape(shape[0], -1)
    camera.deliver(np.pad(rows, ((0, 0), (0, padding)), constant_values=77).tobytes())
    assert source.grab(AT_ONCE) is not None
    slot = slot_for(frame_format)
    source.retrieve(slot)
    np.testing.assert_array_equal(slot, truth)
    source.close()


@pytest.mark.parametrize(("name", "pixels"), [("YU12", PixelFormat.I420), ("YV12", PixelFormat.YV12)])
def test_planes_of_their_own_are_gathered_with_the_half_padding_of_their_colours(
    kernel: FakeKernel, name: str, pixels: PixelFormat
) -> None:
    camera = FakeCamera(offers={name: {(640, 480): (30.0,)}}, padding=32)
    source, frame_format = opened(kernel, camera)
    assert frame_format.pixels is pixels
    generator = np.random.default_rng(3)
    luma = generator.integers(0, 256, (480, 640), dtype=np.uint8)
    chroma = generator.integers(0, 256, (480, 320), dtype=np.uint8)
    padded = [np.pad(plane, ((0, 0), (0, by))).tobytes() for plane, by in ((luma, 32), (chroma, 16))]
    camera.deliver(b"".join(padded))
    assert source.grab(AT_ONCE) is not None
    slot = slot_for(frame_format)
    source.retrieve(slot)
    np.testing.assert_array_equal(slot[:480], luma)
    np.testing.assert_array_equal(slot[480:].reshape(480, 320), chroma)
    source.close()


def test_a_jpeg_is_decoded_at_the_fraction_that_is_asked_for_at_each_open(kernel: FakeKernel) -> None:
    asked: list[tuple[int, int]] = []

    def reduce(width: int, height: int) -> int:
        asked.append((width, height))
        return 4

    camera = FakeCamera(offers={"MJPG": {(641, 479): (30.0,)}})
    source, frame_format = opened(kernel, camera, reduce=reduce)
    assert asked == [(641, 479)]
    assert (frame_format.width, frame_format.height) == (161, 120)
    camera.deliver(jpeg(scene(641, 479)))
    assert source.grab(AT_ONCE) is not None
    slot = slot_for(frame_format)
    source.retrieve(slot)
    assert np.abs(slot.astype(int) - scene(161, 120)).mean() < 12
    source.close()


def test_a_fraction_is_not_asked_for_where_nothing_is_decoded(kernel: FakeKernel) -> None:
    def reduce(width: int, height: int) -> int:
        raise AssertionError("asked")

    source, frame_format = opened(kernel, FakeCamera(), pixels="yuyv", reduce=reduce)
    assert frame_format.shape == (480, 640, 2)
    source.close()


def test_only_the_newest_frame_is_taken_and_no_buffer_is_lost(kernel: FakeKernel) -> None:
    camera = FakeCamera()
    source, frame_format = opened(kernel, camera, pixels="yuyv")
    slot = slot_for(frame_format)
    for turn in range(40):
        for age in (0.3, 0.2, 0.1):
            camera.deliver(bytes([int(age * 100)]) * camera.length, age=age)
        assert source.grab(AT_ONCE) is not None
        if turn % 2:  # every other frame is dropped by whoever asked
            source.retrieve(slot)
            assert (slot == 10).all()
    assert source.skipped == 80
    assert camera.lost == 0
    assert kernel.requests.count("VIDIOC_QBUF") == 4 + 120  # each buffer once
    source.close()


def test_a_driver_that_runs_out_of_buffers_goes_on_as_soon_as_one_is_free(kernel: FakeKernel) -> None:
    camera = FakeCamera()
    source, frame_format = opened(kernel, camera, pixels="yuyv")
    for number in range(9):
        camera.deliver(bytes([number]) * camera.length)
    assert camera.lost == 5
    assert source.grab(AT_ONCE) is not None
    camera.deliver(bytes([99]) * camera.length)
    assert source.grab(AT_ONCE) is not None
    slot = slot_for(frame_format)
    source.retrieve(slot)
    assert (slot == 99).all()
    source.close()


def test_most_frames_missing_is_not_a_failure(kernel: FakeKernel) -> None:
    camera = FakeCamera()
    source, _ = opened(kernel, camera, pixels="yuyv")
    delivered = 0
    for number in range(50):
        if number % 5 == 0:
            camera.deliver(bytes(camera.length))
        delivered += source.grab(0.0) is not None
    assert delivered == 10
    source.close()


# Time.


def test_the_capture_time_is_the_drivers(kernel: FakeKernel) -> None:
    camera = FakeCamera()
    source, _ = opened(kernel, camera, pixels="yuyv")
    captured = time.monotonic_ns() // 1000 * 1000 - 50_000_000  # the kernel tells microseconds
    camera.deliver(bytes(camera.length), time_ns=captured)
    stamp = source.grab(AT_ONCE)
    assert stamp is not None
    assert (stamp.t_cap_ns, stamp.source) == (captured, "driver")
    source.close()


@pytest.mark.parametrize(
    ("time_ns", "flags"),
    [
        pytest.param(0, abi.BUF_FLAG_TIMESTAMP_MONOTONIC, id="unset"),
        pytest.param(time.time_ns(), abi.BUF_FLAG_TIMESTAMP_MONOTONIC, id="time of day"),
        pytest.param(None, 0, id="unknown clock"),
        pytest.param(None, 0x4000, id="copied from elsewhere"),
    ],
)
def test_a_time_that_cannot_be_true_gives_way_to_the_arrival(
    kernel: FakeKernel, time_ns: int | None, flags: int
) -> None:
    camera = FakeCamera()
    source, _ = opened(kernel, camera, pixels="yuyv")
    before = time.monotonic_ns()
    camera.deliver(bytes(camera.length), time_ns=time_ns, flags=flags)
    stamp = source.grab(AT_ONCE)
    assert stamp is not None
    assert stamp.source == "arrival"
    assert before <= stamp.t_cap_ns <= time.monotonic_ns()
    source.close()


def test_times_never_go_back_though_the_drivers_do(kernel: FakeKernel) -> None:
    camera = FakeCamera()
    source, _ = opened(kernel, camera, pixels="yuyv")
    stamps = []
    for age in (0.4, 0.2, 0.3, 0.2, 0.0):
        camera.deliver(bytes(camera.length), age=age)
        stamps.append(source.grab(AT_ONCE))
    times = [stamp.t_cap_ns for stamp in stamps if stamp]
    assert times == sorted(set(times))
    assert [stamp.source for stamp in stamps if stamp] == ["driver", "driver", "arrival", "arrival", "driver"]
    source.close()


# Waiting.


def test_a_camera_that_delivers_nothing_costs_the_timeout_and_no_more(kernel: FakeKernel) -> None:
    source, _ = opened(kernel, FakeCamera())
    with stopwatch() as watch:
        assert source.grab(0.05) is None
    assert watch.elapsed >= 0.05
    assert watch.seconds < AT_ONCE
    source.close()


def test_a_driver_that_always_reports_a_frame_costs_the_timeout_and_no_more(
    kernel: FakeKernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _ = opened(kernel, FakeCamera())
    monkeypatch.setattr(kernel, "poll", lambda fds, _: {fds[0]: select.POLLIN})
    assert Woken(source, timeout=0.05).join() is None
    source.close()


@pytest.mark.parametrize("trouble", [select.POLLERR, select.POLLHUP, select.POLLIN | select.POLLERR])
def test_a_driver_that_reports_an_error_and_has_no_frame_is_a_loss_at_once(
    kernel: FakeKernel, monkeypatch: pytest.MonkeyPatch, trouble: int
) -> None:
    source, _ = opened(kernel, FakeCamera())
    monkeypatch.setattr(kernel, "poll", lambda fds, _: {fds[0]: trouble})
    with pytest.raises(SourceError, match="the driver reports an error and delivers no more"):
        source.grab(LONG)
    source.close()


def test_a_wait_is_ended_from_another_thread(kernel: FakeKernel) -> None:
    source, _ = opened(kernel, FakeCamera())
    waiting = Woken(source)
    source.wake()
    assert waiting.join() is None
    assert waiting.seconds < AT_ONCE
    assert source.grab(0.0) is None
    source.close()


def test_waking_is_harmless_before_and_after(kernel: FakeKernel) -> None:
    camera = kernel.plug(FakeCamera())
    source = UsbCamera(camera.link, kernel=kernel)
    source.wake()
    source.open()
    source.wake()
    assert source.grab(LONG) is None  # remembered by the next wait, once
    camera.deliver(jpeg(scene()))
    assert source.grab(AT_ONCE) is not None
    source.close()
    source.wake()


def test_signals_interrupt_nothing(kernel: FakeKernel) -> None:
    camera = kernel.plug(FakeCamera())
    source = UsbCamera(camera.link, kernel=kernel)
    kernel.interruptions = 3
    source.open()
    camera.deliver(jpeg(scene()))
    kernel.interruptions = 3
    assert source.grab(AT_ONCE) is not None
    source.close()


# Damage.


def test_damaged_frames_are_reported_with_their_count_and_the_good_one_beside_them_follows(kernel: FakeKernel) -> None:
    camera = FakeCamera()
    source, frame_format = opened(kernel, camera, pixels="yuyv")
    camera.deliver(bytes([5]) * camera.length)
    camera.deliver(bytes(camera.length), flags=abi.BUF_FLAG_TIMESTAMP_MONOTONIC | abi.BUF_FLAG_ERROR)
    camera.deliver(bytes(camera.length - 640))
    camera.deliver(b"")
    with pytest.raises(DamagedFrame, match="frames of 0 bytes come, and whole ones have 614400") as damage:
        source.grab(AT_ONCE)
    assert damage.value.count == 3
    assert source.grab(0.0) is not None
    slot = slot_for(frame_format)
    source.retrieve(slot)
    assert (slot == 5).all()
    assert source.grab(0.0) is None
    source.close()


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (abi.BUF_FLAG_TIMESTAMP_MONOTONIC | abi.BUF_FLAG_ERROR, "the driver marks frames as damaged"),
        (abi.BUF_FLAG_TIMESTAMP_MONOTONIC, "frames of 0 bytes come, and whole ones have 4"),
    ],
)
def test_damaged_frames_alone_are_reported_and_every_buffer_goes_back(
    kernel: FakeKernel, flags: int, reason: str
) -> None:
    camera = FakeCamera()
    source, _ = opened(kernel, camera)
    for _ in range(8):
        camera.deliver(b"", flags=flags)
        with pytest.raises(DamagedFrame, match=reason):
            source.grab(0.0)
        assert source.grab(0.0) is None
    assert camera.lost == 0
    source.close()


def test_a_damaged_jpeg_is_not_a_frame_and_the_camera_goes_on(
    kernel: FakeKernel, capfd: pytest.CaptureFixture[str]
) -> None:
    camera = FakeCamera()
    source, frame_format = opened(kernel, camera)
    whole = jpeg(scene())
    slot = slot_for(frame_format)
    for damaged in (whole[: len(whole) * 2 // 3], b"\0" * 64, whole[:400] + b"\0" * 200):
        camera.deliver(damaged)
        assert source.grab(AT_ONCE) is not None
        with pytest.raises(DamagedFrame, match="video-index0: a damaged JPEG: "):
            source.retrieve(slot)
    assert not slot.any()
    camera.deliver(whole)
    assert source.grab(AT_ONCE) is not None
    source.retrieve(slot)
    assert slot.any()
    source.close()
    assert capfd.readouterr().err == ""


def test_a_jpeg_of_another_size_is_damaged(kernel: FakeKernel) -> None:
    camera = FakeCamera()
    source, frame_format = opened(kernel, camera)
    camera.deliver(jpeg(scene(320, 240)))
    assert source.grab(AT_ONCE) is not None
    with pytest.raises(DamagedFrame, match="a damaged JPEG: it has 320×240 pixels instead of 640×480"):
        source.retrieve(slot_for(frame_format))
    source.close()


def test_a_camera_can_be_closed_while_its_damaged_frame_is_still_talked_about(kernel: FakeKernel) -> None:
    camera = FakeCamera()
    source, frame_format = opened(kernel, camera)
    camera.deliver(jpeg(scene())[:5000])
    assert source.grab(AT_ONCE) is not None
    try:
        source.retrieve(slot_for(frame_format))
    except DamagedFrame:
        source.close()  # the traceback still holds everything that retrieve looked at
    assert not any(o.holds_node for o in kernel.forgotten)


# Loss.


def test_a_pulled_cable_is_reported_at_once(kernel: FakeKernel) -> None:
    camera = FakeCamera()
    source, _ = opened(kernel, camera)
    waiting = Woken(source)
    kernel.unplug(camera)
    assert "it has gone: it was unplugged" in str(waiting.join())
    assert waiting.seconds < AT_ONCE
    source.close()


def test_a_camera_that_comes_back_under_another_number_is_found_by_its_link(kernel: FakeKernel) -> None:
    camera = FakeCamera()
    source, frame_format = opened(kernel, camera)
    first = camera.node
    kernel.replug(camera)
    assert camera.node != first
    with pytest.raises(SourceError, match="it has gone"):
        source.grab(LONG)
    assert source.open() == frame_format
    camera.deliver(jpeg(scene()))
    assert source.grab(AT_ONCE) is not None
    source.close()


def test_a_lost_camera_that_was_closed_gets_its_number_back(kernel: FakeKernel) -> None:
    camera = FakeCamera()
    source, _ = opened(kernel, camera)
    first = camera.node
    kernel.unplug(camera)
    with pytest.raises(SourceError):
        source.grab(LONG)
    source.close()
    kernel.plug(camera)
    assert camera.node == first
    source.open()
    source.close()


def test_a_camera_called_by_name_is_found_wherever_it_is_plugged_in(kernel: FakeKernel) -> None:
    kernel.plug(FakeCamera("Other", serial="SN9"))
    camera = kernel.plug(FakeCamera("HD Pro Webcam C920", bus="usb-0000:00:14.0-2"))
    source = UsbCamera("c920", kernel=kernel)
    source.open()
    camera.deliver(jpeg(scene()))
    assert source.grab(AT_ONCE) is not None
    kernel.unplug(camera)
    kernel.plug(FakeCamera("Third", serial="SN8", bus="usb-0000:00:14.0-4"))
    camera.bus = "usb-0000:00:14.0-3"
    kernel.plug(camera)
    source.open()
    camera.deliver(jpeg(scene()))
    assert source.grab(AT_ONCE) is not None
    source.close()


def test_a_driver_that_breaks_down_is_reported_at_once_and_works_after_opening_again(kernel: FakeKernel) -> None:
    camera = FakeCamera()
    source, _ = opened(kernel, camera)
    waiting = Woken(source)
    camera.die()
    assert "VIDIOC_DQBUF: Input/output error" in str(waiting.join())
    source.open()
    camera.deliver(jpeg(scene()))
    assert source.grab(AT_ONCE) is not None
    source.close()


def test_a_buffer_that_is_refused_once_is_offered_again(kernel: FakeKernel) -> None:
    camera = FakeCamera()
    source, _ = opened(kernel, camera, pixels="yuyv")
    for _ in range(20):
        camera.refusals["QBUF"] = [errno.EINVAL]
        camera.deliver(bytes(camera.length))
        assert source.grab(AT_ONCE) is not None
    assert camera.lost == 0
    source.close()


# Opening.


@pytest.mark.parametrize("code", [errno.EIO, errno.ENODEV, errno.ENOMEM])
@pytest.mark.parametrize(
    "request_name",
    ["open", "QUERYCAP", "ENUM_FMT", "S_FMT", "G_FMT", "S_PARM", "G_PARM", "REQBUFS", "QUERYBUF", "mmap", "STREAMON"],
)
def test_an_open_that_fails_half_way_leaves_nothing_open(kernel: FakeKernel, request_name: str, code: int) -> None:
    camera = kernel.plug(FakeCamera())
    source = UsbCamera(camera.link, kernel=kernel, fps=30.0)
    before = descriptors()
    camera.refusals[request_name] = [code]
    with pytest.raises(SourceError, match=r"by-id.*: "):
        source.open()
    assert descriptors() == before
    assert not any(o.holds_node for o in kernel.forgotten)
    assert source.open().fps == 30.0
    source.close()


def test_a_camera_whose_every_buffer_is_refused_does_not_open(kernel: FakeKernel) -> None:
    camera = kernel.plug(FakeCamera())
    camera.refusals["QBUF"] = [errno.EINVAL] * 4
    source = UsbCamera(camera.link, kernel=kernel)
    with pytest.raises(SourceError, match="VIDIOC_QBUF: Invalid argument"):
        source.open()


def test_no_bandwidth_on_the_bus_is_reported_with_the_cure(kernel: FakeKernel) -> None:
    camera = kernel.plug(FakeCamera())
    camera.refusals["STREAMON"] = [errno.ENOSPC]
    with pytest.raises(SourceError, match="the USB bus has no bandwidth left for it: ask for fewer or smaller"):
        UsbCamera(camera.link, kernel=kernel).open()


def test_two_hundred_rounds_of_losing_a_camera_leak_nothing(kernel: FakeKernel) -> None:
    camera = FakeCamera()
    source, frame_format = opened(kernel, camera)
    slot, picture = slot_for(frame_format), jpeg(scene())
    descriptors_before, mappings_before = descriptors(), mappings()
    for turn in range(200):
        camera.deliver(picture if turn % 3 else picture[:3000])
        assert source.grab(AT_ONCE) is not None
        try:
            source.retrieve(slot)
        except DamagedFrame:
            assert turn % 3 == 0
        kernel.unplug(camera)
        with pytest.raises(SourceError):
            source.grab(LONG)
        if turn % 2:
            source.close()
        kernel.plug(camera)
        source.open()
    assert descriptors() == descriptors_before
    assert mappings() <= mappings_before + 4
    source.close()
    assert sum(o.holds_node for o in kernel.forgotten) == 0


def mappings() -> int:
    """How many pieces of memory are mapped into this process."""
    return len(Path("/proc/self/maps").read_text().splitlines())


def test_closing_is_harmless_twice_and_before_opening(kernel: FakeKernel) -> None:
    source = UsbCamera("nothing", kernel=kernel)
    source.close()
    camera = kernel.plug(FakeCamera())
    source = UsbCamera(camera.link, kernel=kernel)
    source.open()
    source.close()
    source.close()


def test_a_missing_device_is_reported(kernel: FakeKernel) -> None:
    source = UsbCamera("/dev/v4l/by-id/usb-none", kernel=kernel)
    with pytest.raises(SourceError, match=r"^/dev/v4l/by-id/usb-none: there is no such device; is the camera plugged"):
        source.open()


def test_no_permission_names_the_group_and_the_command(kernel: FakeKernel) -> None:
    camera = kernel.plug(FakeCamera())
    kernel.forbidden.add(camera.node)
    with pytest.raises(SourceError, match=r"no permission.* group 'video': run 'sudo usermod -aG video \$USER'"):
        UsbCamera(camera.link, kernel=kernel).open()


def test_a_camera_in_use_names_the_process_that_holds_it(kernel: FakeKernel) -> None:
    camera = kernel.plug(FakeCamera())
    kernel.occupy(camera, 4711, "cheese")
    with pytest.raises(SourceError, match=r"\(/dev/video0\): busy: cheese \(pid 4711\) has it open"):
        UsbCamera(camera.link, kernel=kernel).open()


def test_a_camera_in_use_by_an_unknown_process_is_reported(kernel: FakeKernel) -> None:
    camera = kernel.plug(FakeCamera())
    camera.user = "somebody else's program"
    with pytest.raises(SourceError, match="busy: another process, which only root may see, has it open"):
        UsbCamera(camera.node, kernel=kernel).open()


def test_a_camera_in_use_by_edged_itself(kernel: FakeKernel) -> None:
    camera = kernel.plug(FakeCamera())
    kernel.occupy(camera, os.getpid(), "python")
    with pytest.raises(SourceError, match="busy: edged itself, for another camera, has it open"):
        UsbCamera(camera.node, kernel=kernel).open()


def test_a_camera_streams_to_one_reader_only(kernel: FakeKernel) -> None:
    camera = FakeCamera()
    first, _ = opened(kernel, camera)
    with pytest.raises(SourceError, match="busy"):
        UsbCamera(camera.link, kernel=kernel).open()
    camera.deliver(jpeg(scene()))
    assert first.grab(AT_ONCE) is not None
    first.close()


def test_a_metadata_node_is_refused_with_the_name_of_the_right_one(kernel: FakeKernel) -> None:
    kernel.plug(FakeCamera("Other", serial="SN9"))
    camera = kernel.plug(FakeCamera(bus="usb-0000:00:14.0-2"))
    assert camera.numbers == (2, 3)
    with pytest.raises(
        SourceError,
        match=r"^/dev/video3: it delivers metadata, not pictures; "
        r"the pictures of Test Camera are at /dev/v4l/by-id/usb-Test_Camera_SN1-video-index0$",
    ):
        UsbCamera("/dev/video3", kernel=kernel).open()


def test_a_device_that_is_not_a_camera_is_refused(kernel: FakeKernel) -> None:
    output = kernel.plug(FakeCamera(capabilities=0x2 | abi.CAP_STREAMING, metadata=False))
    with pytest.raises(SourceError, match=r"^/dev/video0: it delivers no pictures$"):
        UsbCamera(output.node, kernel=kernel).open()
    planes = kernel.plug(FakeCamera(capabilities=abi.CAP_VIDEO_CAPTURE_MPLANE, metadata=False, serial="SN2"))
    with pytest.raises(SourceError, match="keeps its pictures in several planes"):
        UsbCamera(planes.node, kernel=kernel).open()
    reading = kernel.plug(FakeCamera(capabilities=abi.CAP_VIDEO_CAPTURE, metadata=False, serial="SN3"))
    with pytest.raises(SourceError, match="cannot stream"):
        UsbCamera(reading.node, kernel=kernel).open()
    sensor = kernel.plug(FakeCamera("unicam", driver="unicam", metadata=False, serial=None))
    with pytest.raises(SourceError, match="use picamera:0"):
        UsbCamera(sensor.node, kernel=kernel).open()


def test_a_file_that_is_not_a_device_is_refused() -> None:
    with pytest.raises(SourceError, match=r"^/dev/null: not a V4L2 camera$"):
        UsbCamera("/dev/null").open()
    with pytest.raises(SourceError, match=r"^/dev: a folder; name one of the devices in it$"):
        UsbCamera("/dev").open()


def test_a_name_that_no_camera_has_lists_those_that_are_there(kernel: FakeKernel) -> None:
    with pytest.raises(SourceError, match=r"^C920: no camera is called so; there is no camera at all$"):
        UsbCamera("C920", kernel=kernel).open()
    kernel.plug(FakeCamera())
    with pytest.raises(SourceError, match=r"^C920: no camera is called so; there is Test Camera$"):
        UsbCamera("C920", kernel=kernel).open()


def test_a_name_that_two_cameras_have_lists_both(kernel: FakeKernel) -> None:
    kernel.plug(FakeCamera("C920", serial="A1"))
    kernel.plug(FakeCamera("C920", serial="B2", bus="usb-0000:00:14.0-2"))
    with pytest.raises(
        SourceError,
        match=r"^C920: 2 cameras are called so; name one of "
        r"/dev/v4l/by-id/usb-C920_A1-video-index0, /dev/v4l/by-id/usb-C920_B2-video-index0$",
    ):
        UsbCamera("C920", kernel=kernel).open()


def test_a_whole_name_wins_over_part_of_one(kernel: FakeKernel) -> None:
    kernel.plug(FakeCamera("C920 PRO", serial="A1"))
    camera = kernel.plug(FakeCamera("C920", serial="B2", bus="usb-0000:00:14.0-2"))
    source = UsbCamera("c920", kernel=kernel)
    source.open()
    assert camera.user is not None
    source.close()


# What is asked for, and what is given.


def test_a_size_that_the_driver_adjusts_is_logged_once_and_the_format_has_it(
    kernel: FakeKernel, caplog: pytest.LogCaptureFixture
) -> None:
    camera = FakeCamera(adjust=lambda width, height, name: (320, 240, name))
    source, frame_format = opened(kernel, camera, width=1280, height=720)
    assert (frame_format.width, frame_format.height) == (320, 240)
    source.open()
    said = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.getMessage() for record in said] == [f"{camera.link}: asked for 1280×720, the camera gives 320×240"]
    camera.adjust = lambda width, height, name: (width, height, name)
    source.open()
    camera.adjust = lambda width, height, name: (320, 240, name)
    source.open()
    assert len(caplog.records) == 2
    source.close()


def test_a_rate_that_is_ignored_is_logged(kernel: FakeKernel, caplog: pytest.LogCaptureFixture) -> None:
    source, frame_format = opened(kernel, FakeCamera(deaf_to_rates=True), fps=15.0)
    assert frame_format.fps == 30.0
    assert "asked for 15 frames/s, the camera gives 30 frames/s" in caplog.text
    source.close()


def test_a_rate_that_is_given_is_not_talked_about(kernel: FakeKernel, caplog: pytest.LogCaptureFixture) -> None:
    source, frame_format = opened(kernel, FakeCamera(), fps=15.0)
    assert frame_format.fps == 15.0
    assert not caplog.records
    source.close()


def test_a_camera_that_knows_no_rates_still_delivers(kernel: FakeKernel, caplog: pytest.LogCaptureFixture) -> None:
    camera = FakeCamera(refusals={"S_PARM": [errno.ENOTTY], "G_PARM": [errno.ENOTTY]})
    source, frame_format = opened(kernel, camera, fps=10.0)
    assert frame_format.fps is None
    assert "asked for 10 frames/s, the camera gives a rate that it does not report" in caplog.text
    source.close()


def test_another_pixel_format_than_requested_is_logged_and_used(
    kernel: FakeKernel, caplog: pytest.LogCaptureFixture
) -> None:
    camera = FakeCamera(adjust=lambda width, height, _: (width, height, "YUYV"))
    source, frame_format = opened(kernel, camera, pixels="mjpg")
    assert frame_format.pixels is PixelFormat.YUYV
    assert "asked for mjpg, the camera gives YUYV" in caplog.text
    source.close()


def test_a_pixel_format_that_does_not_work_here_is_refused(kernel: FakeKernel) -> None:
    camera = kernel.plug(FakeCamera(offers={"RGGB": {(640, 480): ()}, "H264": {(640, 480): ()}}))
    with pytest.raises(SourceError, match="it offers RGGB, H264, none of which works here; these do: MJPG, JPEG, NV12"):
        UsbCamera(camera.link, kernel=kernel).open()
    camera = kernel.plug(FakeCamera(serial="SN2", adjust=lambda width, height, _: (width, height, "Y16")))
    with pytest.raises(SourceError, match="it was asked for MJPG and gives Y16, which does not work here"):
        UsbCamera(camera.link, kernel=kernel).open()


def test_a_pixel_format_that_is_not_offered_is_refused_with_those_that_are(kernel: FakeKernel) -> None:
    camera = kernel.plug(FakeCamera())
    with pytest.raises(SourceError, match="it does not offer nv12; it offers MJPG, YUYV"):
        UsbCamera(camera.link, kernel=kernel, pixels="nv12").open()


def test_sizes_are_listed_only_where_there_is_a_choice(kernel: FakeKernel) -> None:
    camera = FakeCamera(offers={name: {(640, 480): (30.0,)} for name in ("RGB3", "NV12", "GREY", "H264")})
    source, frame_format = opened(kernel, camera)
    assert frame_format.pixels is PixelFormat.NV12
    assert "VIDIOC_ENUM_FRAMESIZES" not in kernel.requests
    source.close()


def test_a_driver_whose_buffers_cannot_hold_a_frame_is_refused(kernel: FakeKernel) -> None:
    camera = kernel.plug(FakeCamera(padding=-100))
    with pytest.raises(SourceError, match="cannot hold 640×480 pixels in YUYV"):
        UsbCamera(camera.link, kernel=kernel, pixels="yuyv").open()


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"width": 640}, "width and height go together"),
        ({"width": 0, "height": 480}, "at least 1"),
        ({"fps": 0.0}, "fps must be greater than 0"),
        ({"fps": float("nan")}, "fps must be greater than 0"),
        ({"pixels": "h264"}, "pixels must be one of mjpg, nv12"),
    ],
)
def test_a_request_that_no_camera_can_meet_is_refused_at_once(wish: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        UsbCamera("x", **wish)  # type: ignore[arg-type]  # wrong on purpose


def test_a_grab_that_waits_sees_the_frame_that_comes(kernel: FakeKernel) -> None:
    camera = FakeCamera()
    source, _ = opened(kernel, camera)
    waiting = Woken(source)
    camera.deliver(jpeg(scene()))
    waiting.join()
    eventually(lambda: not isinstance(waiting.result, str), "a stamp")
    source.close()


def test_a_driver_that_fills_buffers_as_fast_as_they_come_back_does_not_keep_a_grab_for_ever() -> None:
    taken = itertools.count()

    class Endless:
        def take(self) -> FilledBuffer:
            assert next(taken) < 100, "it never ends"
            return FilledBuffer(index=0, used=1000, flags=0, time_ns=0)

        def give_back(self, _: FilledBuffer) -> None:
            pass

    camera = UsbCamera("/dev/video0")
    camera._stream, camera._writer = cast("Stream", Endless()), cast("FrameWriter", SimpleNamespace(least=1))
    camera._take_newest()
    assert camera._in_hand is not None
