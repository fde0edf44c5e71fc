"""Keeping what was drawn: ``edged config set`` in a process of its own edits the configuration file."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from reprlib import repr as short
from typing import Any

from edged.errors import ControlError, WireError, map_exceptions
from edged.values import ROTATIONS, check_name
from edged.wire.typed import object_reader

__all__ = ["Edges", "Keep", "KeepError", "change_file", "changes_of", "read_keep"]

SECONDS = 60.0
LONGEST_ANSWER = 1 << 20


class KeepError(ControlError):
    """The file was not changed. ``yaml`` has the lines to paste, where there are some."""

    def __init__(self, code: str, text: str, yaml: str | None = None) -> None:
        super().__init__(code, text)
        self.yaml = yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """A region: its edges in 0…1 of the frame as captured."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """What a camera is to have in the configuration from now on: its regions, its mask and its rotation.

    What is None stays as it is. ``regions`` are all that it has.
    """

    camera: str
    regions: Mapping[str, Edges] | None = None
    mask: tuple[tuple[tuple[float, ...], ...], ...] | None = None
    rotation: int | None = None

    def __post_init__(self) -> None:
        with map_exceptions({ValueError: WireError}, "camera"):
            check_name(self.camera)
        for region in self.regions or ():
            with map_exceptions({ValueError: WireError}, "regions"):
                check_name(region)
        if self.regions is not None and not self.regions:
            raise WireError("regions: must have one at least")
        if self.rotation is not None and self.rotation not in ROTATIONS:
            raise WireError(f"rotation: must be one of {', '.join(map(str, ROTATIONS))} (got {short(self.rotation)})")
        if self.regions is None and self.mask is None and self.rotation is None:
            raise WireError("regions, mask, rotation: one of them must be given")


_read = object_reader(Keep, "")


def read_keep(rest: Mapping[str, Any]) -> Keep:
    """Return the request with those keys.

    Raises:
        ControlError: a key is missing, unknown or wrong (``invalid``).
    """
    if unknown := sorted(rest.keys() - {"camera", "regions", "mask", "rotation"}):
        raise ControlError("invalid", f"{short(unknown[0])}: is not a key of keep")
    try:
        return Keep(**_read(dict(rest)))
    except WireError as exc:
        raise ControlError("invalid", str(exc)) from exc


def changes_of(keep: Keep, present: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changes for ``edged config set``.

    *present* is what the daemon's ``status`` has about the camera, as it is configured. What is the same there is not
    changed, because the file can have it in another way: a region in pixels, a rotation by default.
    """
    place = f"cameras.{keep.camera}"
    regions: Mapping[str, Sequence[float]] = present.get("regions_at") or {}
    changes: dict[str, Any] = {}
    for name, edges in (keep.regions or {}).items():
        if [edges.left, edges.top, edges.right, edges.bottom] != list(regions.get(name, ())):
            changes[f"{place}.regions.{name}"] = {
                "left": edges.left, "top": edges.top, "right": edges.right, "bottom": edges.bottom
            }  # fmt: skip
    removed = [] if keep.regions is None else [name for name in present.get("regions", ()) if name not in keep.regions]
    unset = [f"{place}.regions.{name}" for name in removed]
    mask = None if keep.mask is None else [[list(point) for point in polygon] for polygon in keep.mask]
    if mask and mask != present.get("mask"):
        changes[f"{place}.mask"] = mask
    elif mask is not None and not mask and present.get("mask"):
        unset.append(f"{place}.mask")
    if keep.rotation is not None and keep.rotation != present.get("rotation"):
        changes[f"{place}.rotation"] = keep.rotation
    return {"set": changes, "unset": unset}


async def change_file(config: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Make *changes* in the file *config* by a child process; return its answer.

    Raises:
        KeepError: the file was not changed.
    """
    command = [sys.executable, "-P", "-m", "edged", "config", "set", "-c", config, "--json", "--changes", "-"]
    # -P: no code from the folder that the page was started in.
    with map_exceptions({OSError: partial(KeepError, "failed")}, "'edged config set' could not be started"):
        child = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={key: value for key, value in os.environ.items() if key not in ("NOTIFY_SOCKET", "LISTEN_FDS")},
        )
    try:
        async with asyncio.timeout(SECONDS):
            answer, _ = await child.communicate(json.dumps(changes).encode())
    except TimeoutError:
        raise KeepError("failed", f"'edged config set' took longer than {SECONDS:g} s") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return _read_answer(answer)


def _read_answer(answer: bytes) -> dict[str, Any]:
    try:
        content = json.loads(answer[:LONGEST_ANSWER])
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise KeepError("failed", "'edged config set' gave no answer; see its error with 'edged config set --help'")
    if content.get("ok") is not True:
        yaml = content.get("yaml")
        code, text = str(content.get("code", "failed")), str(content.get("text", ""))
        raise KeepError(code, text, yaml if isinstance(yaml, str) else None)
    return content
