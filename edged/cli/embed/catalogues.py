"""Catalogues on the command line: written from pictures, and searched with pictures."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from edged.cli.text import printable
from edged.references import Reference, ReferenceGroup, Scorer
from edged.references.catalogue import LONGEST_LABEL, read_catalogue, write_catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edged.cli.embed.pictures import EmbeddedPicture, Pictures
    from edged.references.catalogue import Catalogue
    from edged.values import ReferenceScore
    from edged.vision.embedder import Embedder

__all__ = ["labels_of", "nearest", "open_catalogue", "save_catalogue"]


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


def save_catalogue(pictures: Pictures, path: Path) -> bool:
    """Write the vectors of *pictures* to *path*, labelled by their file names; False if some could not be."""
    whole = list(_usable(pictures.done))
    labels = labels_of([picture.path for picture in whole])
    twice = [label for label, count in Counter(labels).items() if count > 1]
    if twice or not whole:
        reason = f"two pictures would have the label {twice[0]!r}" if twice else "there are no vectors to write"
        print(f"edged embed: --out {path}: {reason}", file=sys.stderr)
        return False
    embedder = pictures.embedder
    model = printable(embedder.model.name)
    try:
        vectors = [picture.vector for picture in whole]
        write_catalogue(path, vectors, labels, space_id=embedder.space_id, model=model)
    except OSError as exc:
        print(f"edged embed: --out {path}: {exc.strerror or exc}", file=sys.stderr)
        return False
    return len(whole) == len(pictures.done)


def _usable(pictures: Sequence[EmbeddedPicture]) -> Iterator[EmbeddedPicture]:
    """Yield those of *pictures* that can be compared, each once; the others are reported on stderr."""
    seen: set[Path] = set()
    for picture in pictures:
        path = picture.path.absolute()
        reason = "is given twice" if path in seen else "" if picture.vector.any() else "its vector is zero"
        seen.add(path)
        if reason:
            print(f"edged embed: {printable(str(picture.path))}: {reason}; it is left out", file=sys.stderr)
        else:
            yield picture


def labels_of(paths: Sequence[Path]) -> list[str]:
    """Return a label for each of *paths*: the shortest kind of name that makes them all different.

    That is the file name without suffix, else with it, else with its folders.
    """
    common = os.path.commonpath([path.absolute().parent for path in paths]) if paths else ""
    for named in (
        [path.stem for path in paths],
        [path.name for path in paths],
        [os.path.relpath(path.absolute(), common) for path in paths],
    ):
        labels = [printable(name)[-LONGEST_LABEL:] for name in named]
        if len(set(labels)) == len(labels):
            break
    return labels
