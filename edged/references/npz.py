"""Arrays in a file that ``np.savez`` writes, read from a stranger's file.

Nothing in the file is trusted: there are no pickles, and because nothing may be compressed it takes no more memory
than the file has bytes.
"""

from __future__ import annotations

import io
import math
import os
import stat
import tokenize
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.lib.format
from numpy.typing import NDArray

from edged.errors import CatalogueError, map_exceptions

__all__ = ["ArrayHeader", "NpzFile", "npy", "open_npz"]

npy: Any = numpy.lib.format  # numpy gives its functions no types

MOST_MEMBERS = 16
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


@dataclass(frozen=True, slots=True)
class ArrayHeader:
    """The header of an array in the file, and the member that holds its numbers."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool
    member: zipfile.ZipInfo


@dataclass(frozen=True, slots=True)
class NpzFile:
    """An open file: the headers of the arrays that were asked for, by name. Their numbers have not been read."""

    archive: zipfile.ZipFile
    headers: Mapping[str, ArrayHeader]

    def batches(self, name: str) -> Iterator[NDArray[Any]]:
        """Yield the array *name* in parts, along its first side."""
        header = self.headers[name]
        shape = header.shape or (1,)
        each = max(1, header.dtype.itemsize * math.prod(shape[1:]))
        step = max(1, BATCH_BYTES // each)
        with self.archive.open(header.member) as file:
            _read_header(file)
            for start in range(0, shape[0], step):
                rows = min(step, shape[0] - start)
                yield np.frombuffer(file.read(rows * each), header.dtype).reshape(rows, *shape[1:])
            file.read(1)  # so that its checksum is verified


@contextmanager
def open_npz(path: Path, names: Sequence[str]) -> Iterator[NpzFile]:
    """Open the file *path*, which must hold arrays of these *names*; nothing but their headers has been read.

    Errors from inside the block become a `CatalogueError` that names *path*.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            _check_end(file)
            with zipfile.ZipFile(file) as archive:
                yield NpzFile(archive, _headers(archive, names, os.fstat(fd).st_size))
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


def _headers(archive: zipfile.ZipFile, names: Sequence[str], size: int) -> dict[str, ArrayHeader]:
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise CatalogueError(f"must hold the arrays {', '.join(names)} (got {len(members)} members)")
    if any(each.compress_type != zipfile.ZIP_STORED or each.file_size != each.compress_size for each in members):
        raise CatalogueError("must not be compressed; write it with np.savez, not np.savez_compressed")
    if sum(each.file_size for each in members) > size:
        raise CatalogueError("its members claim to be larger than the file")
    known = {each.filename: each for each in members}
    missing = [name for name in names if f"{name}.npy" not in known]
    if missing:
        raise CatalogueError(f"must hold the arrays {', '.join(names)} ({', '.join(missing)} missing)")
    return {name: _header(archive, known[f"{name}.npy"], name) for name in names}


def _header(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> ArrayHeader:
    with archive.open(member) as file:
        shape, fortran, dtype = _read_header(file)
        rest = member.file_size - file.tell()
    size = math.prod(shape) * dtype.itemsize
    if size != rest:
        raise CatalogueError(f"{name}: claims to have {size} bytes (there are {rest})")
    return ArrayHeader(dtype, shape, fortran, member)


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
