"""Health of the board, from kernel files of a Raspberry Pi, a PC and a broken sensor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edged.board import PAST, Board, Health, conditions

Write = Callable[[str, str], None]

THERMAL = "sys/class/thermal"
FIRMWARE = "sys/devices/platform/soc/soc:firmware"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file below the root of a made-up machine."""

    def write(path: str, text: str) -> None:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    return write


def zone(write: Write, number: int, kind: str, temperature: str) -> None:
    write(f"{THERMAL}/thermal_zone{number}/type", f"{kind}\n")
    write(f"{THERMAL}/thermal_zone{number}/temp", f"{temperature}\n")


def test_a_machine_that_reports_nothing_has_an_empty_health(tmp_path: Path) -> None:
    board = Board(tmp_path)
    assert board.read() == Health(None, None, None, None)
    assert board.model is None


def test_a_raspberry_pi_reports_every_value(write: Write, tmp_path: Path) -> None:
    zone(write, 0, "cpu-thermal", "48312")
    write(f"{FIRMWARE}/get_throttled", "50005\n")
    write("proc/meminfo", "MemTotal:  948000 kB\nCmaTotal:  262144 kB\nCmaFree:  201728 kB\nHugePages_Total: 0\n")
    write("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0")
    board = Board(tmp_path)
    assert board.read() == Health(48.312, 0x50005, 201728 * 1024, 262144 * 1024)
    assert board.model == "Raspberry Pi 4 Model B Rev 1.4"


def test_changed_values_are_read_again(write: Write, tmp_path: Path) -> None:
    zone(write, 0, "cpu-thermal", "50000")
    board = Board(tmp_path)
    assert board.read().temp_c == 50.0
    zone(write, 0, "cpu-thermal", "-5500")
    assert board.read().temp_c == -5.5
    (tmp_path / THERMAL / "thermal_zone0/temp").unlink()
    assert board.read().temp_c is None


@pytest.mark.parametrize(
    ("kinds", "wanted"),
    [
        (["gpu-thermal", "cpu-thermal", "soc-thermal"], 1),
        (["acpitz", "x86_pkg_temp"], 1),
        (["iwlwifi_1", "cpu_thermal"], 1),
        (["acpitz", "nvme"], 0),
        ([*["nvme"] * 10, "cpu-thermal"], 10),
    ],
)
def test_the_temperature_is_that_of_the_processor(write: Write, tmp_path: Path, kinds: list[str], wanted: int) -> None:
    for number, kind in enumerate(kinds):
        zone(write, number, kind, str(40_000 + 1000 * number))
    assert Board(tmp_path).read().temp_c == 40 + wanted


@pytest.mark.parametrize("text", ["", "hot", "-274000", "2147483647", "1e5", "\xff"])
def test_an_impossible_temperature_is_ignored(write: Write, tmp_path: Path, text: str) -> None:
    zone(write, 0, "cpu-thermal", text)
    write(f"{FIRMWARE}/get_throttled", "none")
    write("proc/meminfo", "CmaTotal: lots\nCmaFree\n:::\n")
    assert Board(tmp_path).read() == Health()


def test_the_bits_are_found_by_their_driver_on_any_model(write: Write, tmp_path: Path) -> None:
    device = "soc@107c000000:firmware"
    write(f"sys/devices/platform/soc@107c000000/{device}/get_throttled", "80008\n")
    driver = tmp_path / "sys/bus/platform/drivers/raspberrypi-firmware"
    driver.mkdir(parents=True)
    (driver / device).symlink_to(tmp_path / "sys/devices/platform/soc@107c000000" / device)
    assert Board(tmp_path).read().throttled == 0x80008


def test_a_kernel_without_the_bits_has_an_alarm_for_under_voltage(write: Write, tmp_path: Path) -> None:
    write("sys/class/hwmon/hwmon0/name", "cpu_thermal\n")
    write("sys/class/hwmon/hwmon1/name", "rpi_volt\n")
    write("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n")
    assert Board(tmp_path).read().throttled == 1


def test_a_machine_without_memory_for_cameras_reports_none_and_not_zero(write: Write, tmp_path: Path) -> None:
    write("proc/meminfo", "MemAvailable:  1000 kB\nCmaTotal:  0 kB\nCmaFree:  0 kB\n")
    board = Board(tmp_path)
    assert board.read() == Health()
    assert board.memory()["MemAvailable"] == 1_024_000


def test_bits_are_named() -> None:
    assert conditions(0) == ()
    assert conditions(0x50005) == ("under-voltage", "throttled")
    assert conditions(0xA0000 >> PAST) == ("frequency capped", "soft temperature limit")


def test_the_board_of_this_machine_can_be_read() -> None:
    health = Board().read()
    assert health.temp_c is None or -60 < health.temp_c < 200
