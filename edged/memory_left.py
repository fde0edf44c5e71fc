"""The memory that the process can still take, by the kernel's figures.

A limit of the service counts where it is nearer than the end of the machine's memory: who goes beyond is killed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

__all__ = ["RESERVE", "memory_left"]

RESERVE = 32 << 20
"""Bytes that frames of cameras leave to everything else."""


def memory_left(root: Path = Path("/")) -> int | None:
    """Return the bytes that are left: of the machine, and of each control group (v2) that the process is in.

    Cached files count as left, because the kernel gives them up first. None where the kernel does not tell.
    """
    return min(_all_figures(root), default=None)


def _all_figures(root: Path) -> Iterator[int]:
    available = _named(root / "proc/meminfo", "MemAvailable:")
    if available is not None:
        yield available << 10
    for group in _groups(root):
        limit = _text(group / "memory.max").strip()
        if limit.isdecimal():  # not "max"
            stat = group / "memory.stat"
            cached = sum(_named(stat, name) or 0 for name in ("inactive_file", "active_file"))
            yield int(limit) - int(_text(group / "memory.current") or 0) + cached


def _groups(root: Path) -> Iterator[Path]:
    """The folders of the process's own control group and of those around it."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, _, name = line.partition("::")
        if number == "0":
            top = root / "sys/fs/cgroup"
            own = top / name.strip("/")
            yield own
            yield from (folder for folder in own.parents if folder == top or top in folder.parents)


def _named(path: Path, name: str) -> int | None:
    for line in _text(path).splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == name and words[1].isdecimal():
            return int(words[1])
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
