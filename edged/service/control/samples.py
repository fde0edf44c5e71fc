"""Samples of one region, and the selection of the one that is most like the others."""

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

__all__ = ["MOST_BYTES", "SAMPLE_SECONDS", "Sample", "SampleCollector", "Selection", "choose"]

SAMPLE_SECONDS = 2.0
"""From the first sample to the last, if the camera is fast enough."""

MOST_BYTES = 256 << 20
"""The most memory for the pictures of all samples together."""

OUTLIER_DISTANCE = 0.02  # as far from the chosen frame, 1 - cosine, another must be to be called an outlier,
TIMES_USUAL = 4.0  # and so many times as far as the others mostly are


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One frame of the region: RGB as captured, and its vector."""

    picture: NDArray[np.uint8]
    vector: NDArray[np.float32] | NDArray[np.int8]
    t_cap_ns: int


class SampleCollector:
    """An observer that takes *count* samples of a region, evenly spaced in `SAMPLE_SECONDS` by the times of capture.

    ``space_id`` is that of the vectors, and ``rotation`` and ``decode`` are how they were made. They, and ``problem``,
    are set when ``done`` is true, which is when *on_done* is called, in a thread of the inference.
    """

    def __init__(self, camera: str, region: str, count: int, on_done: Callable[[], None]) -> None:
        self.taken: list[Sample] = []
        self.problem: str | None = None
        self.done = False
        self.space_id = ""
        self.rotation: Rotation = 0
        self.decode: Decode = "full"
        self._region = camera, region
        self._count = count
        self._on_done = on_done
        self._spacing_ns = int(SAMPLE_SECONDS * 1e9 / max(1, count - 1))
        self._view: RgbView | None = None
        self._origin: object = None

    def __call__(self, observation: Observation) -> bool:
        if self.done or (observation.feed.camera, observation.region) != self._region or not self._is_due(observation):
            return self.done
        self._add_sample(observation)
        self.done = self.problem is not None or len(self.taken) == self._count
        if self.done:
            self._on_done()
        return self.done

    def _is_due(self, observation: Observation) -> bool:
        if not self.taken:
            return True
        return observation.lease.stamp.t_cap_ns >= self.taken[0].t_cap_ns + len(self.taken) * self._spacing_ns

    def _add_sample(self, observation: Observation) -> None:
        lease, embedder = observation.lease, observation.embedder
        origin = (embedder.space_id, observation.feed.rotation, lease.format, observation.box)
        if self._view is None:
            self.space_id, self.rotation, self.decode = (
                embedder.space_id,
                observation.feed.rotation,
                embedder.options.decode,
            )
            self._origin, self._view = origin, RgbView(observation.box)
            if self._count * observation.box.width * observation.box.height * 3 > MOST_BYTES:
                size = f"{observation.box.width} × {observation.box.height}"
                self.problem = f"{self._count} frames of {size} pixels take too much memory; ask for fewer"
                return
        if origin != self._origin:
            self.problem = "the region, the camera's format or the model has changed meanwhile; ask again"
            return
        try:
            picture = self._view.of(lease.pixels, lease.format.pixels)
        except MemoryError:  # the thread is the inference's, which must not end of it
            self.problem = "there is not enough memory for a copy of its frame"
            return
        self.taken.append(Sample(picture, observation.vector.copy(), lease.stamp.t_cap_ns))


@dataclass(frozen=True, slots=True)
class Selection:
    """The sample that was chosen, how similar each of them is to it (−1…1), and the outliers."""

    index: int
    similarities: tuple[float, ...]
    outliers: tuple[int, ...]

    @property
    def least(self) -> float:
        """The least similarity among the samples that are not outliers."""
        return min(s for number, s in enumerate(self.similarities) if number not in self.outliers)


def choose(samples: list[Sample]) -> Selection:
    """Choose the sample that is nearest to all others together: their medoid.

    It is a real frame, so its picture and vector belong together, and one disturbed frame hardly moves it; both would
    not hold for a mean.

    Raises:
        ValueError: a vector is all zeros, so it is similar to nothing.
    """
    matrix = ReferenceMatrix([sample.vector for sample in samples])
    rows = np.zeros((len(samples), len(samples)), np.float32)
    for sample, row in zip(samples, rows, strict=True):
        matrix.scores(sample.vector, row)
    index = int(np.argmax(rows.sum(axis=1)))
    distances = 1.0 - rows[index].astype(np.float64)
    others = np.delete(distances, index)
    usual = (
        float(np.sort(others)[(others.size - 1) // 2]) if others.size else 0.0
    )  # also where almost half are disturbed
    limit = max(OUTLIER_DISTANCE, TIMES_USUAL * usual)
    outliers = tuple(number for number, far in enumerate(distances) if number != index and far > limit)
    return Selection(index, tuple(round(float(s), 6) for s in rows[index]), outliers)
