"""``edged devices``: lists the cameras of this machine, and the lines of a configuration for them."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING

from edged.cli.console import EXIT_USAGE, Commands
from edged.cli.onvif import PASSWORD_VARIABLE, list_onvif_cameras

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from edged.camera.devices import CameraInfo
    from edged.camera.v4l2.device import Mode

__all__ = ["add_parser", "devices", "snippet"]

NO_CAMERA = """\
No camera found. Check:
- A USB camera: is it plugged in, and does 'lsusb' list it? 'sudo dmesg | tail' shows what the kernel found; the driver
  is the kernel module uvcvideo.
- A Raspberry Pi camera: does 'rpicam-hello --list-cameras' list it?
- In a container: pass the devices in, as in 'docker run --device /dev/video0 --group-add video …'.
- Without a camera: 'source: "pattern:"' delivers a test picture, and 'source: "file:clip.mp4"' plays a clip."""

SHOWN = 4  # names of formats that do not work here; some drivers offer eighty
WIDE = 400  # columns when stdout is not a terminal: names to paste must not be broken


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "devices",
        help="list the cameras of this machine",
        description="Lists the USB and Raspberry Pi cameras of this machine with their formats, sizes and frame rates, "
        "and the programs that use them. Then prints the lines to paste into a configuration, with device names that "
        "stay the same after a reboot. Cameras that this user may not open are listed too.",
    )
    parser.add_argument("--json", action="store_true", help="print all details as JSON, for programs")
    parser.add_argument(
        "--onvif",
        nargs="*",
        metavar="HOST",
        help="instead, find the ONVIF cameras of the network, or ask those at HOST, and print the addresses of their "
        "streams and snapshots. Exit status 1: no HOST can be used",
    )
    parser.add_argument(
        "--user",
        metavar="NAME",
        help="ask ONVIF cameras as this user. The password is read from the terminal, or from the environment variable "
        f"{PASSWORD_VARIABLE}; it is never sent, cameras get a signature made with it",
    )
    parser.set_defaults(main=_local_or_onvif)


def _local_or_onvif(args: argparse.Namespace) -> int:
    if args.onvif is not None:
        return list_onvif_cameras(args.onvif, args.user, is_json=args.json)
    if args.user is not None:
        print("edged devices: --user goes with --onvif", file=sys.stderr)
        return EXIT_USAGE
    return devices(args)


def devices(args: argparse.Namespace) -> int:
    """List the cameras of this machine."""
    from edged.camera.devices import list_cameras

    cameras = list_cameras()
    if args.json:
        print(json.dumps([asdict(camera) for camera in cameras], indent=2, ensure_ascii=False))
    elif not cameras:
        print(NO_CAMERA)
    else:
        from rich.console import Console

        Console(width=None if sys.stdout.isatty() else WIDE).print(_table(cameras))
        print(snippet(cameras), end="")
    return 0


def snippet(cameras: Sequence[CameraInfo]) -> str:
    """Return the section ``cameras`` of a configuration with all of *cameras*."""
    lines = ["cameras:"]
    for name, camera in zip(_names(cameras), cameras, strict=True):
        lines += [f"  {name}:", f"    source: {json.dumps(camera.source, ensure_ascii=False)}"]
    return "\n".join(lines) + "\n"


def _names(cameras: Sequence[CameraInfo]) -> Iterator[str]:
    """Yield a valid name for each of *cameras*, all different."""
    given: set[str] = set()
    for camera in cameras:
        plain = re.sub(r"[^a-z0-9]+", "-", camera.card.lower()).strip("-")[:60].strip("-") or "camera"
        name = next(n for n in (plain, *(f"{plain}-{turn}" for turn in range(2, len(cameras) + 2))) if n not in given)
        given.add(name)
        yield name


def _table(cameras: Sequence[CameraInfo]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table("Camera", "Formats, with frames per second", "In use by", show_lines=True)
    for camera in cameras:
        name = Text(camera.card, style="bold")
        for fact in filter(None, (camera.node, camera.driver, camera.bus)):
            name.append(f"\n{fact}", style="not bold")
        formats = Text("\n").join(_formats(camera))
        table.add_row(name, Text(camera.problem, style="red") if camera.problem else formats, Text(_users(camera)))
    return table


def _formats(camera: CameraInfo) -> Iterator[Text]:
    """Yield a line for each format that works here and each set of rates, and one for all that do not work."""
    from rich.text import Text

    for offered in filter(lambda offered: offered.works, camera.formats):
        if not offered.modes:
            yield Text(offered.name)
        for rates, modes in groupby(offered.modes, key=_rates):
            yield Text(f"{offered.name} {' '.join(map(_size, modes))}{rates}")
    useless = [offered.name for offered in camera.formats if not offered.works]
    if useless:
        yield Text(f"not usable here: {_few(useless)}", style="dim")
    if (present := camera.present) is not None:
        rate = "" if present.fps is None else f": {present.fps:g}"
        decoded = f", decoded by {present.decoder}" if present.decoder else ""
        yield Text(f"set to {present.name} {present.width}×{present.height}{rate}{decoded}", style="italic")


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} others" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"


def _rates(mode: Mode) -> str:
    if not mode.rates:
        return ""
    return ": " + ("…" if mode.any_rate else " ").join(f"{rate:g}" for rate in mode.rates)


def _size(mode: Mode) -> str:
    largest = f"{mode.width}×{mode.height}"
    return f"{mode.smallest[0]}×{mode.smallest[1]}…{largest}" if mode.smallest else largest


def _users(camera: CameraInfo) -> str:
    if camera.holders:
        return "\n".join(map(str, camera.holders))
    if camera.node is None and camera.problem:  # the system does not show which program uses it
        return "unknown"
    return "nobody" if os.geteuid() == 0 else "nobody (that this user may see)"
