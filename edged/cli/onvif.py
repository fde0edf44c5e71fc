"""``edged devices --onvif``: the cameras of the network, and the lines of a configuration for them."""

from __future__ import annotations

import getpass
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from edged.cli.console import EXIT_FAILURE, EXIT_USAGE
from edged.cli.text import printable

if TYPE_CHECKING:
    from edged.camera.onvif.camera import OnvifCamera, OnvifProfile

__all__ = ["PASSWORD_VARIABLE", "list_onvif_cameras"]

PASSWORD_VARIABLE = "EDGED_ONVIF_PASSWORD"  # noqa: S105 - its name
NO_CAMERA = """\
No ONVIF camera has answered. Check:
- Is the camera on the same network? Questions to all devices pass no router and often no Wi-Fi; 'edged devices --onvif
  HOST' asks one camera by its address.
- Is ONVIF switched on in the camera? Many have it off at first, and users of their own for it.
- Does a firewall of this machine let the answers in? They come over UDP from port 3702."""


def list_onvif_cameras(hosts: Sequence[str], user: str | None, *, is_json: bool) -> int:
    """Print the cameras at *hosts*, or those of the network, asked as *user*; returns the exit status.

    It is not 0 if cameras were named, and none of them can be used.
    """
    from edged.camera.onvif.camera import ask_cameras, device_at, find_cameras

    try:
        devices = [device_at(host) for host in hosts]
    except ValueError as exc:
        print(f"edged devices: --onvif: {exc}", file=sys.stderr)
        return EXIT_USAGE
    password = "" if user is None else os.environ.get(PASSWORD_VARIABLE) or getpass.getpass(f"Password of {user}: ")
    try:
        cameras = ask_cameras(devices, user, password) if devices else find_cameras(user, password)
    except OSError as exc:
        print(f"edged devices: no question can be sent to the network: {exc.strerror or exc}", file=sys.stderr)
        return EXIT_FAILURE
    if is_json:
        print(json.dumps([asdict(camera) for camera in cameras], indent=2, ensure_ascii=False))
    elif cameras:
        print("\n".join(_lines(cameras, user)))
    else:
        print(NO_CAMERA)
    return EXIT_FAILURE if hosts and all(camera.problem for camera in cameras) else 0


def _lines(cameras: Sequence[OnvifCamera], user: str | None) -> Iterator[str]:
    """Yield a section ``cameras`` with every camera that can be used; what is to know about each is a comment."""
    yield "cameras:"
    for number, camera in enumerate(cameras, 1):
        yield f"  # {printable(camera.name or 'a camera without a name')}, {camera.service}"
        if camera.problem:
            yield f"  # {printable(camera.problem)}"
            continue
        yield f"  {_name(camera.name, number)}:"
        sources = [source for profile in camera.profiles for source in _sources(profile, user)]
        for place, (source, about) in enumerate(sources):
            yield f"    {'#' if place else ''}source: {json.dumps(source)}  # {printable(about)}"
    if user is not None and not all(camera.problem for camera in cameras):
        yield "# CAM_PASSWORD is a variable of the environment, or a secret: docs/service.md"


def _sources(profile: OnvifProfile, user: str | None) -> Iterator[tuple[str, str]]:
    size = f"{profile.encoding or 'video'} {profile.width} × {profile.height}" if profile.width else profile.encoding
    rate = f", {profile.fps:g} frames per second" if profile.fps else ""
    if profile.stream:
        yield _with_login(profile.stream, user), f"{profile.name}: {size}{rate}"
    if profile.snapshot:
        yield _with_login(profile.snapshot, user), f"{profile.name}: snapshots, one JPEG for each request"


def _with_login(url: str, user: str | None) -> str:
    """Return *url* with *user*, and a variable for the password."""
    from urllib.parse import quote

    if user is None:
        return url.replace("$", "$$")
    scheme, _, rest = url.replace("$", "$$").partition("://")
    return f"{scheme}://{quote(user, '')}:${{CAM_PASSWORD}}@{rest}"


def _name(text: str, number: int) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:50].strip("-") or "camera"
    return f"{plain}-{number}"
