"""Facts about the machine of a measurement."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from edged.board import Board

__all__ = ["machine"]


def machine(root: Path = Path("/")) -> dict[str, object]:
    """Return what identifies this machine, and what may slow it down now; None for a fact that is unknown."""
    board = Board(root)
    health = board.read()
    return {
        "board": board.model or _processor(root),
        "architecture": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "governor": _text(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "temp_c": health.temp_c,
        "throttled": health.throttled,
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
    }


def _processor(root: Path) -> str | None:
    for line in (_text(root / "proc/cpuinfo") or "").splitlines():
        key, _, value = line.partition(":")
        if key.strip() in {"model name", "Model"}:
            return value.strip()
    return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace").strip() or None
    except OSError:
        return None
