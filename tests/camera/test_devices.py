"""The list of cameras is complete, also where they may not be opened."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from edged.camera.devices import list_cameras, v4l2_cameras
from edged.camera.v4l2.device import Mode
from tests.camera.v4l2.fake_kernel import FakeCamera, FakeKernel


@pytest.fixture
def kernel(tmp_path: Path) -> FakeKernel:
    """A machine without cameras."""
    return FakeKernel(tmp_path)


def test_a_machine_without_cameras_has_an_empty_list(kernel: FakeKernel) -> None:
    assert v4l2_cameras(kernel) == []


def test_the_list_of_this_machine_can_be_had() -> None:
    assert all(camera.source for camera in list_cameras())


def test_a_camera_is_listed_once_with_what_it_offers_and_who_uses_it(kernel: FakeKernel) -> None:
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
