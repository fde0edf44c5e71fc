"""An open device tells what it is and what it offers."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from edged.camera.v4l2.device import Device, Mode
from edged.camera.v4l2.kernel import LINUX
from tests.camera.v4l2.fake_kernel import FakeCamera, FakeKernel


def test_formats_are_listed_with_sizes_and_rates(kernel: FakeKernel) -> None:
    camera = kernel.plug(FakeCamera(offers={"MJPG": {(640, 480): (30.0, 7.5), (1280, 720): ()}, "H264": {}}))
    with Device(kernel, camera.node) as device:
        assert device.formats() == ("MJPG", "H264")
        assert device.modes("MJPG") == (Mode(640, 480, (30.0, 7.5)), Mode(1280, 720))
        assert device.modes("H264") == ()


def test_ranges_of_sizes_and_rates_are_listed_by_their_ends(kernel: FakeKernel) -> None:
    camera = kernel.plug(FakeCamera(any_size=True, offers={"YUYV": {(1920, 1080): (60.0, 1.0)}}))
    with Device(kernel, camera.node) as device:
        modes = device.modes("YUYV")
    assert modes == (Mode(1920, 1080, (60.0, 1.0), any_rate=True, smallest=(16, 16)),)


def test_a_driver_that_never_ends_its_list_is_not_listened_to_for_ever(kernel: FakeKernel) -> None:
    rates = tuple(float(rate) for rate in range(1, 2000))
    camera = kernel.plug(FakeCamera(offers={"YUYV": {(640, 480): rates}}))
    with Device(kernel, camera.node) as device:
        assert len(device.modes("YUYV")[0].rates) == 512


@pytest.mark.parametrize(("asked", "given"), [(30.0, 30.0), (29.97, 30.0), (14.0, 15.0), (0.0001, 15.0), (1e6, 30.0)])
def test_a_rate_is_asked_for_as_a_fraction(kernel: FakeKernel, asked: float, given: float) -> None:
    camera = kernel.plug(FakeCamera())
    with Device(kernel, camera.node) as device:
        device.set_picture(640, 480, "YUYV")
        assert device.set_rate(asked) == given


def test_a_failing_request_is_named(kernel: FakeKernel) -> None:
    camera = kernel.plug(FakeCamera(refusals={"S_FMT": [errno.EIO]}))
    with Device(kernel, camera.node) as device, pytest.raises(OSError, match="VIDIOC_S_FMT: Input/output error"):
        device.set_picture(640, 480, "YUYV")


def test_the_real_kernel_refuses_a_device_that_is_not_a_camera() -> None:
    with Device(LINUX, Path("/dev/null")) as device, pytest.raises(OSError, match="VIDIOC_QUERYCAP") as caught:
        device.identity()
    assert caught.value.errno == errno.ENOTTY
