"""The pictures that sets of states were least sure of, from the inference to the disk."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from edged.enrolled import ReviewPicture, ReviewStore
from edged.errors import StateError
from edged.states import APART_SECONDS, Review, ReviewEntry, guess_of
from edged.values import Rotation, StateAnswer
from edged.vision.pictures.png import to_png
from edged.vision.pixels.reduction import Decode

__all__ = ["MOST_BYTES", "ReviewQueues", "Submit", "UnsureView"]

log = logging.getLogger(__name__)

MOST_BYTES = 256 << 20
"""The most bytes of all PNGs on the disk; a picture of more than an eighth of that is not kept."""

MOST_ON_THE_WAY = 4
"""Pictures that wait for being written; more are dropped."""

Submit: TypeAlias = "Callable[[Callable[[], None]], Future[None]]"
"""Runs a call in a thread that may take its time."""


@dataclass(frozen=True, slots=True, eq=False)
class UnsureView:
    """A view of a region of which a set was not sure: RGB as captured, and how its vector was made."""

    answer: StateAnswer
    camera: str
    region: str
    picture: NDArray[np.uint8]
    rotation: Rotation
    decode: Decode
    t_wall_us: int


class ReviewQueues:
    """The review queue of each set that has one, kept in *store*: None without a state folder.

    Nothing is kept before `open` and after `close`. The inference asks `below` for each frame and hands over a view by
    `offer`; both return at once. All other methods read or write the disk, and any thread may use them.
    """

    def __init__(self, store: ReviewStore | None) -> None:
        self.store = store
        self.apart_ns = round(APART_SECONDS * 1e9)
        """The least time between two pictures of a set, in nanoseconds."""
        self._using = threading.Lock()
        self._room = threading.Semaphore(MOST_ON_THE_WAY)
        self._submit: Submit | None = None
        self._limits: Mapping[str, Mapping[str, float]] = {}
        self._complaint: str | None = None

    def open(self, names: Collection[str], submit: Submit) -> None:
        """Keep pictures of the sets *names* and of no others from now on; *submit* lets another thread write them.

        Pictures of other sets are removed, because nobody wants them any more.

        Raises:
            StateError: the disk refuses, or another process writes there.
        """
        if self.store is None:
            return
        with self._using:
            self._limits = {}
            self.store.sweep()
            self.store.remove([picture for picture in self.store.load() if picture.set not in names])
            self._submit = submit
            self._limits = {name: _limits(self._queue(name)) for name in names}

    def close(self) -> None:
        """Keep nothing any more, and let another process write. Harmless when done twice."""
        self._limits, self._submit = {}, None
        if self.store is not None:
            self.store.close()

    def below(self, name: str, guess: str) -> float:
        """Return the probability below which a view of that *guess* is wanted by the queue of the set *name*."""
        limits = self._limits.get(name)
        return 0.0 if limits is None else limits.get(guess, math.inf)

    def offer(self, view: UnsureView) -> None:
        """Have *view* kept by another thread, if it is wanted then; returns at once."""
        submit = self._submit
        if submit is None or not self._room.acquire(blocking=False):
            return
        submit(lambda: self._keep(view)).add_done_callback(lambda _: self._room.release())

    def waiting(self, name: str, examples: Collection[str] = ()) -> list[ReviewPicture]:
        """Return the pictures of the set *name*, the least sure first, but for those whose ids are of *examples*."""
        pictures = [] if self.store is None else self.store.load()
        own = [picture for picture in pictures if picture.set == name and picture.id not in examples]
        return sorted(own, key=lambda picture: picture.p)

    def answer(self, picture: ReviewPicture, state: str) -> ReviewPicture:
        """Note that *picture* shows *state*; that is on the disk when this returns.

        Raises:
            StateError: it is not there any more, or the disk refuses.
        """
        assert self.store is not None, "the picture is from there"
        with self._using:
            answered = self.store.answer(picture, state)
            self._note_limits(picture.set)
        return answered

    def remove(self, pictures: Collection[ReviewPicture]) -> None:
        """Remove *pictures*; they are gone from the disk when this returns.

        Raises:
            StateError: one cannot be removed.
        """
        if self.store is None:
            return
        with self._using:
            self.store.remove(pictures)
            for name in {picture.set for picture in pictures}:
                self._note_limits(name)

    def _keep(self, view: UnsureView) -> None:
        """Write *view*, if it is still wanted; that the disk refuses is logged once."""
        assert self.store is not None, "else nothing is offered"
        name, png = view.answer.set, to_png(view.picture)
        if len(png) > MOST_BYTES // 8:
            self._complain(f"pictures of {view.camera}/{view.region} are too large to be kept for review")
            return
        with self._using:
            queue = self._queue(name)
            if name not in self._limits or not queue.wants(view.answer, view.t_wall_us):
                return
            try:
                _write(self.store, queue, view, png)
            except StateError as exc:
                self._complain(f"a picture to review is not kept: {exc}")
            self._note_limits(name)

    def _queue(self, name: str) -> Review[ReviewPicture]:
        """Return the queue of the set *name*: its pictures that have no answer yet."""
        pictures = [picture for picture in self.waiting(name) if picture.answer is None]
        return Review(
            apart_seconds=self.apart_ns / 1e9,
            entries=(ReviewEntry(picture, picture.guess, picture.p, picture.t_wall_us) for picture in pictures),
        )

    def _note_limits(self, name: str) -> None:
        if name in self._limits:
            self._limits = {**self._limits, name: _limits(self._queue(name))}

    def _complain(self, what: str) -> None:
        """Log *what*, unless that was the last complaint."""
        if what != self._complaint:
            self._complaint = what
            log.warning("%s", what)


def _write(store: ReviewStore, queue: Review[ReviewPicture], view: UnsureView, png: bytes) -> None:
    """Put *view* on the disk in place of what the *queue* gives up for it, and of as many more as its bytes need."""
    kept = store.add(_picture(view), png)
    gone = [entry.what for entry in queue.add(kept, view.answer, view.t_wall_us)]
    taken = sum(map(_size, store.load())) - sum(map(_size, gone))
    for entry in reversed(queue.entries):
        if taken <= MOST_BYTES:
            break
        gone.append(entry.what)
        taken -= _size(entry.what)
    store.remove(gone)


def _picture(view: UnsureView) -> ReviewPicture:
    guess, p = guess_of(view.answer)
    height, width = view.picture.shape[:2]
    return ReviewPicture(
        id="",
        set=view.answer.set,
        guess=guess,
        p=p,
        camera=view.camera,
        region=view.region,
        rotation=view.rotation,
        decode=view.decode,
        t_wall_us=view.t_wall_us,
        width=width,
        height=height,
    )


def _size(picture: ReviewPicture) -> int:
    """Return the bytes of its PNG; 0 if that is gone."""
    try:
        return picture.picture.stat().st_size
    except OSError:
        return 0


def _limits(queue: Review[ReviewPicture]) -> Mapping[str, float]:
    """Return the probability below which a view is wanted for each guess that not every view is wanted of."""
    limits = {entry.guess: queue.below(entry.guess) for entry in queue.entries}
    return {guess: p for guess, p in limits.items() if p < math.inf}
