"""``edged devices`` lists all cameras, and its lines can be pasted into a configuration."""

from __future__ import annotations

import json
import re
from argparse import Namespace
from pathlib import Path

import pytest

from edged.camera.devices import CameraInfo, libcamera_cameras, v4l2_cameras
from edged.camera.pi.survey import Offer, Surveyed
from edged.cli.devices import NO_CAMERA, devices, snippet
from edged.config import load, load_text
from tests.camera.v4l2.fake_kernel import FakeCamera, FakeKernel, Sizes


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeKernel:
    """A fake kernel with the cameras of this machine."""
    kernel = FakeKernel(tmp_path / "machine")
    monkeypatch.setattr("edged.camera.devices.list_cameras", lambda: v4l2_cameras(kernel))
    return kernel


def printed(capsys: pytest.CaptureFixture[str], *, as_json: bool = False) -> str:
    """Run the command; returns its output."""
    assert devices(Namespace(json=as_json)) == 0
    return capsys.readouterr().out


def test_cameras_are_listed_with_formats_and_users(kernel: FakeKernel, capsys: pytest.CaptureFixture[str]) -> None:
    offers: dict[str, Sizes] = {
        "MJPG": {(640, 480): (30.0, 7.5), (1280, 720): (30.0, 7.5), (1920, 1080): (15.0,)},
        "H264": {(640, 480): ()},
    }
    camera = kernel.plug(FakeCamera("HD Pro Webcam C920", offers=offers))
    kernel.occupy(camera, 4711, "cheese")
    kernel.plug(
        FakeCamera(
            "Old [cam]", serial="X", bus="usb-0000:00:14.0-2", any_size=True, offers={"GREY": {(64, 64): (9, 1)}}
        )
    )
    text = printed(capsys)
    for piece in (
        "HD Pro Webcam C920",
        "/dev/video0",
        "MJPG 640×480 1280×720: 30 7.5",
        "MJPG 1920×1080: 15",
        "not usable here: H264",
        "set to YUYV 640×480: 30",
        "cheese (pid 4711)",
        "Old [cam]",
        "GREY 16×16…64×64: 9…1",
        "nobody",
        f'    source: "usb:{camera.link}"\n',
    ):
        assert piece in text


def test_of_dozens_of_formats_those_that_work_are_shown(kernel: FakeKernel, capsys: pytest.CaptureFixture[str]) -> None:
    useless: dict[str, Sizes] = {f"X{number:03}": {(640, 480): (30.0,)} for number in range(75)}
    works: dict[str, Sizes] = {"YUYV": {(640, 480): (30.0,)}, "MJPG": {(1280, 720): (30.0,)}}
    kernel.plug(FakeCamera(offers={**useless, **works}, picture=(1280, 720, "MJPG")))
    text = printed(capsys)
    assert "YUYV 640×480: 30" in text
    assert "MJPG 1280×720: 30" in text
    assert "not usable here: X000, X001, X002, X003 and 71 others" in text
    assert "set to MJPG 1280×720: 30, decoded by opencv" in text
    assert text.count("X0") == 4


def test_a_camera_without_permission_is_listed_with_the_cure(
    kernel: FakeKernel, capsys: pytest.CaptureFixture[str]
) -> None:
    camera = kernel.plug(FakeCamera())
    kernel.forbidden |= {Path("/dev/video0"), Path("/dev/video1")}
    text = printed(capsys)
    assert "no permission: run 'sudo usermod -aG video $USER' and log in again" in text
    assert str(camera.link) in text


def test_the_lines_to_paste_are_a_configuration(kernel: FakeKernel, tmp_path: Path) -> None:
    kernel.plug(FakeCamera("HD Pro Webcam C920"))
    kernel.plug(FakeCamera("HD Pro Webcam C920", serial="SN2", bus="usb-0000:00:14.0-2"))
    kernel.plug(FakeCamera("カメラ", serial="SN3", bus="usb-0000:00:14.0-3"))
    pasted = tmp_path / "edged.yaml"
    pasted.write_text(snippet(v4l2_cameras(kernel)))
    cameras = load(pasted).config.cameras
    assert list(cameras) == ["hd-pro-webcam-c920", "hd-pro-webcam-c920-2", "camera"]
    assert [camera.source.kind.name for camera in cameras.values()] == ["usb"] * 3
    assert cameras["camera"].source.target == "/dev/v4l/by-id/usb-カメラ_SN3-video-index0"


def test_raspberry_pi_cameras_are_listed_with_the_modes_of_their_sensors_and_can_be_pasted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    modes = (Offer("SRGGB10_CSI2P", 1536, 864, 120.13), Offer("SRGGB10_CSI2P", 4608, 2592, 14.35))
    found = [
        Surveyed("/base/axi/pcie@120000/rp1/i2c@88000/imx708@1a", "imx708", modes),
        Surveyed("/base/axi/pcie@120000/rp1/i2c@80000/imx219@10", "imx219", (), "another program uses it"),
        Surveyed("/base/axi/pcie@120000/rp1/i2c@90000/imx219@10", "imx219", modes[:1]),
    ]
    machine = FakeKernel(tmp_path / "machine")
    monkeypatch.setattr(
        "edged.camera.devices.list_cameras", lambda: libcamera_cameras(machine, lambda: True, lambda: found)
    )
    text = printed(capsys)
    for piece in (
        "imx708@1a",
        "libcamera",
        "1536×864: 120.13",
        "4608×2592: 14.35",
        "another program uses it",
        "unknown",
    ):
        assert piece in text
    cameras = load_text(text[text.index("cameras:") :], tmp_path / "edged.yaml").config.cameras
    assert [(name, camera.source.kind.name, camera.source.target) for name, camera in cameras.items()] == [
        ("imx708", "picamera", "imx708"),
        ("imx219", "picamera", found[1].id),
        ("imx219-2", "picamera", found[2].id),
    ]


def test_every_name_is_valid_and_different() -> None:
    cards = ["A" * 200, "A" * 200, "--", "USB2.0 Camera: USB2.0 Camera", "  é ", "a-2", "a", "a"]
    lines = snippet([CameraInfo("usb:x", card, None, None, None) for card in cards]).splitlines()
    names = [line.strip().rstrip(":") for line in lines[1::2]]
    assert len(set(names)) == len(cards)
    assert all(len(name) <= 64 for name in names)
    assert names[3] == "usb2-0-camera-usb2-0-camera"


def test_json_has_all_details(kernel: FakeKernel, capsys: pytest.CaptureFixture[str]) -> None:
    camera = kernel.plug(FakeCamera())
    kernel.occupy(camera, 4711, "cheese")
    (listed,) = json.loads(printed(capsys, as_json=True))
    assert listed["source"] == f"usb:{camera.link}"
    assert listed["formats"][0]["modes"][0] == {
        "width": 640,
        "height": 480,
        "rates": [30.0, 15.0],
        "any_rate": False,
        "smallest": None,
    }
    assert listed["holders"] == [{"pid": 4711, "command": "cheese"}]


def test_the_sources_proposed_without_a_camera_can_be_pasted(tmp_path: Path) -> None:
    sources = re.findall(r"'(source: [^']+)'", NO_CAMERA)
    assert len(sources) == 2
    for source in sources:
        load_text(f"cameras: {{a: {{{source}}}}}", tmp_path / "edged.yaml")


def test_without_a_camera_it_prints_a_list_of_checks(kernel: FakeKernel, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys)
    for piece in ("lsusb", "rpicam-hello", "--group-add video", "pattern:"):
        assert piece in text
    assert json.loads(printed(capsys, as_json=True)) == []
