"""The errors of requests to a V4L2 device, explained for people."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from edged.camera.v4l2.nodes import holders

__all__ = ["explain", "held_by"]


def explain(error: OSError, target: str, root: Path, node: Path | None) -> str:
    """Return a sentence about *error* on the camera that the configuration calls *target*, with a cure if there is one.

    *node* is where *target* led to, as far as that is known. The camera's own file descriptors are closed by now.
    """
    where = target if node is None or str(node) == target else f"{target} ({node})"
    match error.errno:
        case errno.ENOENT:
            what = "there is no such device; is the camera plugged in? 'edged devices' lists those that are"
        case errno.EACCES | errno.EPERM:
            what = (
                "no permission to open it; cameras belong to the group 'video': run 'sudo usermod -aG video $USER' and "
                "log in again, or give a service SupplementaryGroups=video"
            )
        case errno.EBUSY:
            what = f"busy: {held_by(root, node)} has it open"
        case errno.ENODEV | errno.ENXIO:
            what = "it has gone: it was unplugged, or its driver gave it up"
        case errno.ENOSPC:
            what = (
                "the USB bus has no bandwidth left for it: ask for fewer or smaller frames or for mjpg, or plug it "
                "into another controller"
            )
        case errno.ENOTTY:
            what = "not a V4L2 camera"
        case errno.EISDIR:
            what = "a folder; name one of the devices in it"
        case code:
            what = error.strerror or os.strerror(code or errno.EIO)
    return f"{where}: {what}"


def held_by(root: Path, node: Path | None) -> str:
    """Return the processes that have *node* open, for people."""
    found = holders(root, node) if node is not None else []
    names = ["edged itself, for another camera," if holder.pid == os.getpid() else str(holder) for holder in found]
    return " and ".join(names) or "another process, which only root may see,"
