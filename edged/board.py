"""Health of the board: its temperature, throttling by power or heat, and the memory left for cameras.

The kernel reports all of it in sysfs and procfs, as far as it can: a PC reports less than a Raspberry Pi.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

__all__ = ["CONDITIONS", "MASK", "PAST", "Board", "Health", "conditions"]

CONDITIONS = ("under-voltage", "frequency capped", "throttled", "soft temperature limit")
"""Meaning of bits 0 to 3 of ``throttled``, which are of now, and of bits 16 to 19, which are of the time before."""

PAST = 16
MASK = (1 << len(CONDITIONS)) - 1

# By the driver, because the name of the device, such as soc:firmware, depends on the model of the board.
_THROTTLED = (
    "sys/bus/platform/drivers/raspberrypi-firmware/*/get_throttled",
    "sys/devices/platform/soc*/*/get_throttled",
)
_COLDEST, _HOTTEST = -60.0, 200.0  # a sensor that cannot measure reports -274 °C or 0 K


@dataclass(frozen=True, slots=True)
class Health:
    """Health at one moment; a value that the kernel does not report is None.

    ``temp_c`` is in degrees Celsius. ``throttled`` are the bits of a Raspberry Pi's firmware, see `CONDITIONS`.
    ``cma_free_bytes`` of ``cma_total_bytes`` are free of the memory from which cameras get their buffers.
    """

    temp_c: float | None = None
    throttled: int | None = None
    cma_free_bytes: int | None = None
    cma_total_bytes: int | None = None


def conditions(bits: int) -> tuple[str, ...]:
    """Return bits 0 to 3 of *bits* in words; those of the past are ``throttled >> PAST``."""
    return tuple(words for bit, words in enumerate(CONDITIONS) if bits >> bit & 1)


class Board:
    """Reader of the kernel's files below *root*. The first ``read`` finds their paths."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def read(self) -> Health:
        """Return the present health. Opens three files, and never fails."""
        free, total = self._cma()
        return Health(self._temperature(), self._throttled(), free, total)

    @property
    def model(self) -> str | None:
        """Name of the board, such as ``Raspberry Pi 4 Model B Rev 1.4``; None where it has no device tree."""
        return _read(self._root / "proc/device-tree/model").strip("\0") or None

    def memory(self) -> dict[str, int]:
        """Return the lines of ``/proc/meminfo`` in bytes, such as ``MemAvailable``."""
        return dict(_sizes(_read(self._root / "proc/meminfo")))

    def _temperature(self) -> float | None:
        text = _read(self._thermometer)
        degrees = int(text) / 1000 if _is_number(text) else None
        return degrees if degrees is not None and _COLDEST < degrees < _HOTTEST else None

    def _throttled(self) -> int | None:
        try:
            return int(_read(self._throttled_file), 16)  # it is written without 0x; an alarm is 0 or 1
        except ValueError:
            return None

    def _cma(self) -> tuple[int | None, int | None]:
        memory = self.memory()
        total = memory.get("CmaTotal") or None  # 0 where the kernel has no such area
        return (memory.get("CmaFree") if total else None), total

    @cached_property
    def _thermometer(self) -> Path | None:
        """File of the processor's temperature, or else of the first zone."""
        zones = sorted(self._root.glob("sys/class/thermal/thermal_zone*"), key=lambda zone: (len(zone.name), zone.name))
        kinds = [_read(zone / "type").replace("_", "-").lower() for zone in zones]
        for wanted in ("cpu-thermal", "cpu", "soc", "x86-pkg-temp", ""):
            for zone, kind in zip(zones, kinds, strict=True):
                if wanted in kind:
                    return zone / "temp"
        return None

    @cached_property
    def _throttled_file(self) -> Path | None:
        """File of the firmware's bits; or else, in a kernel that is not Raspberry Pi's, of the under-voltage alarm."""
        for pattern in _THROTTLED:
            for path in sorted(self._root.glob(pattern)):
                return path
        for sensor in sorted(self._root.glob("sys/class/hwmon/hwmon*")):
            if _read(sensor / "name") == "rpi_volt":
                return sensor / "in0_lcrit_alarm"
        return None


def _read(path: Path | None) -> str:
    try:
        return "" if path is None else path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:  # missing, or a sensor that does not answer
        return ""


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isdecimal()


def _sizes(text: str) -> Iterator[tuple[str, int]]:
    for line in text.splitlines():
        name, _, size = line.partition(":")
        number, _, unit = size.strip().partition(" ")
        if number.isdecimal() and unit == "kB":
            yield name, int(number) * 1024
