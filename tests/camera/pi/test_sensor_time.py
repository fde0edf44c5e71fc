"""The time of a sensor on the clock of edged."""

from __future__ import annotations

from typing import Any

import pytest

from edged.camera.pi.sensor_time import stamp_of
from edged.values import Stamp

NOW = 1_000_000_000_000
SLEPT = 500_000_000_000
MS = 1_000_000


def test_a_machine_that_never_slept_has_one_time() -> None:
    assert stamp_of({"SensorTimestamp": NOW - 20 * MS}, NOW, NOW) == Stamp(NOW - 20 * MS, "driver")


@pytest.mark.parametrize("sensor_time", [NOW - 20 * MS, NOW - 20 * MS + SLEPT])
def test_on_one_that_slept_both_clocks_are_understood(sensor_time: int) -> None:
    assert stamp_of({"SensorTimestamp": sensor_time}, NOW, NOW + SLEPT) == Stamp(NOW - 20 * MS, "driver")


def test_a_time_just_ahead_of_now_is_now() -> None:
    assert stamp_of({"SensorTimestamp": NOW + MS}, NOW, NOW) == Stamp(NOW, "driver")


@pytest.mark.parametrize(
    "metadata", [{}, {"SensorTimestamp": 0}, {"SensorTimestamp": None}, {"SensorTimestamp": NOW * 2}]
)
def test_a_time_that_makes_no_sense_is_replaced_by_that_of_the_arrival(metadata: dict[str, Any]) -> None:
    assert stamp_of(metadata, NOW, NOW + SLEPT) == Stamp(NOW, "arrival")


def test_a_frame_that_waited_long_is_not_fresh() -> None:
    assert stamp_of({"SensorTimestamp": NOW - 11_000 * MS}, NOW, NOW).source == "arrival"
