"""References of a configuration: pictures that are embedded and catalogues that are read."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edged.config import ConfigFileError, KeyPath, Loaded, Problem, ReferenceConfig
from edged.errors import ReferenceImageError
from edged.references import (
    Reference,
    ReferenceGroup,
    References,
    embed_picture,
    labels_of,
    picture_files,
    read_reference,
)
from edged.references.catalogue import Space, check_catalogue, default_dtype, read_catalogue
from edged.vision.embedder import Embedder
from edged.vision.unit_vectors import DTYPES, Storage, UnitRows
from edged.wire import Vector

__all__ = ["embed_references", "open_references", "reference_problems"]

log = logging.getLogger(__name__)

OF_CATALOGUE = 5  # best matches of a catalogue that are published by default
MANY = 1000  # vectors from which on their memory is logged
LOG_SECONDS = 10.0  # from one line about the progress to the next


@dataclass(frozen=True, slots=True)
class _ReferencePicture:
    """A picture of a reference; *index* is that of the setting in ``images`` that names it."""

    path: Path
    index: int


def open_references(loaded: Loaded, embedder: Embedder, go_on: Callable[[], None] = lambda: None) -> References:
    """Embed every picture of every reference. *go_on* is called before each, and may raise to put an end to it.

    Raises:
        ConfigFileError: pictures or catalogues cannot be used; it has a problem for each.
    """

    def embed(picture: Path) -> Vector:
        go_on()
        return embed_picture(picture, embedder, loaded.config.max_pixels, loaded.config.background)

    return References(embed_references(loaded, embed, embedder), top_k=loaded.config.publish.top_k)


def embed_references(loaded: Loaded, embed: Callable[[Path], Vector], space: Space) -> list[ReferenceGroup]:
    """Return the references of the configuration; *embed* makes the vector of each of their pictures in *space*.

    Raises:
        ConfigFileError: pictures cannot be used, because *embed* raised `ReferenceImageError`, or catalogues cannot;
            it has a problem for each.
    """
    problems: list[Problem] = []
    configs = loaded.config.references
    pictures = {name: _pictures(loaded, name, problems) for name in configs if configs[name].catalogue is None}
    unnamed: list[Problem] = []
    labels = {name: _labels(loaded, name, found, unnamed) for name, found in pictures.items()}
    if unnamed:  # before anything is embedded
        raise ConfigFileError([*problems, *unnamed])
    progress = _EmbeddingProgress(sum(map(len, pictures.values())))
    groups: list[ReferenceGroup] = []
    for (places, dtype), names in _by_place_and_dtype(loaded, pictures).items():
        rows = UnitRows(sum(len(pictures[name]) for name in names), space.dimension, dtype)
        numbers = itertools.count()
        for name in names:
            for picture in pictures[name]:
                with _collecting_problems(loaded, ("references", name, "images", picture.index), problems):
                    _keep(picture.path, embed(picture.path), rows, next(numbers))
                progress.step()
        if not problems:
            references = tuple(_of_pictures(name, configs[name], labels[name], len(pictures[name])) for name in names)
            groups.append(ReferenceGroup(rows, references, places))
    for name, config in configs.items():
        if config.catalogue is not None:
            with _collecting_problems(loaded, ("references", name, "catalogue"), problems):
                groups.append(_of_catalogue(loaded, name, config, config.catalogue, space))
    if problems:
        raise ConfigFileError(problems)
    progress.end()
    _log_memory(groups)
    return groups


def reference_problems(loaded: Loaded) -> list[Problem]:
    """Return the problems of pictures and catalogues of the references that can be found without a model."""
    problems: list[Problem] = []
    for name, config in loaded.config.references.items():
        pictures = _pictures(loaded, name, problems)
        _labels(loaded, name, pictures, problems)
        for picture in pictures:
            with _collecting_problems(loaded, ("references", name, "images", picture.index), problems):
                read_reference(picture.path, loaded.config.max_pixels, loaded.config.background)
        if config.catalogue is not None:
            with _collecting_problems(loaded, ("references", name, "catalogue"), problems):
                check_catalogue(config.catalogue)
    return problems


def _by_place_and_dtype(
    loaded: Loaded, pictures: Mapping[str, Sequence[_ReferencePicture]]
) -> dict[tuple[tuple[str, ...], Storage], list[str]]:
    """Return the names in *pictures* that share a matrix, by the places where they apply and their dtype."""
    found: dict[tuple[tuple[str, ...], Storage], list[str]] = {}
    for name, files in pictures.items():
        config = loaded.config.references[name]
        dtype = config.dtype or default_dtype(len(files), is_int8=loaded.config.model.quantize)
        found.setdefault((config.places or (), dtype), []).append(name)
    return found


def _of_pictures(name: str, config: ReferenceConfig, labels: Sequence[str], count: int) -> Reference:
    return Reference(name, count, tuple(labels), config.top_k, config.enter is not None)


def _of_catalogue(loaded: Loaded, name: str, config: ReferenceConfig, path: Path, space: Space) -> ReferenceGroup:
    """Return the reference *name* and the vectors in its catalogue.

    Raises:
        CatalogueError: the catalogue cannot be used.
    """
    cure = f"edged embed -c {loaded.document.file} PICTURES --out {path}"
    catalogue = read_catalogue(path, space, config.dtype, cure=cure)
    top_k = config.top_k or OF_CATALOGUE
    reference = Reference(name, len(catalogue.labels), catalogue.labels, top_k, config.enter is not None)
    return ReferenceGroup(catalogue.rows, (reference,), config.places or ())


class _EmbeddingProgress:
    """Logs how many of *count* pictures are embedded, if that takes long."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._done = 0
        self._began = self._logged = time.monotonic()

    def step(self) -> None:
        """Count one embedded picture."""
        self._done += 1
        now = time.monotonic()
        if now - self._logged >= LOG_SECONDS:
            self._logged = now
            log.info("embedded %d of %d reference pictures", self._done, self._count)

    def end(self) -> None:
        """Log the time of all pictures, if it was long."""
        seconds = time.monotonic() - self._began
        if seconds >= LOG_SECONDS:
            log.info(
                "embedded %d reference pictures in %.0f s; a catalogue of them ('edged embed --help') takes no time",
                self._count,
                seconds,
            )


def _pictures(loaded: Loaded, name: str, problems: list[Problem]) -> list[_ReferencePicture]:
    """Return the pictures of the reference *name*, each once; folders that cannot be read are added to *problems*."""
    found: dict[Path, _ReferencePicture] = {}
    for index, path in enumerate(loaded.config.references[name].images or ()):
        with _collecting_problems(loaded, ("references", name, "images", index), problems):
            for file in picture_files(path, log.warning):
                found.setdefault(file.absolute(), _ReferencePicture(file, index))
    return list(found.values())


def _labels(loaded: Loaded, name: str, pictures: Sequence[_ReferencePicture], problems: list[Problem]) -> Sequence[str]:
    """Return a label for each of several *pictures* of the reference *name*; a single one needs none."""
    if len(pictures) > 1:
        with _collecting_problems(loaded, ("references", name, "images"), problems):
            return labels_of([picture.path for picture in pictures])
    return ()


@contextmanager
def _collecting_problems(loaded: Loaded, setting: KeyPath, problems: list[Problem]) -> Iterator[None]:
    """Add an error of the block to *problems*, as one of that *setting*."""
    try:
        yield
    except ReferenceImageError as exc:
        problems.append(loaded.problem(setting, str(exc)))


def _keep(path: Path, vector: Vector, vectors: UnitRows, number: int) -> None:
    try:
        vectors.put(number, vector[np.newaxis])
    except ValueError as exc:
        raise ReferenceImageError(f"{path}: the model gives a vector that is zero or not finite") from exc


def _log_memory(groups: Sequence[ReferenceGroup]) -> None:
    """Log the memory of many vectors, by their storage type."""
    matrices = [group.rows for group in groups]
    if sum(map(len, matrices)) < MANY:
        return
    for dtype in DTYPES:
        alike = [rows for rows in matrices if rows.dtype == dtype]
        if alike:
            count, size = sum(map(len, alike)), sum(rows.nbytes for rows in alike)
            log.info("references: %d vectors in %s, %.1f MiB", count, dtype, size / (1 << 20))
