"""Checks of the folders that edged writes to, and of the disk under them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from edged.service.doctor.finding import Finding, ok, warning

__all__ = ["folder_findings", "folders"]

LITTLE_DISK = 50 << 20  # bytes; edged itself needs next to none


def folders(_: str | None) -> Iterator[Finding]:
    """Check the folders in which this user's edged keeps its state and its sockets."""
    from edged.config.environment import runtime_folder, state_folder

    yield from folder_findings(state_folder())
    runtime = runtime_folder()
    if runtime is None:
        yield ok("sockets", "no folder for them ($RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR): only tcp by default")
    elif os.access(_nearest(runtime), os.W_OK | os.X_OK):
        yield ok("sockets", f"{runtime} can be written to")
    else:
        yield warning("sockets", f"{runtime} may not be written to by this user", _own(runtime))


def folder_findings(state: Path | None) -> Iterator[Finding]:
    """Check whether *state* can be written to, and how much of the disk is free."""
    if state is None:
        yield warning("state", "this user has no home, so nothing is remembered", "set STATE_DIRECTORY to a folder")
        return
    there = _nearest(state)
    disk = os.statvfs(there)
    free = disk.f_bavail * disk.f_frsize
    if disk.f_flag & os.ST_RDONLY:
        yield warning("state", f"{state} is on a disk that is read-only", "sudo mount -o remount,rw, or a new card")
    elif os.access(there, os.W_OK | os.X_OK):
        yield ok("state", f"{state} can be written to")
    else:
        yield warning("state", f"{state} may not be written to, so nothing is remembered", _own(state))
    words = f"{free >> 20} MiB are free on the disk of {there}"
    if free < LITTLE_DISK:
        yield warning("disk", words, "free some space: sudo journalctl --vacuum-size=50M, sudo apt clean")
    else:
        yield ok("disk", words)


def _nearest(folder: Path) -> Path:
    """*folder*, or the first above it that exists."""
    return next(each for each in (folder, *folder.parents) if each.is_dir())


def _own(folder: Path) -> str:
    return f"sudo install -d -o $USER {folder}"
