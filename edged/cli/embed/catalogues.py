"""Catalogues on the command line: written from pictures, and searched with pictures."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from edged.cli.text import printable
from edged.references import Reference, ReferenceGroup, Scorer
from edged.references.catalogue import read_catalogue, write_catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from edged.cli.embed.pictures import EmbeddedPicture, Pictures
    from edged.references.catalogue import Catalogue
    from edged.values import ReferenceScore
    from edged.vision.embedder import Embedder

__all__ = ["nearest", "open_catalogue", "save_catalogue"]


def open_catalogue(path: Path, embedder: Embedder) -> Catalogue:
    """Open the catalogue *path*, for a search with vectors of *embedder*.

    Raises:
        CatalogueError: it cannot be used, or belongs to another model.
    """
    cure = f"edged embed PICTURES --out {path}; or use the --model and the options that it was made with"
    return read_catalogue(path, embedder, cure=cure)


def nearest(catalogue: Catalogue, pictures: Sequence[EmbeddedPicture], top_k: int) -> list[tuple[ReferenceScore, ...]]:
    """Return the best *top_k* matches in *catalogue* for each of *pictures*, best first."""
    reference = Reference("catalogue", len(catalogue.labels), catalogue.labels, top_k)
    scorer = Scorer([ReferenceGroup(catalogue.rows, (reference,))], top_k)
    return [scorer.matches(picture.vector) for picture in pictures]


def save_catalogue(pictures: Pictures, labels: Mapping[Path, str], path: Path) -> bool:
    """Write the vectors of *pictures* to *path*, with the *labels* of their files; False if some could not be."""
    whole = list(_usable(pictures.done))
    if not whole:
        print(f"edged embed: --out {path}: there are no vectors to write", file=sys.stderr)
        return False
    embedder = pictures.embedder
    model = printable(embedder.model.name)
    try:
        vectors, names = [picture.vector for picture in whole], [labels[picture.path] for picture in whole]
        write_catalogue(path, vectors, names, space_id=embedder.space_id, model=model)
    except OSError as exc:
        print(f"edged embed: --out {path}: {exc.strerror or exc}", file=sys.stderr)
        return False
    return len(whole) == len(pictures.done) and not pictures.repeated


def _usable(pictures: Sequence[EmbeddedPicture]) -> Iterator[EmbeddedPicture]:
    """Yield those of *pictures* that can be compared; the others are reported on stderr."""
    for picture in pictures:
        if picture.vector.any():
            yield picture
        else:
            print(f"edged embed: {printable(str(picture.path))}: its vector is zero; it is left out", file=sys.stderr)
