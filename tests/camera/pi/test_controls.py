"""What a sensor may be told, and what it is told."""

from __future__ import annotations

from typing import Any

import pytest

from edged.camera.pi.controls import WHITE_BALANCES, PiControls
from edged.errors import SourceError
from tests.camera.fake_pi import CONTROLS


def told(controls: PiControls, available: dict[str, tuple[Any, Any, Any]] | None = None) -> dict[str, Any]:
    return controls.for_camera(CONTROLS if available is None else available, lambda control, name: f"{control} {name}")


def test_left_alone_a_camera_chooses_all_but_a_slowest_rate() -> None:
    assert told(PiControls()) == {"FrameDurationLimits": (33_333, 100_000)}
    assert told(PiControls(), {"FrameDurationLimits": (50_000, 60_000, None)}) == {
        "FrameDurationLimits": (50_000, 60_000)
    }
    assert told(PiControls(), {}) == {}


def test_a_long_exposure_lengthens_the_frame_duration() -> None:
    controls = {**CONTROLS, "ExposureTime": (9, 1_000_000, 20_000)}
    assert told(PiControls(exposure_us=500_000), controls) == {
        "ExposureTime": 500_000,
        "FrameDurationLimits": (33_333, 500_000),
    }


@pytest.mark.parametrize("name", WHITE_BALANCES)
def test_every_kind_of_light_has_its_mode(name: str) -> None:
    controls = told(PiControls(white_balance=name))
    assert (controls["AwbEnable"], controls["AwbMode"]) == (True, f"AwbMode {WHITE_BALANCES[name]}")


def test_gains_of_red_and_blue_turn_the_automatic_off() -> None:
    controls = told(PiControls(white_balance=(1.5, 2.0)))
    assert (controls["AwbEnable"], controls["ColourGains"]) == (False, (1.5, 2.0))


def test_a_lens_focuses_by_itself_or_stays_where_it_is_set() -> None:
    assert told(PiControls(focus="auto"))["AfMode"] == "AfMode Continuous"
    assert told(PiControls(focus=2)) == {
        "AfMode": "AfMode Manual",
        "LensPosition": 2.0,
        "FrameDurationLimits": (33_333, 100_000),
    }


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"exposure_us": 0}, "exposure_us must be at least 1"),
        ({"gain": 0.5}, "gain must be at least 1"),
        ({"gain": float("nan")}, "gain must be at least 1"),
        ({"fps": 0}, "fps must be positive"),
        ({"fps": float("inf")}, "fps must be positive"),
        ({"fps": 30, "exposure_us": 40_000}, "an exposure of 40000 us is longer than a frame at 30 frames/s"),
        ({"white_balance": "Sunny"}, "white_balance must be one of auto, incandescent, .* \\(got 'Sunny'\\)"),
        ({"white_balance": (1.0,)}, "white_balance must be two positive gains"),
        ({"white_balance": (1.0, 0.0)}, "white_balance must be two positive gains"),
        ({"focus": "near"}, "focus must be auto, or dioptres from 0 \\(got 'near'\\)"),
        ({"focus": -0.5}, "focus must be auto"),
        ({"focus": float("nan")}, "focus must be auto"),
    ],
)
def test_a_setting_that_no_sensor_has_is_refused(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        PiControls(**settings)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"exposure_us": 5}, "exposure_us must be in 9…100000 for this camera (got 5)"),
        ({"gain": 17}, "gain must be in 1…16 for this camera (got 17)"),
        ({"focus": 33}, "focus must be in 0…32 for this camera (got 33)"),
        ({"fps": 130}, "fps must be in 1…120 at this size (got 130)"),
        ({"fps": 0.5}, "fps must be in 1…120 at this size (got 0.5)"),
    ],
)
def test_what_this_sensor_cannot_do_is_refused_with_what_it_can(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(SourceError) as caught:
        told(PiControls(**settings))
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("settings", "control"),
    [
        ({"exposure_us": 100}, "ExposureTime"),
        ({"gain": 2}, "AnalogueGain"),
        ({"white_balance": "auto"}, "AwbEnable"),
        ({"white_balance": (1.0, 1.0)}, "AwbEnable"),
        ({"fps": 10}, "FrameDurationLimits"),
        ({"focus": "auto"}, "AfMode"),
    ],
)
def test_a_control_that_the_camera_lacks_is_named(settings: dict[str, Any], control: str) -> None:
    setting = next(reversed(settings))
    with pytest.raises(SourceError, match=f"has no {control}, which {setting} needs; leave {setting} out"):
        told(PiControls(**settings), {})
