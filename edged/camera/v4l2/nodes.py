"""The video nodes of a machine, from sysfs, udev's links and /proc; nothing is opened here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Holder", "VideoNode", "find_nodes", "holders", "on_this_machine"]


@dataclass(frozen=True, slots=True)
class VideoNode:
    """One ``/dev/videoN``. A camera may have several: its pictures, and metadata beside them.

    ``device`` is the same for all nodes of a camera. ``links`` are udev's names for this node, which stay the same over
    boots and plugs: those by serial number first. ``link_speed`` is the USB speed in Mbit/s; None off USB.
    """

    path: Path
    card: str
    index: int
    device: Path
    driver: str | None
    links: tuple[Path, ...]
    link_speed: float | None


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a node open."""

    pid: int
    command: str

    def __str__(self) -> str:
        return f"{self.command} (pid {self.pid})"


def find_nodes(root: Path) -> list[VideoNode]:
    """Return every video node below *root*, by number."""
    folder = root / "sys/class/video4linux"
    entries = [entry for entry in _entries(folder) if re.fullmatch(r"video\d+", entry.name)]
    links = list(_links(root))
    return [
        _node(root, entry, tuple(link for link, target in links if target.name == entry.name))
        for entry in sorted(entries, key=lambda entry: int(entry.name.removeprefix("video")))
    ]


def on_this_machine(root: Path, path: Path) -> Path:
    """Return the node that *path* leads to, with all links followed: ``/dev/v4l/by-id/…`` is some ``/dev/videoN``.

    Raises:
        FileNotFoundError: nowhere.
    """
    real = (root / path.relative_to("/")).resolve(strict=True)
    return Path("/") / real.relative_to(root.resolve())


def holders(root: Path, node: Path) -> list[Holder]:
    """Return the processes that have *node* open, as far as this one may look."""
    found = [
        Holder(int(entry.name), _read(entry / "comm") or "?")
        for entry in _entries(root / "proc")
        if entry.name.isdecimal() and any(_points_to(fd, node) for fd in _entries(entry / "fd"))
    ]
    return sorted(found, key=lambda holder: holder.pid)


def _node(root: Path, entry: Path, links: tuple[Path, ...]) -> VideoNode:
    device = (entry / "device").resolve()
    driver = (device / "driver").resolve().name if (device / "driver").is_symlink() else None
    index = _read(entry / "index")
    return VideoNode(
        path=Path("/dev") / entry.name,
        card=_read(entry / "name"),
        index=int(index) if index.isdecimal() else 0,
        device=device,
        driver=driver,
        links=links,
        link_speed=_link_speed(root, device),
    )


def _links(root: Path) -> Iterator[tuple[Path, Path]]:
    for folder in ("dev/v4l/by-id", "dev/v4l/by-path"):
        for link in sorted(_entries(root / folder)):
            yield Path("/") / link.relative_to(root), link.resolve()


def _link_speed(root: Path, device: Path) -> float | None:
    """Return the speed of the USB device that holds the camera, whose own device is one of its interfaces."""
    for folder in (device, *device.parents):
        if folder == root:
            break
        speed = _read(folder / "speed")
        if speed:
            return float(speed) if re.fullmatch(r"\d+(\.\d+)?", speed) else None
    return None


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:  # not there, or we have no permission
        return []


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _points_to(link: Path, node: Path) -> bool:
    try:
        return link.readlink() == node
    except OSError:  # closed meanwhile, or of another user
        return False
