"""Controls of a USB camera: set, read back, refused with their ranges, and set back."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from edged.camera import open_source
from edged.camera.mirror import mirrors
from edged.camera.prepared import PreparedSource
from edged.camera.usb import UsbCamera
from edged.camera.v4l2 import abi
from edged.camera.v4l2.controls import Controls
from edged.config import CameraConfig
from edged.errors import SourceError
from edged.values import Format, Mirror, PixelFormat
from tests.camera.frames import noise
from tests.camera.v4l2.fake_kernel import FakeCamera, FakeControl, FakeKernel

APERTURE_PRIORITY, MANUAL = 3, 1


@pytest.fixture
def kernel(tmp_path: Path) -> FakeKernel:
    """A machine without cameras."""
    return FakeKernel(tmp_path)


def webcam(**changes: FakeControl | None) -> FakeCamera:
    """A camera with the controls of a usual webcam; *changes* are by the end of their names, None takes one away."""
    controls = {
        "EXPOSURE_AUTO": FakeControl(0, 3, APERTURE_PRIORITY, entries=(MANUAL, APERTURE_PRIORITY)),
        "EXPOSURE_ABSOLUTE": FakeControl(3, 2047, 250),
        "GAIN": FakeControl(0, 255, 0),
        "AUTO_WHITE_BALANCE": FakeControl(0, 1, 1),
        "WHITE_BALANCE_TEMPERATURE": FakeControl(2000, 6500, 4000),
        "FOCUS_AUTO": FakeControl(0, 1, 1),
        "FOCUS_ABSOLUTE": FakeControl(0, 250, 0, step=5),
        "POWER_LINE_FREQUENCY": FakeControl(0, 2, 2, entries=(0, 1, 2)),
    }
    given = {name: control for name, control in {**controls, **changes}.items() if control is not None}
    return FakeCamera(controls={getattr(abi, f"CID_{name}"): control for name, control in given.items()})


def values(camera: FakeCamera) -> dict[str, int]:
    names = {getattr(abi, name): name.removeprefix("CID_") for name in abi.__all__ if name.startswith("CID_")}
    return {names[number]: control.value for number, control in camera.controls.items()}


@contextmanager
def opened(kernel: FakeKernel, camera: FakeCamera, controls: Controls) -> Iterator[UsbCamera]:
    kernel.plug(camera)
    source = UsbCamera(camera.link, controls=controls, kernel=kernel)
    try:
        source.open()
        yield source
    finally:
        source.close()


@pytest.mark.parametrize(
    ("controls", "found"),
    [
        (Controls(exposure_us=5000), {"EXPOSURE_AUTO": MANUAL, "EXPOSURE_ABSOLUTE": 50}),
        (Controls(gain=17), {"GAIN": 17}),
        (Controls(white_balance="daylight"), {"AUTO_WHITE_BALANCE": 0, "WHITE_BALANCE_TEMPERATURE": 5600}),
        (Controls(white_balance=3000), {"AUTO_WHITE_BALANCE": 0, "WHITE_BALANCE_TEMPERATURE": 3000}),
        (Controls(focus=25), {"FOCUS_AUTO": 0, "FOCUS_ABSOLUTE": 25}),
        (Controls(power_line_frequency=50), {"POWER_LINE_FREQUENCY": 1}),
        (Controls(power_line_frequency="off"), {"POWER_LINE_FREQUENCY": 0}),
    ],
)
def test_controls_are_set_and_set_back_when_it_is_closed(
    kernel: FakeKernel, controls: Controls, found: dict[str, int]
) -> None:
    camera = webcam()
    before = values(camera)
    with opened(kernel, camera, controls) as source:
        assert values(camera) == {**before, **found}
        source.close()
        source.open()
        assert values(camera) == {**before, **found}
    assert values(camera) == before


def test_automatic_controls_are_switched_on(kernel: FakeKernel) -> None:
    camera = webcam(AUTO_WHITE_BALANCE=FakeControl(0, 1, 0), FOCUS_AUTO=FakeControl(0, 1, 0))
    with opened(kernel, camera, Controls(white_balance="auto", focus="auto")):
        assert (values(camera)["AUTO_WHITE_BALANCE"], values(camera)["FOCUS_AUTO"]) == (1, 1)


def test_automatic_gain_is_switched_off_first_where_there_is_one(kernel: FakeKernel) -> None:
    camera = webcam(AUTOGAIN=FakeControl(0, 1, 1))
    with opened(kernel, camera, Controls(gain=9)):
        assert camera.set_controls == [(abi.CID_AUTOGAIN, 0), (abi.CID_GAIN, 9)]


def test_presets_and_gains_of_colours_are_used_where_a_camera_has_them(kernel: FakeKernel) -> None:
    presets = FakeControl(0, 10, 1, entries=tuple(range(11)))
    colours = {"RED_BALANCE": FakeControl(0, 100, 50), "BLUE_BALANCE": FakeControl(0, 100, 50)}
    camera = webcam(AUTO_N_PRESET_WHITE_BALANCE=presets, **colours)
    with opened(kernel, camera, Controls(white_balance="cloudy")):
        assert values(camera)["AUTO_N_PRESET_WHITE_BALANCE"] == 8
    other = webcam(**colours)
    other.serial = "SN2"
    with opened(kernel, other, Controls(white_balance=(70, 20))):
        found = values(other)
        assert (found["AUTO_WHITE_BALANCE"], found["RED_BALANCE"], found["BLUE_BALANCE"]) == (0, 70, 20)


def test_nothing_is_asked_of_a_camera_that_is_left_alone(kernel: FakeKernel) -> None:
    camera = webcam()
    with opened(kernel, camera, Controls()):
        assert camera.set_controls == []
        assert "VIDIOC_G_CTRL" not in kernel.requests


@pytest.mark.parametrize(
    ("controls", "changes", "sentence"),
    [
        (Controls(gain=300), {}, "gain must be in 0…255 for this camera (got 300)"),
        (Controls(exposure_us=200), {}, "exposure_us must be in 300…204700 for this camera (got 200)"),
        (Controls(focus=251), {}, "focus must be in 0…250 for this camera (got 251)"),
        (Controls(white_balance=9000), {}, "white_balance must be in 2000…6500 for this camera (got 9000)"),
        (
            Controls(power_line_frequency="auto"),
            {},
            "power_line_frequency must be one of off, 50, 60 for this camera (got auto)",
        ),
        (
            Controls(exposure_us=5000),
            {"EXPOSURE_AUTO": FakeControl(0, 3, 3, entries=(3,))},
            "this camera always exposes automatically; leave exposure_us out",
        ),
        (
            Controls(gain=3),
            {"GAIN": None},
            "this camera has no control for gain; leave gain out, or give it another value",
        ),
        (
            Controls(gain=3),
            {"GAIN": FakeControl(0, 255, 0, flags=abi.CTRL_FLAG_DISABLED)},
            "this camera has no control for gain; leave gain out, or give it another value",
        ),
        (
            Controls(white_balance=(70, 20)),
            {},
            "this camera has no control for white_balance of red; leave white_balance out, or give it another value",
        ),
        (
            Controls(focus="auto"),
            {"FOCUS_AUTO": None},
            "this camera has no control for focus; leave focus out, or give it another value",
        ),
    ],
)
def test_what_a_camera_cannot_do_is_refused_with_its_range_and_nothing_is_left_changed(
    kernel: FakeKernel, controls: Controls, changes: dict[str, FakeControl | None], sentence: str
) -> None:
    camera = webcam(**changes)
    before = values(camera)
    with pytest.raises(SourceError) as refusal, opened(kernel, camera, controls):
        pass
    assert str(refusal.value) == f"{camera.link}: {sentence}"
    assert values(camera) == before


def test_a_value_that_the_driver_changes_is_logged(kernel: FakeKernel, caplog: pytest.LogCaptureFixture) -> None:
    camera = webcam()
    with opened(kernel, camera, Controls(focus=27)):
        assert values(camera)["FOCUS_ABSOLUTE"] == 25
    assert [record.message for record in caplog.records if record.levelno == logging.WARNING] == [
        f"{camera.link}: it was asked for focus 27 and took 25"
    ]


def test_a_driver_that_refuses_a_control_is_reported(kernel: FakeKernel) -> None:
    camera = webcam()
    camera.refusals["S_CTRL"] = [errno.EBUSY]
    with pytest.raises(SourceError, match="it refuses a control: VIDIOC_S_CTRL: Device or resource busy"):
        opened(kernel, camera, Controls(gain=3)).__enter__()


def test_a_camera_that_is_unplugged_meanwhile_is_closed(kernel: FakeKernel) -> None:
    camera = webcam()
    with opened(kernel, camera, Controls(gain=3)) as source:
        kernel.unplug(camera)
        source.close()
    assert not kernel.opened


@pytest.mark.parametrize("mirror", get_args(Mirror))
@pytest.mark.parametrize("flips", [(), ("HFLIP",), ("VFLIP",), ("HFLIP", "VFLIP")], ids=str)
def test_the_sensor_mirrors_what_it_can_and_edged_the_rest(
    kernel: FakeKernel, mirror: Mirror, flips: tuple[str, ...]
) -> None:
    camera = webcam(**{name: FakeControl(0, 1, 0) for name in flips})
    kernel.plug(camera)
    source = PreparedSource(UsbCamera(camera.link, mirror=mirror, pixels="yuyv", kernel=kernel), mirror, [])
    frame_format = source.open()
    wanted = dict(zip(("HFLIP", "VFLIP"), mirrors(mirror), strict=True))
    done = {name: bool(values(camera).get(name, 0)) for name in wanted}
    assert done == {name: wanted[name] and name in flips for name in wanted}
    frame = noise(Format(640, 480, PixelFormat.YUYV), 1)
    luma = frame[..., 0][:: -1 if done["VFLIP"] else 1, :: -1 if done["HFLIP"] else 1]
    sent = frame.copy()
    sent[..., 0] = luma
    camera.deliver(sent.tobytes())
    assert source.grab(2.0) is not None
    slot = np.zeros(frame_format.shape, np.uint8)
    source.retrieve(slot)
    source.close()
    expected = frame[..., 0][:: -1 if wanted["VFLIP"] else 1, :: -1 if wanted["HFLIP"] else 1]
    assert np.array_equal(slot[..., 0], expected)
    assert not any(values(camera).get(name, 0) for name in wanted)


def test_a_flip_that_is_refused_is_left_to_edged(kernel: FakeKernel) -> None:
    camera = kernel.plug(webcam(HFLIP=FakeControl(0, 1, 0)))
    camera.refusals["S_CTRL"] = [errno.EBUSY]
    source = UsbCamera(camera.link, mirror="horizontal", kernel=kernel)
    assert source.open().mirror == "none"
    source.close()


def test_the_configuration_is_what_the_camera_is_asked_for() -> None:
    controls = {
        "exposure_us": 5000,
        "gain": 17,
        "white_balance": [70, 20],
        "focus": 30,
        "power_line_frequency": 60,
    }
    options = {"source": "usb:C920", "mirror": "both", "controls": controls}
    prepared = open_source(CameraConfig.model_validate(options))
    assert isinstance(prepared, PreparedSource)
    source = prepared._source
    assert isinstance(source, UsbCamera)
    assert source._wanted == Controls(5000, 17, (70, 20), 30, 60)
    assert source._mirror == "both"
