"""``edged snapshot``: what a camera sees now, with its regions, and what the model is given of each."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edged.cli.contract import EXIT_FAILURE, Commands
from edged.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edged.config import Config

__all__ = ["add_parser"]


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "snapshot",
        help="save what a camera sees and what the model is given",
        description="Takes one frame from each camera of a configuration, or from the one that is named, and writes it "
        "as CAMERA.png with its regions drawn on it, and beside it CAMERA-REGION.png, exactly the picture that the "
        "model is given: cropped, resized, turned. The daemon must not be running: it holds the cameras.",
    )
    parser.add_argument("-c", "--config", metavar="FILE", required=True, help="the configuration")
    parser.add_argument("cameras", nargs="*", metavar="CAMERA", help="cameras of it; default: all")
    parser.add_argument(
        "-o", "--out", type=Path, default=Path(), metavar="DIR", help="where to write; default: the current folder"
    )
    parser.set_defaults(main=snapshot)


def snapshot(args: argparse.Namespace) -> int:
    """Write the pictures of the cameras that *args* names."""
    from edged.config import load
    from edged.errors import SourceError
    from edged.service.occupied import publishing_already
    from edged.service.snapshot import Photographer

    loaded = load(args.config)
    config = loaded.config
    cameras = _chosen(config, args.cameras)
    if taken := publishing_already(config.publish.endpoints):
        print(
            f"edged snapshot: a daemon is publishing on {taken} and holds the cameras; stop it first", file=sys.stderr
        )
        return EXIT_FAILURE
    photographer = Photographer(loaded)
    status = 0
    for camera in cameras:
        try:
            pictures = photographer.take(camera)
        except SourceError as exc:
            print(f"edged snapshot: camera {camera}: {exc}", file=sys.stderr)
            status = EXIT_FAILURE
            continue
        if not _save(args.out, pictures):
            return EXIT_FAILURE
    return status


def _chosen(config: Config, names: list[str]) -> list[str]:
    unknown = [name for name in names if name not in config.cameras]
    if unknown:
        known = ", ".join(config.cameras)
        raise ConfigError(f"edged snapshot: there is no camera {unknown[0]!r}; the configuration has {known}")
    return names or list(config.cameras)


def _save(folder: Path, pictures: dict[str, NDArray[np.uint8]]) -> bool:
    from edged.cli.png import save_png

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, picture in pictures.items():
            path = folder / f"{name}.png"
            save_png(path, picture)
            print(path)
    except OSError as exc:
        print(f"edged snapshot: --out {folder}: {exc.strerror or exc}", file=sys.stderr)
        return False
    return True
