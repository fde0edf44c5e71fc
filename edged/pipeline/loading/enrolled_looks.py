"""Looks of the enrolled pictures of each place, for the health of pictures."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edged.enrolled import EnrolledExample, ExampleStore
from edged.errors import PictureError, StateError
from edged.states import EnrolledLooks
from edged.values import MOST_PIXELS
from edged.vision.pictures.decoding import decode

__all__ = ["MOST_PICTURES", "EnrolledLooksOfSets"]

log = logging.getLogger(__name__)

MOST_PICTURES = 32
"""The most pictures of one place that are read: decoding takes some milliseconds each."""


class EnrolledLooksOfSets:
    """The looks of the enrolled pictures of sets, by place; the same objects as long as the examples are the same.

    Any thread may use it. Two threads that look up a set at once may both read its pictures.
    """

    def __init__(self) -> None:
        self._found: dict[str, dict[str, tuple[tuple[str, ...], EnrolledLooks]]] = {}
        self._lock = threading.Lock()

    def keep_only(self, names: Collection[str]) -> None:
        """Drop what is known of other sets than *names*."""
        with self._lock:
            self._found = {name: found for name, found in self._found.items() if name in names}

    def of(self, name: str, enrolled: Sequence[EnrolledExample], store: ExampleStore) -> Mapping[str, EnrolledLooks]:
        """Return the looks of the examples *enrolled* of the set *name*, by the place where they were taken."""
        by_place: dict[str, list[EnrolledExample]] = {}
        for example in enrolled:
            by_place.setdefault(f"{example.camera}/{example.region}", []).append(example)
        before, now = self._found.get(name, {}), {}
        for place, examples in by_place.items():
            ids = tuple(example.id for example in examples)
            if place in before and before[place][0] == ids:
                now[place] = before[place]
            elif pictures := list(_pictures(examples, store)):
                now[place] = ids, EnrolledLooks(pictures)
        with self._lock:
            self._found[name] = now
        return {place: looks for place, (_, looks) in now.items()}


def _pictures(examples: Sequence[EnrolledExample], store: ExampleStore) -> Iterator[NDArray[np.uint8]]:
    """Yield the pictures of *examples*; of many, some at equal distances. One that cannot be read is left out."""
    for number in np.unique(np.linspace(0, len(examples) - 1, MOST_PICTURES).round().astype(int)):
        example = examples[number]
        try:
            yield decode(store.picture_of(example), exif=True, max_pixels=MOST_PIXELS)
        except (PictureError, StateError) as exc:
            log.debug("example %s is not compared: %s", example.id, exc)
