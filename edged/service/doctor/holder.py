"""The process that listens on a port, as /proc shows it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["holder_of_port"]

_LISTENING = "0A"


def holder_of_port(port: int, root: Path = Path("/")) -> tuple[str, int] | None:
    """Name and pid of the process that listens on TCP *port*; None if this user sees none."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(root / "proc/net", port)}
    for process in root.glob("proc/[0-9]*") if sockets else ():
        if any(link in sockets for link in _links(process / "fd")):
            return _name(process), int(process.name)
    return None


def _inodes(folder: Path, port: int) -> Iterator[str]:
    """Columns of these files: local address, remote address, state, …, and the inode as the tenth."""
    for name in ("tcp", "tcp6"):
        for line in _lines(folder / name):
            fields = line.split()
            if len(fields) > 9 and fields[3] == _LISTENING and fields[1].rpartition(":")[2] == f"{port:04X}":
                yield fields[9]


def _links(folder: Path) -> Iterator[str]:
    try:
        entries = list(folder.iterdir())
    except OSError:  # of another user
        return
    for entry in entries:
        try:
            yield os.readlink(entry)  # noqa: PTH115 - socket:[1] is not a path
        except OSError:  # closed meanwhile
            continue


def _name(process: Path) -> str:
    """``edged`` however it was started, also by ``python -m edged``."""
    arguments = "".join(_lines(process / "cmdline")).split("\0")
    if "edged" in (Path(argument).name for argument in arguments[:2]) or arguments[1:3] == ["-m", "edged"]:
        return "edged"
    return next(iter(_lines(process / "comm")), "?").strip()


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(errors="replace").splitlines()
    except OSError:
        return []
