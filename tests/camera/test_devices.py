"""The list of cameras is complete, also where they may not be opened."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from edged.camera.devices import PresentFormat, libcamera_cameras, list_cameras, v4l2_cameras
from edged.camera.pi.survey import Offer, Surveyed
from edged.camera.v4l2.device import Mode
from edged.errors import SourceError
from tests.camera.v4l2.fake_kernel import FakeCamera, FakeKernel


@pytest.fixture
def kernel(tmp_path: Path) -> FakeKernel:
    """A machine without cameras."""
    return FakeKernel(tmp_path)


def test_a_machine_without_cameras_has_an_empty_list(kernel: FakeKernel) -> None:
    assert v4l2_cameras(kernel) == []


def test_the_list_of_this_machine_can_be_had() -> None:
    assert all(camera.source for camera in list_cameras())


def test_a_camera_is_listed_once_with_its_formats_and_its_user(kernel: FakeKernel) -> None:
    camera = kernel.plug(FakeCamera(offers={"MJPG": {(640, 480): (30.0,)}, "H264": {(1920, 1080): (30.0,)}}))
    kernel.occupy(camera, 4711, "cheese")
    (listed,) = v4l2_cameras(kernel)
    assert listed.source == f"usb:{camera.link}"
    assert (listed.card, listed.node, listed.driver, listed.bus) == (
        "Test Camera",
        "/dev/video0",
        "uvcvideo",
        "usb-0000:00:14.0-1",
    )
    assert [(f.name, f.works, f.modes) for f in listed.formats] == [
        ("MJPG", True, (Mode(640, 480, (30.0,)),)),
        ("H264", False, (Mode(1920, 1080, (30.0,)),)),
    ]
    assert [str(holder) for holder in listed.holders] == ["cheese (pid 4711)"]
    assert listed.present == PresentFormat("YUYV", 640, 480, 30.0, None)
    assert listed.problem is None
    assert not any(opened.holds_node for opened in [*kernel.opened.values(), *kernel.forgotten])


def test_a_camera_that_may_not_be_opened_is_listed_with_the_cure(kernel: FakeKernel) -> None:
    camera = kernel.plug(FakeCamera())
    kernel.forbidden |= {Path("/dev/video0"), Path("/dev/video1")}
    (listed,) = v4l2_cameras(kernel)
    assert (listed.source, listed.card, listed.driver) == (f"usb:{camera.link}", "Test Camera", "uvcvideo")
    assert listed.formats == ()
    assert listed.problem == "no permission: run 'sudo usermod -aG video $USER' and log in again"


def test_a_camera_that_does_not_answer_is_listed(kernel: FakeKernel) -> None:
    kernel.plug(FakeCamera(refusals={"ENUM_FMT": [errno.EIO]}))
    (listed,) = v4l2_cameras(kernel)
    assert listed.problem == "cannot be asked: VIDIOC_ENUM_FMT: Input/output error"


FRONT = Surveyed("/base/i2c@1/imx708@1a", "imx708", (Offer("SRGGB10", 2304, 1296, 56.0), Offer("SRGGB10", 10, 20)))


def unanswered() -> list[Surveyed]:
    raise SourceError("picamera2 cannot be imported; apt can install it")


def test_a_camera_behind_libcamera_is_listed_by_its_model(kernel: FakeKernel) -> None:
    (listed,) = libcamera_cameras(kernel, lambda: True, lambda: [FRONT])
    assert (listed.source, listed.card, listed.bus) == ("picamera:imx708", "imx708", "/base/i2c@1/imx708@1a")
    assert [(f.name, f.works, f.modes) for f in listed.formats] == [
        ("SRGGB10", True, (Mode(2304, 1296, (56.0,)), Mode(10, 20)))
    ]
    assert (listed.holders, listed.problem) == ((), None)


def test_two_of_a_model_and_one_of_none_are_listed_by_their_ids(kernel: FakeKernel) -> None:
    found = [Surveyed("a", "imx708"), Surveyed("b", "imx708"), Surveyed("c", None), Surveyed("d", "imx219")]
    listed = libcamera_cameras(kernel, lambda: True, lambda: found)
    assert [camera.source for camera in listed] == ["picamera:a", "picamera:b", "picamera:c", "picamera:imx219"]


@pytest.mark.parametrize("driver", ["unicam", "rp1-cfe"])
def test_the_user_of_a_camera_behind_libcamera_is_found_by_its_connector(kernel: FakeKernel, driver: str) -> None:
    connector = kernel.plug(FakeCamera(driver=driver))
    kernel.occupy(connector, 4711, "edged")
    found = [Surveyed("a", "imx708", (), "another program uses it"), Surveyed("b", "imx219")]
    used, free = libcamera_cameras(kernel, lambda: True, lambda: found)
    assert [str(holder) for holder in used.holders] == ["edged (pid 4711)"]
    assert free.holders == ()
    assert v4l2_cameras(kernel) == []


def test_without_picamera2_and_without_a_connected_camera_nothing_is_reported(kernel: FakeKernel) -> None:
    kernel.plug(FakeCamera())
    assert libcamera_cameras(kernel, lambda: False, unanswered) == []


def test_without_picamera2_a_connected_camera_is_reported_with_the_cure(kernel: FakeKernel) -> None:
    kernel.plug(FakeCamera(driver="unicam"))
    (listed,) = libcamera_cameras(kernel, lambda: False, unanswered)
    assert (listed.source, listed.card) == ("picamera:0", "Raspberry Pi camera")
    assert listed.problem == "picamera2 cannot be imported; apt can install it"
