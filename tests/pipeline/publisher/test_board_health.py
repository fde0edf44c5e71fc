"""The board's health over time: which changes are logged, and how often."""

from __future__ import annotations

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
