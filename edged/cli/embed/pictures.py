"""Picture files, embedded one after the other; one that cannot be used is reported and does not stop the rest."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edged.cli.text import printable
from edged.errors import PictureError, ReferenceImageError
from edged.references import once_each, picture_files, read_reference
from edged.regions import PixelRegion
from edged.values import WHITE, PixelFormat
from edged.vision.pictures.png import to_png
from edged.vision.pixels.reduction import crop_size, reduce_picture
from edged.vision.pixels.view import ModelView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edged.regions import AnyRegion, Region
    from edged.values import Colour, Rotation
    from edged.vision.embedder import Embedder

__all__ = ["EmbeddedPicture", "Failure", "Pictures"]


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedPicture:
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
    """Embeds the *region* of each picture, rotated by *rotation*; the model input is saved as PNG in *save_to*.

    A picture may have *max_pixels*, and is laid on *background* where it is transparent.
    """

    def __init__(
        self,
        embedder: Embedder,
        region: AnyRegion,
        rotation: Rotation,
        save_to: Path | None,
        max_pixels: int,
        background: Colour = WHITE,
    ) -> None:
        self.embedder = embedder
        self.done: list[EmbeddedPicture] = []
        self.failed: list[Failure] = []
        self.repeated = 0
        self._region = region
        self._rotation = rotation
        self._max_pixels = max_pixels
        self._background = background
        self._view = ModelView(embedder.model.input, embedder.options.resize, embedder.options.fit)
        self._save_to = save_to

    def expand(self, paths: Sequence[Path], *, is_catalogue: bool = False) -> list[Path]:
        """Return the files that *paths* name, with the pictures in folders; for a catalogue each once."""
        files: list[Path] = []
        for path in paths:
            try:
                files += picture_files(path, _report)
            except (ReferenceImageError, OSError) as exc:
                self._fail(path, exc)
        if not is_catalogue:
            return files
        for path, count in Counter(file.absolute() for file in files).items():
            if count > 1:
                self.repeated += 1
                _report(f"{path}: is given twice; it is left out")
        return once_each(files)

    def embed(self, path: Path) -> None:
        """Embed the picture *path*; a failure is noted and reported on stderr."""
        try:
            picture = read_reference(path, self._max_pixels, self._background)
            region = self._region_in(picture)
            if self.embedder.options.decode == "reduced":
                spec = self.embedder.model.input
                picture = reduce_picture(picture, crop_size((spec.width, spec.height), self._rotation))
            height, width = picture.shape[:2]
            box = region.to_box(width, height)
            vector = np.zeros(self.embedder.dimension, self.embedder.dtype)
            self.embedder.embed(picture, PixelFormat.RGB, box, self._rotation, vector)
            if self._save_to is not None:
                model_input = self._view.of(picture, PixelFormat.RGB, box, self._rotation)
                (self._save_to / f"{len(self.done) + 1:04d}-{path.stem}.png").write_bytes(to_png(model_input))
        except (PictureError, ReferenceImageError, OSError) as exc:
            self._fail(path, exc)
        else:
            self.done.append(EmbeddedPicture(path, width, height, vector))

    def _region_in(self, picture: NDArray[np.uint8]) -> Region:
        height, width = picture.shape[:2]
        if isinstance(self._region, PixelRegion) and (misfit := self._region.misfit(width, height)) is not None:
            raise ReferenceImageError(f"--roi: {misfit[0]}: {misfit[1]}")
        return self._region.at(width, height)

    def _fail(self, path: Path, exc: Exception) -> None:
        reason = str(exc).removeprefix(f"{path}: ")
        self.failed.append(Failure(path, reason))
        _report(f"{path}: {reason}")


def _report(text: str) -> None:
    print(f"edged embed: {printable(text)}", file=sys.stderr)
