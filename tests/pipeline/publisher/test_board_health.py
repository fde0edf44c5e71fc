"""The board's health over time: which changes are logged, and how often."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edged.bell import Bell
from edged.board import Board, Health
from edged.client import Subscriber
from edged.config import Endpoint
from edged.pipeline.camera_stats import CameraStats
from edged.pipeline.demand import Demand
from edged.pipeline.handover import Handover
from edged.pipeline.publisher.board_health import HealthWatch
from edged.pipeline.publisher.settings import PublisherSettings
from edged.pipeline.publisher.slow_down import SlowDown
from edged.pipeline.publisher.stage import Publisher
from edged.wire import Status


@pytest.fixture
def watch(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> HealthWatch:
    caplog.set_level("INFO")
    return HealthWatch(Board(tmp_path))


def bits(watch: HealthWatch, *throttled: int, every: float = 2.0) -> None:
    for number, value in enumerate(throttled):
        watch.add_reading(Health(throttled=value), number * every)


def test_the_board_is_read_once_for_each_status(tmp_path: Path) -> None:
    file = tmp_path / "sys/class/thermal/thermal_zone0/temp"
    file.parent.mkdir(parents=True)
    file.write_text("50000")
    watch = HealthWatch(Board(tmp_path))
    assert watch.latest == Health()
    assert watch.read().temp_c == 50.0
    file.write_text("60000")
    assert watch.read().temp_c == 50.0


def test_heat_is_logged_once_and_again_after_it_was_cool(watch: HealthWatch, caplog: pytest.LogCaptureFixture) -> None:
    for second, celsius in enumerate([60, 79.9, 80.2, 79, 81, 76, 80, 74.9, 79, 85]):
        watch.add_reading(Health(temp_c=celsius), second)
    assert caplog.messages == [
        "the board is hot: 80 °C; it slows itself down to survive",
        "the board has cooled down to 75 °C",
        "the board is hot: 85 °C; it slows itself down to survive",
    ]
    assert watch.latest.temp_c == 85


def test_heat_halves_the_rates_step_by_step_and_they_come_back(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    slow_down = SlowDown()
    rates = [slow_down.follow(Health(temp_c=celsius), second) for second, celsius in heat(79, 80, 30, 82, 30, 78, 200)]
    assert rates[:31] == [0] + [1] * 30
    assert set(rates[31:]) == {2}  # 78 °C is neither hot nor cool
    rates = [slow_down.follow(Health(temp_c=74), 1000 + second) for second in range(200)]
    assert [rates.index(halvings) for halvings in (2, 1, 0)] == [0, 60, 120]
    assert caplog.messages == [
        "the board is 80 °C: frame rates are 1/2 of what is configured, but at least 1 frame/s",
        "the board is 82 °C: frame rates are 1/4 of what is configured, but at least 1 frame/s",
        "the board is cooler (74 °C): frame rates are 1/2 of what is configured, but at least 1 frame/s",
        "the board is cooler (74 °C): frame rates are as configured",
    ]


def test_a_board_without_a_thermometer_is_logged_as_throttled_and_then_not(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    slow_down = SlowDown()
    for second in range(70):
        slow_down.follow(Health(throttled=0x4 if second == 0 else 0), second)
    assert caplog.messages == [
        "the board is throttled: frame rates are 1/2 of what is configured, but at least 1 frame/s",
        "the board is no longer throttled: frame rates are as configured",
    ]


def heat(*celsius_and_seconds: float) -> Iterator[tuple[float, float]]:
    """Each second with its temperature: the first lasts one second, and each other one as long as it says."""
    first, *rest = celsius_and_seconds
    yield 0.0, first
    second = 1.0
    for celsius, seconds in zip(rest[::2], rest[1::2], strict=True):
        for _ in range(int(seconds)):
            yield second, celsius
            second += 1.0


def test_throttling_halves_the_rates_and_what_the_firmware_remembers_does_not() -> None:
    assert SlowDown().follow(Health(throttled=0x4), 0.0) == 1
    assert SlowDown().follow(Health(throttled=0x8), 0.0) == 1
    assert SlowDown().follow(Health(throttled=0xC0000), 0.0) == 0
    assert SlowDown().follow(Health(throttled=0x3, temp_c=60.0), 0.0) == 0  # under-voltage is no heat


def test_rates_are_halved_no_further_than_that_something_is_left(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    slow_down = SlowDown()
    assert [slow_down.follow(Health(temp_c=90), 30.0 * step) for step in range(9)] == [1, 2, 3, 4, 5, 6, 6, 6, 6]
    assert slow_down.end() == 0
    assert caplog.messages[-1] == "frame rates are as configured: slow_when_hot is off"


def test_each_condition_is_logged_once_in_words(watch: HealthWatch, caplog: pytest.LogCaptureFixture) -> None:
    bits(watch, 0, 0x50005, 0x50005, 0xD000D)
    assert caplog.messages == [
        "the board: under-voltage now, throttled now",
        "the board: soft temperature limit now",
    ]
    assert {record.levelname for record in caplog.records} == {"WARNING"}


def test_a_condition_before_the_start_is_logged_as_such(watch: HealthWatch, caplog: pytest.LogCaptureFixture) -> None:
    bits(watch, 0x50000, 0x50000, 0x50000)
    assert caplog.messages == ["the board: under-voltage since boot, throttled since boot"]
    assert watch.latest.throttled == 0x50000


def test_a_condition_between_two_readings_is_logged_too(watch: HealthWatch, caplog: pytest.LogCaptureFixture) -> None:
    bits(watch, 0, 0x10000, 0)
    assert caplog.messages == ["the board: under-voltage now"]
    assert watch.latest.throttled == 0x10000


def test_power_that_dips_again_and_again_is_one_trouble(watch: HealthWatch, caplog: pytest.LogCaptureFixture) -> None:
    bits(watch, *[0x10001, 0] * 30, *[0] * 40, 1)
    assert caplog.messages == [
        "the board: under-voltage now",
        "the board: no under-voltage for 60 s",
        "the board: under-voltage now",
    ]


def test_what_was_seen_is_kept_though_the_kernel_forgets_it(watch: HealthWatch) -> None:
    bits(watch, 0, 0x4, 0)
    assert watch.latest.throttled == 0x40000


def test_a_machine_without_figures_is_reported_as_such(watch: HealthWatch, caplog: pytest.LogCaptureFixture) -> None:
    assert watch.read().throttled is None
    assert caplog.messages == []


def test_the_health_is_published(tmp_path: Path) -> None:
    (tmp_path / "sys/class/thermal/thermal_zone0").mkdir(parents=True)
    (tmp_path / "sys/class/thermal/thermal_zone0/temp").write_text("51250\n")
    (tmp_path / "sys/devices/platform/soc/soc:firmware").mkdir(parents=True)
    (tmp_path / "sys/devices/platform/soc/soc:firmware/get_throttled").write_text("4\n")
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("CmaTotal: 65536 kB\nCmaFree: 1024 kB\n")
    endpoint = Endpoint.parse(f"pub+bind:ipc://{tmp_path}/pub.sock", tmp_path)
    settings = PublisherSettings("porch", [endpoint], 10.0, "cafe", 256, board=Board(tmp_path))
    bell = Bell()
    publisher = Publisher(settings, Handover(8, bell), bell, [CameraStats("street")], Demand())
    with Subscriber(endpoint.address, kinds=("status",)) as subscriber:
        publisher.start(lambda: None)
        try:
            message = subscriber.receive(10)
        finally:
            publisher.stop()
            assert publisher.join(10)
    assert isinstance(message, Status)
    assert (message.temp_c, message.throttled, message.cma_free_bytes) == (51.25, 0x40004, 1 << 20)
    assert publisher.health.temp_c == 51.25


@pytest.mark.parametrize("is_on", [False, True])
def test_the_captures_are_slowed_if_that_is_configured(tmp_path: Path, is_on: bool) -> None:
    (tmp_path / "sys/class/thermal/thermal_zone0").mkdir(parents=True)
    (tmp_path / "sys/class/thermal/thermal_zone0/temp").write_text("83000\n")
    endpoint = Endpoint.parse(f"pub+bind:ipc://{tmp_path}/pub.sock", tmp_path)
    board = Board(tmp_path)
    settings = PublisherSettings("porch", [endpoint], 10.0, "cafe", 256, slow_when_hot=is_on, board=board)
    bell, demand, stats = Bell(), Demand(), CameraStats("street")
    stats.slowed_to = 7.5
    publisher = Publisher(settings, Handover(8, bell), bell, [stats], demand)
    with Subscriber(endpoint.address, kinds=("status",)) as subscriber:
        publisher.start(lambda: None)
        try:
            message = subscriber.receive(10)
        finally:
            publisher.stop()
            assert publisher.join(10)
    assert isinstance(message, Status)
    assert (message.temp_c, message.slowed_to, demand.halvings) == (83.0, 7.5, int(is_on))
