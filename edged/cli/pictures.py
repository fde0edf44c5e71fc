"""Picture files, embedded one after the other; what cannot be used is told and does not stop the rest."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from edged.cli.ledger import printable
from edged.errors import ReferenceImageError
from edged.references import picture_files, read_reference
from edged.values import PixelFormat
from edged.vision.orientation import Orientation
from edged.vision.preprocess import Preprocessor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edged.values import Box, Region, Rotation
    from edged.vision.embedder import Embedder

__all__ = ["Failure", "Picture", "Pictures"]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """An embedded picture: its file, its size in pixels when upright, and its vector."""

    path: Path
    width: int
    height: int
    vector: NDArray[Any]


@dataclass(frozen=True, slots=True)
class Failure:
    """A path that could not be used, and why."""

    path: Path
    reason: str


class Pictures:
    """Embeds the *region* of each picture, turned by *rotation*; a PNG of what the model sees goes to *save_to*."""

    def __init__(self, embedder: Embedder, region: Region, rotation: Rotation, save_to: Path | None) -> None:
        self.embedder = embedder
        self.done: list[Picture] = []
        self.failed: list[Failure] = []
        self._region = region
        self._rotation = rotation
        self._view = None if save_to is None else _View(embedder, save_to)

    def expand(self, paths: Sequence[Path]) -> list[Path]:
        """The files that *paths* name: themselves, and the pictures in folders."""
        files: list[Path] = []
        for path in paths:
            try:
                files += picture_files(path)
            except (ReferenceImageError, OSError) as exc:
                self._fail(path, exc)
        return files

    def embed(self, path: Path) -> None:
        """Embed the picture in *path*, or tell why not."""
        try:
            picture = read_reference(path)
            height, width = picture.shape[:2]
            box = self._region.to_box(width, height)
            vector = np.zeros(self.embedder.dimension, self.embedder.dtype)
            self.embedder.embed(picture, PixelFormat.RGB, box, self._rotation, vector)
            if self._view is not None:
                self._view.save(picture, box, self._rotation, f"{len(self.done) + 1:04d}-{path.stem}.png")
        except (ReferenceImageError, OSError) as exc:
            self._fail(path, exc)
        else:
            self.done.append(Picture(path, width, height, vector))

    def _fail(self, path: Path, exc: Exception) -> None:
        reason = str(exc).removeprefix(f"{path}: ")
        self.failed.append(Failure(path, reason))
        print(f"edged embed: {printable(str(path))}: {printable(reason)}", file=sys.stderr)


class _View:
    """Writes what a model sees: the pixels as they are before they are normalised."""

    def __init__(self, embedder: Embedder, folder: Path) -> None:
        spec = replace(embedder.model.input, dtype="uint8", normalization=None)
        self._preprocess = Preprocessor(spec, embedder.options.resize)
        self._pixels = np.zeros((spec.height, spec.width, 3), np.uint8)
        self._folder = folder

    def save(self, picture: NDArray[np.uint8], box: Box, rotation: Rotation, name: str) -> None:
        self._preprocess(picture, PixelFormat.RGB, box, Orientation.from_rotation(rotation), self._pixels)
        _, png = cv2.imencode(".png", self._pixels[..., ::-1])
        (self._folder / name).write_bytes(png.tobytes())
