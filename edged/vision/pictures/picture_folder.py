"""The pictures in a folder, in the order in which people count: ``2.jpg`` before ``10.jpg``."""

from __future__ import annotations

import errno
import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PICTURE_SUFFIXES", "PictureFolder", "list_pictures"]

PICTURE_SUFFIXES = frozenset(
    {".bmp", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"},
)
"""The suffixes of the files in a folder that are taken for pictures."""

_OTHER_PICTURES = frozenset(
    {".arw", ".avif", ".cr2", ".cr3", ".dng", ".exr", ".gif", ".heic", ".heics", ".heif", ".hif", ".ico", ".jxl"}
    | {".jxr", ".nef", ".orf", ".pcx", ".psd", ".qoi", ".raf", ".raw", ".rw2", ".svg", ".tga", ".xcf"}
)
_NUMBER = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class PictureFolder:
    """The pictures of a folder, in their order, and those in formats that are not read here."""

    path: Path
    pictures: tuple[Path, ...]
    passed_over: tuple[Path, ...]

    @property
    def notice(self) -> str:
        """One line about what is passed over; empty where nothing is."""
        if not self.passed_over:
            return ""
        counts = Counter(file.suffix.lower() for file in self.passed_over)
        kinds = ", ".join(f"{count} {suffix}" for suffix, count in sorted(counts.items()))
        what = f"pictures in formats that edged does not read are passed over ({kinds})"
        return f"{self.path}: {what}; convert them to PNG or JPEG"

    @property
    def emptiness(self) -> str:
        """The reason why there is no picture."""
        suffixes = ", ".join(sorted(PICTURE_SUFFIXES))
        return self.notice or f"{self.path}: the folder holds no picture (files that end in {suffixes})"


def list_pictures(path: Path, most: int | None = None) -> PictureFolder:
    """Return the pictures in the folder *path* itself; hidden files, whose names begin with a dot, are left out.

    Raises:
        OSError: the folder cannot be read, or holds more than *most* other files and folders (``EFBIG``).
    """
    names: list[str] = []
    with os.scandir(path) as entries:
        for number, entry in enumerate(entries):
            if number == most:
                raise OSError(errno.EFBIG, f"it holds more than {most} files")
            if not entry.name.startswith(".") and not _is_folder(entry):
                names.append(entry.name)
    files = [path / name for name in sorted(names, key=_natural)]
    return PictureFolder(
        path,
        tuple(file for file in files if file.suffix.lower() in PICTURE_SUFFIXES),
        tuple(file for file in files if file.suffix.lower() in _OTHER_PICTURES),
    )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Check whether *entry* is a folder; a link that leads nowhere is one of the files, and cannot be read."""
    try:
        return entry.is_dir()
    except OSError:  # of links that go round, for example
        return False


def _natural(name: str) -> tuple[str, str]:
    """Return a key to sort by: numbers in *name* count as numbers, and capital letters as small ones.

    Where that makes names equal (1 and 01, a and A), they count as they are written.
    """
    return _NUMBER.sub(_sortable, name.casefold()), name


def _sortable(number: re.Match[str]) -> str:
    """Return digits that sort as their number does, and before all that a name can hold in their place."""
    digits = number[0].lstrip("0")
    return f"\0{chr(len(digits))}{digits}"
