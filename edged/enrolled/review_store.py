"""The folder of the pictures that wait to be answered."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from edged.enrolled.picture_record import picture_facts, read_picture
from edged.enrolled.record_folder import RecordFolder, RecordKind
from edged.enrolled.review_record import OURS, ReviewPicture, from_record, read_record, to_json
from edged.errors import StateError
from edged.values import check_name

__all__ = ["ReviewStore"]

PICTURES: RecordKind[ReviewPicture] = RecordKind(
    noun="picture to review",
    names=OURS,
    passed=re.compile(r"(?!)"),
    read=lambda file: from_record(read_record(file), file),
    key=lambda picture: picture.stem,
    order=lambda picture: (picture.t_wall_us, picture.id),
    picture=lambda picture: picture.picture,
    owns=lambda record, _: record.exists(),
)


class ReviewStore:
    """The pictures to review in *folder*, which need not exist yet. Any thread may use it.

    Only one process at a time writes into a folder; that one keeps it locked from its first change until ``close``.
    A change is on the disk when its method returns, and a process that is killed leaves each picture as it was or as it
    was to be. Who adds pictures bounds how many there are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._records = RecordFolder(folder, PICTURES)

    def load(self) -> list[ReviewPicture]:
        """Return every picture, in the order of capture. Other files are logged, once, and left alone."""
        return self._records.load()

    def add(self, picture: ReviewPicture, png: bytes) -> ReviewPicture:
        """Keep *picture* with its *png*; it is on the disk when this returns.

        Returns it with an id and the folder of its files, whatever it had there.

        Raises:
            StateError: it cannot be kept.
        """
        with self._records.changing():
            kept = replace(picture, id=secrets.token_hex(8), folder=str(self.folder))
            record = to_json(kept, *picture_facts(png))
            self._records.put(kept.stem, record, {kept.picture: png})
        return kept

    def answer(self, picture: ReviewPicture, state: str) -> ReviewPicture:
        """Note that *picture* shows *state*, whatever was noted before; it is on the disk when this returns.

        Raises:
            StateError: it is not there any more, or the disk refuses.
        """
        with self._records.changing():
            if picture.stem not in self._records:
                raise StateError(f"picture {picture.id} is gone: one that is less sure has taken its place")
            file = self._records.file(picture.stem)
            record, answered = read_record(file), replace(picture, answer=check_name(state))
            self._records.replace(file, to_json(answered, record.picture_bytes, record.picture_sha256))
        return answered

    def remove(self, pictures: Collection[ReviewPicture]) -> None:
        """Remove *pictures*; they are gone from the disk when this returns. Harmless for those that are not there.

        Raises:
            StateError: one cannot be removed.
        """
        if pictures:
            with self._records.changing():
                self._records.remove(*(picture.stem for picture in pictures))

    def sweep(self) -> None:
        """Remove what a process that was killed has left behind.

        Raises:
            StateError: another process writes there.
        """
        if self.folder.exists():
            with self._records.changing():
                self._records.sweep()

    def png_of(self, picture: ReviewPicture) -> bytes:
        """Return the PNG of *picture*, as it was written.

        Raises:
            StateError: it is not there any more, or another one.
        """
        with self._records.reading(picture.picture):
            return read_picture(picture.picture, read_record(self._records.file(picture.stem)), "kept")

    def close(self) -> None:
        """Let another process write. Harmless when done twice."""
        self._records.close()
