"""The folder that enrolled references are kept in."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from pathlib import Path

from edged.enrolled.picture_record import read_picture
from edged.enrolled.record import OURS, Enrolled, from_record, read_record, to_json
from edged.enrolled.record_folder import RecordFolder, RecordKind
from edged.errors import StateError
from edged.values import check_name

__all__ = ["MOST", "EnrolledStore"]

MOST = 1000  # references; each is compared with every frame, and named in every message

REFERENCES: RecordKind[Enrolled] = RecordKind(
    noun="reference",
    names=OURS,
    passed=re.compile(r"(?!)"),
    read=lambda file: from_record(read_record(file), file),
    key=lambda enrolled: enrolled.name,
    order=lambda enrolled: (enrolled.name,),
    picture=lambda enrolled: enrolled.picture,
    owns=lambda record, file: read_record(record).picture == file.name,
)


class EnrolledStore:
    """The enrolled references in *folder*, which need not exist yet. Any thread may use it.

    Only one process at a time writes into a folder; that one keeps it locked from its first change until ``close``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._records = RecordFolder(folder, REFERENCES)

    @property
    def entries(self) -> tuple[Enrolled, ...]:
        """Every reference, by name, as `load` found them last; the same tuple as long as nothing changes.

        This does not read the folder, which takes longer the more there are: it is for what may be asked at any rate.
        """
        return self._records.entries

    def load(self) -> list[Enrolled]:
        """Return every reference, by name. Other files in the folder are logged, once, and left alone."""
        return self._records.load()

    def __contains__(self, name: str) -> bool:
        """Return whether there is a file for the reference *name*, whole or not."""
        return check_name(name) in self._records

    def add(self, enrolled: Enrolled, png: bytes) -> Enrolled:
        """Keep *enrolled* with its picture in place of any other of its name; it is on the disk when this returns.

        Returns the reference with the path of its picture.

        Raises:
            StateError: it cannot be kept; what was there before still is.
        """
        with self._records.changing():
            if enrolled.name not in self and len(self._records) >= MOST:
                raise StateError(f"{self.folder}: there are {MOST} enrolled references already; forget one first")
            picture = self.folder / f"{enrolled.name}.{secrets.token_hex(8)}.png"
            self._records.put(enrolled.name, to_json(enrolled, picture.name, png), {picture: png})
        return replace(enrolled, picture=picture)

    def remove(self, name: str) -> None:
        """Forget the reference *name*; it is gone from the disk when this returns. Harmless if there is none.

        Raises:
            StateError: it cannot be removed.
        """
        with self._records.changing():
            self._records.remove(check_name(name))

    def picture_of(self, enrolled: Enrolled) -> bytes:
        """Return the PNG of *enrolled*, as it was written.

        Raises:
            StateError: it is not there any more, or another one.
        """
        with self._records.reading(enrolled.picture):
            return read_picture(enrolled.picture, read_record(self._records.file(enrolled.name)), "enrolled")

    def close(self) -> None:
        """Let another process write. Harmless when done twice."""
        self._records.close()
