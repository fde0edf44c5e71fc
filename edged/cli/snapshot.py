"""``edged snapshot``: saves the frame of a camera with its regions, and the model input of each region."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from edged.cli.console import EXIT_FAILURE, Commands
from edged.cli.daemon_arguments import add_daemon, connect_daemon
from edged.errors import ConfigError, ControlError, SourceError

__all__ = ["add_parser"]

Take = Callable[[str], Mapping[str, bytes]]
"""Takes the pictures of a camera and returns PNGs by name. Raises SourceError or ControlError."""


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "snapshot",
        help="save a frame of each camera and the model input of each region",
        description="Takes one frame from each camera and writes CAMERA.png, with the regions drawn on it, and "
        "CAMERA.REGION.png, the exact input of the model for each region: cropped, resized, rotated. If a daemon runs, "
        "it takes the pictures, because it has the cameras open. Else -c names a configuration, and its cameras are "
        "opened here.",
    )
    parser.add_argument("cameras", nargs="*", metavar="CAMERA", help="the cameras to take (default: all)")
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="the folder to write into (default: the current folder)",
    )
    parser.add_argument(
        "--grid",
        action="store_true",
        help="draw lines at all tenths on CAMERA.png, with their numbers, to read off where a region is to be",
    )
    add_daemon(parser)
    parser.set_defaults(main=snapshot, runs_native_code=True)


def snapshot(args: argparse.Namespace) -> int:
    """Write the pictures of the cameras that *args* names."""
    if args.config is None:
        return _save_from_daemon(args)
    from edged.config import load
    from edged.service.endpoint_in_use import publishing_already

    loaded = load(args.config)
    names = _chosen_cameras(loaded.config.cameras, args.cameras)
    taken = publishing_already(loaded.config.publish.endpoints)
    if taken is not None:
        try:
            return _save_from_daemon(args)
        except ControlError as exc:
            if exc.code not in ("no-daemon", "not-allowed"):
                raise
            print(
                f"edged snapshot: a daemon publishes on {taken} and has the cameras open, but does not answer; stop it "
                f"first, or make it answer: {exc}",
                file=sys.stderr,
            )
            return EXIT_FAILURE
    from edged.pipeline.loading.model import read_model_file
    from edged.service.snapshot import take_snapshot
    from edged.vision.pictures.png import to_png

    model_input = read_model_file(loaded).input

    def take(camera: str) -> Mapping[str, bytes]:
        return {name: to_png(picture) for name, picture in take_snapshot(loaded.config, camera, model_input).items()}

    return _write_all(args, names, take)


def _save_from_daemon(args: argparse.Namespace) -> int:
    """Save the pictures that the running daemon takes."""
    with connect_daemon(args) as daemon:
        names = _chosen_cameras([camera.name for camera in daemon.status().cameras], args.cameras)

        return _write_all(args, names, lambda camera: daemon.snapshot(camera)[1])


def _chosen_cameras(known: Iterable[str], names: Sequence[str]) -> Sequence[str]:
    unknown = [name for name in names if name not in known]
    if unknown:
        has = ", ".join(known)
        raise ConfigError(f"edged snapshot: there is no camera {unknown[0]!r}; the cameras are {has}")
    return names or list(known)


def _write_all(args: argparse.Namespace, cameras: Sequence[str], take: Take) -> int:
    status = 0
    for camera in cameras:
        try:
            pictures = take(camera)
        except SourceError as exc:
            print(f"edged snapshot: camera {camera}: {exc}", file=sys.stderr)
            status = EXIT_FAILURE
            continue
        except ControlError as exc:  # it names the camera
            print(f"edged snapshot: {exc}", file=sys.stderr)
            status = EXIT_FAILURE
            continue
        if args.grid:
            from edged.vision.pictures.grid import with_grid

            pictures = {**pictures, camera: with_grid(pictures[camera])}
        if not _save(args.out, pictures):
            return EXIT_FAILURE
    return status


def _save(folder: Path, pictures: Mapping[str, bytes]) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, png in pictures.items():
            path = folder / f"{name}.png"
            path.write_bytes(png)
            print(path)
    except OSError as exc:
        print(f"edged snapshot: --out {folder}: {exc.strerror or exc}", file=sys.stderr)
        return False
    return True
