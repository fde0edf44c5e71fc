"""The folder that enrolled examples of states are kept in, with their vectors and the heads that learned from them."""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edged.enrolled.durable import read_bounded
from edged.enrolled.example_record import (
    HEADS,
    OURS,
    EnrolledExample,
    from_record,
    read_record,
    to_json,
)
from edged.enrolled.example_vectors import LONGEST, dump_vectors, load_vectors
from edged.enrolled.picture_record import picture_facts, read_picture
from edged.enrolled.record_folder import RecordFolder, RecordKind
from edged.errors import StateError
from edged.values import check_name
from edged.whole_files import sync_folder

__all__ = ["MOST_OF_ALL", "MOST_OF_A_SET", "MOST_STATES", "ExampleStore", "ReadOnlyExamples"]

log = logging.getLogger(__name__)

MOST_OF_ALL = 1000
MOST_OF_A_SET = 200
MOST_STATES = 8  # of a set

EXAMPLES: RecordKind[EnrolledExample] = RecordKind(
    noun="example",
    names=OURS,
    passed=HEADS,
    read=lambda file: from_record(read_record(file), file),
    key=lambda example: example.stem,
    order=lambda example: (example.number, example.id),
    picture=lambda example: example.picture,
    owns=lambda record, _: record.exists(),
)


class ExampleStore:
    """The enrolled examples in *folder*, which need not exist yet. Any thread may use it.

    Only one process at a time writes into a folder; that one keeps it locked from its first change until ``close``.
    Examples are promised: a change is on the disk when its method returns, and a process that is killed leaves each
    example as it was or as it was to be. Vectors and heads only save time: what is lost of them can be made again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._records = RecordFolder(folder, EXAMPLES)

    @property
    def entries(self) -> tuple[EnrolledExample, ...]:
        """Every example in the order of enrolment, as `load` found them last; the same tuple while nothing changes."""
        return self._records.entries

    def load(self) -> list[EnrolledExample]:
        """Return every example, in the order of enrolment. Other files are logged, once, and left alone."""
        return self._records.load()

    def check_room(self, set_name: str, state: str) -> None:
        """Check that another example of that state of that set can be added.

        Raises:
            StateError: there are too many, or too many states.
        """
        _check_room(self.load(), set_name, state)

    def add(self, example: EnrolledExample, png: bytes, vectors: NDArray[Any], made_by: str) -> EnrolledExample:
        """Keep *example* with its picture and *vectors*; it is on the disk when this returns.

        *vectors* are those of the picture and its variants, one each row; see `vectors_of` for *made_by*. Returns the
        example with a number and the folder of its files, whatever it had there, and with an id if it had none. One
        whose id is there already is the one that is kept.

        Raises:
            StateError: it cannot be kept, because there are too many, or for the disk.
            ValueError: a vector is zero or not finite.
        """
        content = dump_vectors(vectors, made_by)
        with self._records.changing():
            others = self._read()
            if same := [other for other in others if other.id == example.id]:
                return same[0]
            _check_room(others, example.set, example.state)
            number = 1 + max((other.number for other in others), default=0)
            kept = replace(example, id=example.id or secrets.token_hex(8), number=number, folder=str(self.folder))
            record = to_json(kept, *picture_facts(png))
            self._records.put(kept.stem, record, {kept.picture: png, self._vectors(kept): content})
        return kept

    def remove(self, ids: Collection[str]) -> None:
        """Forget the examples *ids*, one after the other; they are gone from the disk when this returns.

        Harmless for those that are not there.

        Raises:
            StateError: one cannot be removed.
        """
        with self._records.changing():
            self._records.remove(*(example.stem for example in self._read() if example.id in ids))

    def relabel(self, example_id: str, state: str) -> EnrolledExample:
        """Make an example one of another *state*, and return it; it is so on the disk when this returns.

        Raises:
            StateError: there is no such example, its set would have too many states, or the disk refuses.
        """
        with self._records.changing():
            others = self._read()
            found = [example for example in others if example.id == example_id]
            if not found:
                raise StateError(f"{self.folder}: there is no example {example_id}")
            example = replace(found[0], state=check_name(state))
            _check_states([other for other in others if other.id != example_id], example.set, state)
            record = read_record(self._records.file(example.stem))
            content = to_json(example, record.picture_bytes, record.picture_sha256)
            self._records.replace(self._records.file(example.stem), content)
        return example

    def picture_of(self, example: EnrolledExample) -> bytes:
        """Return the PNG of *example*, as it was written.

        Raises:
            StateError: it is not there any more, or another one.
        """
        with self._records.reading(example.picture):
            return read_picture(example.picture, read_record(self._records.file(example.stem)), "enrolled")

    def vectors_of(self, example: EnrolledExample, made_by: str) -> NDArray[np.float16] | None:
        """Return the vectors of *example*, one each row and each scaled; None if they have to be made.

        *made_by* names all that vectors depend on besides the picture, such as the space; those of another one are as
        good as none.
        """
        try:
            return load_vectors(read_bounded(self._vectors(example), LONGEST), made_by)
        except (OSError, ValueError) as exc:
            log.debug("%s: %s; its vectors are made again", self._vectors(example), exc)
            return None

    def keep_vectors(self, example: EnrolledExample, vectors: NDArray[Any], made_by: str) -> None:
        """Keep *vectors* of *example* in place of any other, if it is there still.

        Raises:
            StateError: the disk refuses, or another process writes.
            ValueError: one is zero or not finite.
        """
        content = dump_vectors(vectors, made_by)
        with self._records.changing():
            if example.stem in self._records:
                self._records.replace(self._vectors(example), content)

    def head_of(self, set_name: str, most: int) -> bytes | None:
        """Return what `keep_head` kept of that set; None if there is none, or one of more than *most* bytes."""
        try:
            return read_bounded(self._head(set_name), most)
        except (OSError, ValueError) as exc:
            log.debug("%s: %s", self._head(set_name), exc)
            return None

    def keep_head(self, set_name: str, content: bytes | None) -> None:
        """Keep *content* as the head of that set, in place of any other; None removes it.

        Raises:
            StateError: the disk refuses, or another process writes.
        """
        if content is None and not self._head(set_name).exists():
            return
        with self._records.changing():
            if content is not None:
                self._records.replace(self._head(set_name), content)
            else:
                self._head(set_name).unlink(missing_ok=True)
                sync_folder(self.folder)

    def close(self) -> None:
        """Let another process write. Harmless when done twice."""
        self._records.close()

    def _read(self) -> list[EnrolledExample]:
        return self._records.read_all()[0]

    def _vectors(self, example: EnrolledExample) -> Path:
        return self.folder / f"{example.stem}.vectors"

    def _head(self, set_name: str) -> Path:
        return self.folder / f"{check_name(set_name)}.head"


def _check_room(others: Collection[EnrolledExample], set_name: str, state: str) -> None:
    """Raise StateError if there is no room for another example of that state of that set."""
    count = Counter(other.set for other in others)[set_name]
    if len(others) >= MOST_OF_ALL:
        raise StateError(f"there are {MOST_OF_ALL} enrolled examples already; forget some first")
    if count >= MOST_OF_A_SET:
        raise StateError(f"{set_name} has {MOST_OF_A_SET} enrolled examples already; forget some first")
    _check_states(others, set_name, state)


def _check_states(others: Collection[EnrolledExample], set_name: str, state: str) -> None:
    states = {other.state for other in others if other.set == set_name}
    if state not in states and len(states) >= MOST_STATES:
        raise StateError(f"{set_name} has {MOST_STATES} states already ({', '.join(sorted(states))}); forget one first")


class ReadOnlyExamples(ExampleStore):
    """The examples of a daemon that may run now, for another process: nothing is written."""

    def keep_vectors(self, example: EnrolledExample, vectors: NDArray[Any], made_by: str) -> None:
        """Keep nothing."""

    def keep_head(self, set_name: str, content: bytes | None) -> None:
        """Keep nothing."""
