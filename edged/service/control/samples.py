"""Several looks at one region, and the one of them that is most like the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edged.pipeline.inference.observer import Observation
from edged.values import Rotation
from edged.vision.pixels.reduction import Decode
from edged.vision.pixels.view import RgbView
from edged.vision.similarity import ReferenceMatrix

__all__ = ["LOOK_SECONDS", "MOST_BYTES", "Sample", "SampleCollector", "Selection", "choose"]

LOOK_SECONDS = 2.0
"""From the first look to the last, where the camera is fast enough."""

MOST_BYTES = 256 << 20
"""That the pictures of all looks may take together."""

BLINK = 0.02  # as far from the chosen frame, 1 - cosine, another must be to be called an outlier,
TIMES_USUAL = 4.0  # and so many times as far as the others mostly are


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One frame of the region: RGB as captured, and its vector."""

    picture: NDArray[np.uint8]
    vector: NDArray[np.float32] | NDArray[np.int8]
    t_cap_ns: int


class SampleCollector:
    """A witness that takes *count* looks at a region, evenly spaced in `LOOK_SECONDS` by the times of capture.

    ``space_id`` is that of the vectors, and ``rotation`` and ``decode`` are how they were made. They, and ``problem``,
    are there when ``done`` is true, which is when *on_done* is called, in the inference's thread.
    """

    def __init__(self, camera: str, region: str, count: int, on_done: Callable[[], None]) -> None:
        self.looks: list[Sample] = []
        self.problem: str | None = None
        self.done = False
        self.space_id = ""
        self.rotation: Rotation = 0
        self.decode: Decode = "full"
        self._place = camera, region
        self._count = count
        self._on_done = on_done
        self._spacing_ns = int(LOOK_SECONDS * 1e9 / max(1, count - 1))
        self._view: RgbView | None = None
        self._made_of: object = None

    def __call__(self, sight: Observation) -> bool:
        if self.done or (sight.feed.camera, sight.region) != self._place or not self._is_due(sight):
            return self.done
        self._take(sight)
        self.done = self.problem is not None or len(self.looks) == self._count
        if self.done:
            self._on_done()
        return self.done

    def _is_due(self, sight: Observation) -> bool:
        if not self.looks:
            return True
        return sight.lease.stamp.t_cap_ns >= self.looks[0].t_cap_ns + len(self.looks) * self._spacing_ns

    def _take(self, sight: Observation) -> None:
        lease, embedder = sight.lease, sight.embedder
        made_of = (embedder.space_id, sight.feed.rotation, lease.format, sight.box)
        if self._view is None:
            self.space_id, self.rotation, self.decode = embedder.space_id, sight.feed.rotation, embedder.options.decode
            self._made_of, self._view = made_of, RgbView(sight.box)
            if self._count * sight.box.width * sight.box.height * 3 > MOST_BYTES:
                size = f"{sight.box.width} × {sight.box.height}"
                self.problem = f"{self._count} frames of {size} pixels take too much memory; ask for fewer"
                return
        if made_of != self._made_of:
            self.problem = "the region, the camera's format or the model has changed meanwhile; ask again"
            return
        picture = self._view.of(lease.pixels, lease.format.pixels)
        self.looks.append(Sample(picture, sight.vector.copy(), lease.stamp.t_cap_ns))


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of the looks it is, how like it each of them is (−1…1), and which show something else."""

    index: int
    similarities: tuple[float, ...]
    outliers: tuple[int, ...]

    @property
    def least(self) -> float:
        """The similarity of the least like of those that count."""
        return min(s for number, s in enumerate(self.similarities) if number not in self.outliers)


def choose(looks: list[Sample]) -> Selection:
    """The look that is nearest to all others together: their medoid.

    It is a frame that there was, whose picture and vector belong together, and one blink hardly moves it; a mean
    would be neither.

    Raises:
        ValueError: a vector is of zeros, and so like nothing.
    """
    matrix = ReferenceMatrix([look.vector for look in looks])
    rows = np.zeros((len(looks), len(looks)), np.float32)
    for look, row in zip(looks, rows, strict=True):
        matrix.scores(look.vector, row)
    index = int(np.argmax(rows.sum(axis=1)))
    distances = 1.0 - rows[index].astype(np.float64)
    others = np.delete(distances, index)
    usual = float(np.sort(others)[(others.size - 1) // 2]) if others.size else 0.0  # also where almost half are blinks
    limit = max(BLINK, TIMES_USUAL * usual)
    outliers = tuple(number for number, far in enumerate(distances) if number != index and far > limit)
    return Selection(index, tuple(round(float(s), 6) for s in rows[index]), outliers)
