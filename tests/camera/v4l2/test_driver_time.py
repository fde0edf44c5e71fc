"""The driver's time is believed where it can be true."""

from __future__ import annotations

import pytest

from edged.camera.v4l2.abi import BUF_FLAG_TIMESTAMP_MONOTONIC
from edged.camera.v4l2.driver_time import DriverTime
from edged.camera.v4l2.stream import FilledBuffer
from edged.values import Stamp

NOW = 1_000_000_000_000
SECOND = 1_000_000_000


def filled(time_ns: int, flags: int = BUF_FLAG_TIMESTAMP_MONOTONIC) -> FilledBuffer:
    return FilledBuffer(index=0, used=1, flags=flags, time_ns=time_ns)


@pytest.mark.parametrize("age", [0, 1, 5 * SECOND, 10 * SECOND])
def test_a_recent_time_is_believed(age: int) -> None:
    assert DriverTime().stamp(filled(NOW - age), NOW) == Stamp(NOW - age, "driver")


@pytest.mark.parametrize("time_ns", [0, NOW - 10 * SECOND - 1, NOW + 1, 1_800_000_000 * SECOND])
def test_a_time_long_ago_or_to_come_is_not(time_ns: int) -> None:
    assert DriverTime().stamp(filled(time_ns), NOW) == Stamp(NOW, "arrival")


def test_a_clock_that_stands_still_is_not() -> None:
    driver_time = DriverTime()
    assert driver_time.stamp(filled(NOW - 1), NOW).source == "driver"
    assert driver_time.stamp(filled(NOW - 1), NOW) == Stamp(NOW, "arrival")
    assert driver_time.stamp(filled(NOW - 1), NOW + 5) == Stamp(NOW + 5, "arrival")
