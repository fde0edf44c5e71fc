"""Catalogues: many vectors in one file, each with a label, to be compared with at once.

A catalogue is what ``np.savez`` writes, with the arrays

- ``vectors``: ``(count, dimension)``, ``<f4`` or ``|i1``;
- ``labels``: ``(count,)``, text, each once;
- ``space_id`` and ``model``: text, the space and the model of the vectors.

It comes from elsewhere, so nothing in it is trusted (`npz.py`). Vectors are copied a few at a time to where they are
compared, and are never in memory twice.
"""

from __future__ import annotations

import os
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edged.errors import CatalogueError
from edged.label_text import is_text
from edged.references.labels import LONGEST_LABEL
from edged.references.npz import ArrayHeader, NpzFile, npy, open_npz
from edged.vision.unit_vectors import Storage, UnitRows

__all__ = [
    "Catalogue",
    "Space",
    "check_catalogue",
    "default_dtype",
    "read_catalogue",
    "write_catalogue",
]

LONGEST_TEXT = 500  # of space_id and model
LARGEST_DIMENSION = 1 << 20  # as many numbers as a message can hold
MOST_FLOAT32 = 20_000
ARRAYS = ("vectors", "labels", "space_id", "model")


class Space(Protocol):
    """The embedding space that vectors are compared in; embedders and `ModelFacts` have these two properties."""

    @property
    def space_id(self) -> str: ...

    @property
    def dimension(self) -> int: ...


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """The vectors of a catalogue. ``labels`` are those of ``rows``, in the same order."""

    rows: UnitRows
    labels: tuple[str, ...]
    space_id: str
    model: str


def default_dtype(count: int, *, is_int8: bool) -> Storage:
    """Return the dtype of *count* vectors where none is configured; *is_int8* if they come as int8."""
    if is_int8:
        return "int8"
    return "float32" if count <= MOST_FLOAT32 else "float16"


def read_catalogue(path: Path, space: Space, dtype: Storage | None = None, *, cure: str | None = None) -> Catalogue:
    """Return the catalogue in the file *path*, whose vectors are of *space*; kept as *dtype*, or as `default_dtype`.

    Args:
        cure: the command that makes such a catalogue; the error for one of another space quotes it.

    Raises:
        CatalogueError: it cannot be read, is not a catalogue, or is of another space.
    """
    with _opened(path) as npz:
        space_id, model = (_text(npz, name) for name in ("space_id", "model"))
        if space_id != space.space_id:
            raise CatalogueError(
                f"its vectors are of space {space_id} (model {model}), and those of this model of space "
                f"{space.space_id}; make it anew: {cure or f'edged embed PICTURES --out {path}'}"
            )
        vectors = npz.headers["vectors"]
        count, dimension = vectors.shape
        if dimension != space.dimension:
            raise CatalogueError(f"its vectors have {dimension} numbers, and those of this model {space.dimension}")
        labels = _labels(npz)
        rows = UnitRows(count, dimension, dtype or default_dtype(count, is_int8=vectors.dtype == np.int8))
        start = 0
        for batch in npz.batches("vectors"):
            rows.put(start, batch)
            start += len(batch)
    return Catalogue(rows, labels, space_id, model)


def check_catalogue(path: Path) -> None:
    """Check that the file *path* could be a catalogue of some space; its vectors are not read.

    Raises:
        CatalogueError: it could not.
    """
    with _opened(path) as npz:
        _labels(npz)


def write_catalogue(
    path: Path, vectors: Sequence[NDArray[Any]], labels: Sequence[str], *, space_id: str, model: str
) -> None:
    """Write *vectors*, of one size and dtype, with their *labels* to *path*, in place of what is there.

    Raises:
        OSError: it cannot be written; what was there before still is.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
            with archive.open("vectors.npy", "w", force_zip64=True) as file:
                shape = (len(vectors), np.size(vectors[0]))
                header = {"descr": npy.dtype_to_descr(vectors[0].dtype), "fortran_order": False, "shape": shape}
                npy.write_array_header_1_0(file, header)
                for vector in vectors:
                    file.write(np.ascontiguousarray(vector).tobytes())
            for name, text in (("labels", list(labels)), ("space_id", space_id), ("model", model)):
                with archive.open(f"{name}.npy", "w") as file:
                    npy.write_array(file, np.array(text, np.str_), version=(1, 0), allow_pickle=False)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _opened(path: Path) -> Iterator[NpzFile]:
    with open_npz(path, ARRAYS) as npz:
        _check(npz.headers)
        yield npz


def _check(headers: Mapping[str, ArrayHeader]) -> None:
    vectors, labels = headers["vectors"], headers["labels"]
    if vectors.dtype not in (np.dtype("<f4"), np.dtype("|i1")):
        raise CatalogueError(f"vectors: must be <f4 or |i1 (got {vectors.dtype.str})")
    if len(vectors.shape) != 2 or not all(vectors.shape) or vectors.shape[1] > LARGEST_DIMENSION or vectors.fortran:
        raise CatalogueError(f"vectors: must have a row for each, and at least one (got the shape {vectors.shape})")
    if labels.dtype.kind != "U" or labels.dtype.itemsize > 4 * LONGEST_LABEL:
        raise CatalogueError(f"labels: must be text of at most {LONGEST_LABEL} characters (got {labels.dtype.str})")
    if labels.shape != vectors.shape[:1]:
        raise CatalogueError(f"labels: must be one for each vector (got {labels.shape} for {vectors.shape})")
    for name in ("space_id", "model"):
        each = headers[name]
        if each.dtype.kind != "U" or each.shape != () or each.dtype.itemsize > 4 * LONGEST_TEXT:
            raise CatalogueError(f"{name}: must be one text (got {each.dtype.str} of shape {each.shape})")


def _text(npz: NpzFile, name: str) -> str:
    text = next(npz.batches(name)).tolist()[0]
    if not _is_printable([text]):
        raise CatalogueError(f"{name}: must be printable text (got {text!a})")
    return str(text)


def _labels(npz: NpzFile) -> tuple[str, ...]:
    labels = tuple(str(label) for batch in npz.batches("labels") for label in batch.tolist())
    if not _is_printable(labels):
        odd = next(label for label in labels if not _is_printable([label]))
        raise CatalogueError(f"labels: must be printable text (got {odd!a})")
    if len(set(labels)) < len(labels):
        twice = Counter(labels).most_common(1)[0][0]
        raise CatalogueError(f"labels: each must be there once (got {twice!r} twice)")
    return labels


def _is_printable(texts: Iterable[str]) -> bool:
    return all(text and all(map(is_text, text)) for text in texts)
