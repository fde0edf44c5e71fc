"""Catalogues: many vectors in one file, each with a label, to be compared with at once.

A catalogue is what ``np.savez`` writes, with the arrays

- ``vectors``: ``(count, dimension)``, ``<f4`` or ``|i1``;
- ``labels``: ``(count,)``, text, each once;
- ``space_id`` and ``model``: text: the space and the model of the vectors.

It comes from elsewhere, so nothing in it is trusted: there are no pickles, and because nothing may be compressed it
takes no more memory than the file has bytes. Vectors are copied a few at a time to where they are compared, and are
never in memory twice.
"""

from __future__ import annotations

import io
import math
import os
import stat
import tokenize
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
import numpy.lib.format
from numpy.typing import NDArray

from edged.errors import CatalogueError, map_exceptions
from edged.vision.unit_vectors import Storage, UnitRows

__all__ = [
    "LONGEST_LABEL",
    "Catalogue",
    "Space",
    "check_catalogue",
    "default_dtype",
    "read_catalogue",
    "write_catalogue",
]

npy: Any = numpy.lib.format  # numpy gives its functions no types

LONGEST_LABEL = 200  # characters; a thousand of the longest fit into a message
LONGEST_TEXT = 500  # of space_id and model
LARGEST_DIMENSION = 1 << 20  # as many numbers as a message can hold
MOST_MEMBERS = 16
MOST_FLOAT32 = 20_000
ARRAYS = ("vectors", "labels", "space_id", "model")
BATCH_BYTES = 1 << 20

END, END_64 = b"PK\5\6", b"PK\6\7"
END_BYTES = 42  # the end of an archive without a comment, and what stands before that in one of 4 GiB and more
LONGEST_LIST = 1 << 16

LONGEST_HEADER = 512  # bytes; np.save writes 118 for each of these arrays, and numpy parses no long ones of a stranger
HEADERS = {  # by version of the format: how many bytes the length of a header has, and what reads one
    (1, 0): (2, npy.read_array_header_1_0),
    (2, 0): (4, npy.read_array_header_2_0),
}
# Raised for text that is not a header: by numpy, by the parser of Python, and by the tokenizer that numpy tries next.
UNREADABLE = (
    ValueError,
    TypeError,
    SyntaxError,
    LookupError,
    AttributeError,
    OverflowError,
    MemoryError,
    RecursionError,
    tokenize.TokenError,
)


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


@dataclass(frozen=True, slots=True)
class _Header:
    """The header of an array in the file, and the member that holds its numbers."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool
    member: zipfile.ZipInfo


def default_dtype(count: int, *, is_int8: bool) -> Storage:
    """The dtype of *count* vectors where none is configured; *is_int8* if they come as int8."""
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
    with _opened(path) as (archive, headers):
        space_id, model = (_text(archive, headers[name], name) for name in ("space_id", "model"))
        if space_id != space.space_id:
            raise CatalogueError(
                f"its vectors are of space {space_id} (model {model}), and those of this model of space "
                f"{space.space_id}; make it anew: {cure or f'edged embed PICTURES --out {path}'}"
            )
        count, dimension = headers["vectors"].shape
        if dimension != space.dimension:
            raise CatalogueError(f"its vectors have {dimension} numbers, and those of this model {space.dimension}")
        labels = _labels(archive, headers["labels"])
        rows = UnitRows(count, dimension, dtype or default_dtype(count, is_int8=headers["vectors"].dtype == np.int8))
        start = 0
        for batch in _batches(archive, headers["vectors"]):
            rows.put(start, batch)
            start += len(batch)
    return Catalogue(rows, labels, space_id, model)


def check_catalogue(path: Path) -> None:
    """Check that the file *path* could be a catalogue of some space; its vectors are not read.

    Raises:
        CatalogueError: it could not.
    """
    with _opened(path) as (archive, headers):
        _labels(archive, headers["labels"])


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
def _opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, dict[str, _Header]]]:
    """The archive in *path* and the headers of its arrays; nothing else of it has been read.

    Errors from inside the block become a `CatalogueError` that names *path*.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            _check_end(file)
            with zipfile.ZipFile(file) as archive:
                yield archive, _headers(archive, os.fstat(fd).st_size)
    except CatalogueError as exc:
        raise CatalogueError(f"{path}: {exc}") from exc
    except OSError as exc:
        raise CatalogueError(f"{path}: {exc.strerror or exc}") from exc
    except EOFError as exc:
        raise CatalogueError(f"{path}: is not a catalogue, or is damaged: it is cut off") from exc
    except (zipfile.BadZipFile, RuntimeError, ValueError) as exc:
        raise CatalogueError(f"{path}: is not a catalogue, or is damaged: {exc}") from exc


def _check_end(file: IO[bytes]) -> None:
    """Refuse a file that is not an archive, or has a long list of members: ``zipfile`` reads the whole list at once."""
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode):
        raise CatalogueError("is not a file")
    if found.st_size < len(END):
        raise CatalogueError("is not a catalogue, or is damaged: it is too short")
    file.seek(-min(found.st_size, END_BYTES), os.SEEK_END)
    end = file.read(END_BYTES).rjust(END_BYTES)
    if end[20:24] != END or end[-2:] != b"\0\0":
        raise CatalogueError("is not a catalogue, or is damaged: it does not end as np.savez ends a file")
    if end[:4] == END_64 or int.from_bytes(end[32:36], "little") > LONGEST_LIST:
        raise CatalogueError("must be less than 4 GiB, and hold only a few arrays")


def _headers(archive: zipfile.ZipFile, size: int) -> dict[str, _Header]:
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise CatalogueError(f"must hold the arrays {', '.join(ARRAYS)} (got {len(members)} members)")
    if any(each.compress_type != zipfile.ZIP_STORED or each.file_size != each.compress_size for each in members):
        raise CatalogueError("must not be compressed; write it with np.savez, not np.savez_compressed")
    if sum(each.file_size for each in members) > size:
        raise CatalogueError("its members claim to be larger than the file")
    known = {each.filename: each for each in members}
    missing = [name for name in ARRAYS if f"{name}.npy" not in known]
    if missing:
        raise CatalogueError(f"must hold the arrays {', '.join(ARRAYS)} ({', '.join(missing)} missing)")
    headers = {name: _header(archive, known[f"{name}.npy"], name) for name in ARRAYS}
    _check(headers)
    return headers


def _header(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> _Header:
    with archive.open(member) as file:
        shape, fortran, dtype = _read_header(file)
        rest = member.file_size - file.tell()
    size = math.prod(shape) * dtype.itemsize
    if size != rest:
        raise CatalogueError(f"{name}: claims to have {size} bytes (there are {rest})")
    return _Header(dtype, shape, fortran, member)


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and type of the array in *file*, which is then read up to its first number."""
    with map_exceptions(dict.fromkeys(UNREADABLE, _not_an_array)):
        length_bytes, read = HEADERS[npy.read_magic(file)]
        length = file.read(length_bytes)
        if (size := int.from_bytes(length, "little")) > LONGEST_HEADER:
            raise ValueError(f"its header has {size} bytes")
        shape, fortran, dtype = read(io.BytesIO(length + file.read(size)), max_header_size=LONGEST_HEADER)
        if dtype.kind not in "biufU":
            raise ValueError(f"its header has the dtype {dtype}")
    return shape, fortran, dtype


def _not_an_array(_reason: str) -> CatalogueError:
    return CatalogueError("holds an array that is not of numbers or text, or is not written by np.savez")


def _check(headers: dict[str, _Header]) -> None:
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


def _batches(archive: zipfile.ZipFile, header: _Header) -> Iterator[NDArray[Any]]:
    """The array in parts, along its first side."""
    shape = header.shape or (1,)
    each = max(1, header.dtype.itemsize * math.prod(shape[1:]))
    step = max(1, BATCH_BYTES // each)
    with archive.open(header.member) as file:
        _read_header(file)
        for start in range(0, shape[0], step):
            rows = min(step, shape[0] - start)
            yield np.frombuffer(file.read(rows * each), header.dtype).reshape(rows, *shape[1:])
        file.read(1)  # so that its checksum is verified


def _text(archive: zipfile.ZipFile, header: _Header, name: str) -> str:
    text = next(_batches(archive, header)).tolist()[0]
    if not _is_printable([text]):
        raise CatalogueError(f"{name}: must be printable text (got {text!a})")
    return str(text)


def _labels(archive: zipfile.ZipFile, header: _Header) -> tuple[str, ...]:
    labels = tuple(str(label) for batch in _batches(archive, header) for label in batch.tolist())
    if not _is_printable(labels):
        odd = next(label for label in labels if not _is_printable([label]))
        raise CatalogueError(f"labels: must be printable text (got {odd!a})")
    if len(set(labels)) < len(labels):
        twice = Counter(labels).most_common(1)[0][0]
        raise CatalogueError(f"labels: each must be there once (got {twice!r} twice)")
    return labels


def _is_printable(texts: Iterable[str]) -> bool:
    return all(text and text.isprintable() for text in texts)
