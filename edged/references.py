"""Reference pictures: embedded once at the start, and compared with every frame from then on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edged.errors import ReferenceImageError
from edged.values import Box, Match, PixelFormat
from edged.vision.image import read_picture
from edged.vision.reduction import reduce_picture
from edged.vision.similarity import ReferenceMatrix

if TYPE_CHECKING:
    from edged.vision.embedder import Embedder

__all__ = [
    "PICTURE_SUFFIXES",
    "Reference",
    "References",
    "Scorer",
    "embed_picture",
    "embed_upright",
    "picture_files",
    "read_reference",
]

PICTURE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""Which files of a folder are taken for pictures."""


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """What something looks like: one vector for each of its pictures, of which the best counts.

    ``places`` are the cameras (``street``) and regions (``street/path``) that it is compared in; empty: everywhere.
    """

    name: str
    vectors: Sequence[NDArray[np.float32] | NDArray[np.int8]]
    places: tuple[str, ...] = ()

    def applies_to(self, camera: str, region: str) -> bool:
        """Whether it is compared with what that region of that camera shows."""
        return not self.places or camera in self.places or f"{camera}/{region}" in self.places


class Scorer:
    """Compares vectors with the references of one place, in one matrix product."""

    def __init__(self, references: Sequence[Reference]) -> None:
        self._names = [reference.name for reference in references]
        counts = [len(reference.vectors) for reference in references]
        self._starts = np.cumsum([0, *counts[:-1]]) if counts else np.zeros(0, np.intp)
        self._matrix = ReferenceMatrix([vector for reference in references for vector in reference.vectors])
        self._scores = np.zeros(sum(counts), np.float32)
        self._best = np.zeros(len(counts), np.float32)

    @property
    def size(self) -> int:
        """How many references are compared."""
        return len(self._names)

    def matches(self, vector: NDArray[np.float32] | NDArray[np.int8]) -> tuple[Match, ...]:
        """The cosine of *vector* to each reference, -1…1, best first; of several pictures the best counts."""
        if not self._names:
            return ()
        self._matrix.scores(vector, self._scores)
        np.maximum.reduceat(self._scores, self._starts, out=self._best)
        ranked = sorted(zip(self._best.tolist(), self._names, strict=True), key=lambda pair: (-pair[0], pair[1]))
        return tuple(Match(name, similarity) for similarity, name in ranked)


class References:
    """All references of the daemon: those of its configuration, and those that were enrolled while it ran.

    A name stands for one reference: an enrolled one whose name the configuration has too is passed over.
    """

    def __init__(self, configured: Sequence[Reference] = (), enrolled: Sequence[Reference] = ()) -> None:
        self.configured = tuple(configured)
        self.enrolled = tuple(enrolled)
        self._scorers: dict[tuple[str, ...], Scorer] = {}

    def __iter__(self) -> Iterator[Reference]:
        yield from self.configured
        names = {reference.name for reference in self.configured}
        yield from (reference for reference in self.enrolled if reference.name not in names)

    def scorer(self, camera: str, region: str) -> Scorer:
        """The scorer of a region; places with the same references share one, and so its memory."""
        applying = [reference for reference in self if reference.applies_to(camera, region)]
        names = tuple(reference.name for reference in applying)
        if names not in self._scorers:
            self._scorers[names] = Scorer(applying)
        return self._scorers[names]


def picture_files(path: Path) -> list[Path]:
    """*path* itself, or the pictures in the folder *path*, by name.

    Raises:
        ReferenceImageError: the folder cannot be read or holds no picture.
    """
    try:
        if not path.is_dir():
            return [path]
        pictures = sorted(file for file in path.iterdir() if file.suffix.lower() in PICTURE_SUFFIXES)
    except OSError as exc:
        raise ReferenceImageError(f"{path}: cannot be read: {exc.strerror}") from exc
    if not pictures:
        raise ReferenceImageError(
            f"{path}: the folder holds no picture (files that end in {', '.join(sorted(PICTURE_SUFFIXES))})"
        )
    return pictures


def read_reference(path: Path) -> NDArray[np.uint8]:
    """A picture turned upright as its EXIF orientation says: RGB, ``(height, width, 3)``.

    Raises:
        ReferenceImageError: *path* is missing or no picture.
    """
    try:
        return read_picture(path)
    except (OSError, RuntimeError, ValueError) as exc:
        raise ReferenceImageError(f"{path}: {exc}") from exc


def embed_picture(path: Path, embedder: Embedder) -> NDArray[np.float32] | NDArray[np.int8]:
    """The vector of a whole picture, upright and decoded as the embedder's are; shape ``(dimension,)``.

    Raises:
        ReferenceImageError: *path* is missing, no picture, or gives a vector that cannot be compared.
    """
    return embed_upright(path, read_reference(path), embedder)


def embed_upright(path: Path, picture: NDArray[np.uint8], embedder: Embedder) -> NDArray[np.float32] | NDArray[np.int8]:
    """The vector of *picture*, which `read_reference` has read from *path*; shape ``(dimension,)``.

    Raises:
        ReferenceImageError: it gives a vector that cannot be compared.
    """
    if embedder.options.decode == "reduced":
        picture = reduce_picture(picture, (embedder.model.input.width, embedder.model.input.height))
    height, width = picture.shape[:2]
    vector = np.zeros(embedder.dimension, embedder.dtype)
    embedder.embed(picture, PixelFormat.RGB, Box(0, 0, width, height), 0, vector)
    if not vector.any():
        raise ReferenceImageError(f"{path}: the model gives a vector of zeros, which is like nothing")
    return vector
