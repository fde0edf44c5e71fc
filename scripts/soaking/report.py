"""Output of a soak: its progress, and at the end a table and a verdict."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from scripts.soaking.verdict import MIB, Measure
from scripts.soaking.vitals import Vitals

__all__ = ["Progress", "table"]

WIDTH = 24  # of the bar, in characters
LINES = 12  # of progress in a log


class Progress:
    """Progress on stderr: a bar in a terminal, and some lines elsewhere."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._shows_bar = sys.stderr.isatty()
        self._next_line = 0.0

    def show(self, vitals: Vitals, received: int, lost: int) -> None:
        """Show the progress."""
        figures = (
            f"{_clock(vitals.seconds)} of {_clock(self._seconds)}  {vitals.resident / MIB:.1f} MiB  {vitals.fds} fds  "
            f"{vitals.threads} threads  {received} messages  {lost} lost"
        )
        if self._shows_bar:
            done = round(WIDTH * min(1.0, vitals.seconds / self._seconds))
            print(f"\r[{'#' * done}{'.' * (WIDTH - done)}] {figures}\033[K", end="", file=sys.stderr, flush=True)
        elif vitals.seconds >= self._next_line:
            self._next_line += self._seconds / LINES
            print(figures, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the bar's line."""
        if self._shows_bar:
            print(file=sys.stderr)


def table(measures: Sequence[Measure], figures: Mapping[str, Any], faults: Sequence[str]) -> str:
    """The results as a table for people."""
    head = f"{'':18}  {'2nd quarter':>11}  {'3rd':>9}  {'4th':>9}  {'drift':>9}  {'(at most)':>9}  {'spread':>9}  "
    lines = [head + f"{'(at most)':>9}"]
    for each in measures:
        unit = MIB if each.key in ("own", "resident") else 1
        second, third, last = each.quarters
        values = [third, last, each.drift, each.bounds.drift, each.spread, each.bounds.spread]
        cells = "  ".join(f"{_amount(value, unit):>9}" for value in values)
        lines.append(f"{each.name:18}  {_amount(second, unit):>11}  {cells}  {'' if each.is_flat else '<-- grows'}")
    lines.append("")
    lines += [f"{name.replace('_', ' '):18}  {value}" for name, value in figures.items()]
    lines += ["", *(f"FAULT: {fault}" for fault in faults)]
    lines.append("not sound" if faults else "sound: flat, and every message accounted for")
    return "\n".join(lines)


def _amount(value: float, unit: int) -> str:
    return f"{value / unit:.1f} MiB" if unit == MIB else f"{value:g}"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
