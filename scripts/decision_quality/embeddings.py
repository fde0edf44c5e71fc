"""Vectors of labelled regions, embedded once and kept in a cache."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edged.regions import Box
from edged.states import variants
from edged.values import PixelFormat
from edged.vision.embedder import Embedder
from edged.vision.pixels import alterations
from scripts.decision_quality import changes
from scripts.decision_quality.changes import CHANGES, TAMPERING, Picture
from scripts.decision_quality.clips import LabelledRegion, read_scenes

__all__ = ["RegionVectors", "embed_region"]

Vectors = npt.NDArray[np.float32]
Progress = Callable[[int, int], None]

ALL_CHANGES = {**CHANGES, **TAMPERING}


@dataclass(frozen=True, slots=True, eq=False)
class RegionVectors:
    """Vectors of one region.

    ``examples`` has those of the pool with their variants, ``(pool, 1 + variants, dimension)``; ``clean`` those of all
    labelled frames; and ``changed`` those of the tested frames after each change.
    """

    region: LabelledRegion
    examples: Vectors
    clean: Vectors
    changed: dict[str, Vectors]

    @property
    def test(self) -> Vectors:
        """Return the vectors of the tested frames as they are."""
        return self.clean[[frame // self.region.step for frame in self.region.test]]


def embed_region(region: LabelledRegion, embedder: Embedder, cache: Path, progress: Progress) -> RegionVectors:
    """Return the vectors of *region*, from the folder *cache* if they are there."""
    file = cache / f"{region.name.replace('/', '-')}-{_digest(region, embedder)}.npz"
    if file.exists():
        with np.load(file, allow_pickle=False) as kept:
            changed = {kind: kept[kind] for kind in ALL_CHANGES}
            return RegionVectors(region, kept["examples"], kept["clean"], changed)
    vectors = _embed(region, embedder, progress)
    cache.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {"examples": vectors.examples, "clean": vectors.clean, **vectors.changed}
    np.savez(file, **arrays)
    return vectors


def _embed(region: LabelledRegion, embedder: Embedder, progress: Progress) -> RegionVectors:
    clean: dict[int, Vectors] = {}
    examples: dict[int, Vectors] = {}
    changed: dict[str, dict[int, Vectors]] = {kind: {} for kind in ALL_CHANGES}
    pool, test, frames = set(region.pool), set(region.test), region.frames
    for frame, scene in read_scenes(region, frames):
        clean[frame] = _vector(embedder, scene.crop)
        if frame in pool:
            examples[frame] = np.stack([clean[frame], *(_vector(embedder, each) for each in variants(scene.crop))])
        if frame in test:
            for kind, change in ALL_CHANGES.items():
                changed[kind][frame] = _vector(embedder, change(scene))
        progress(len(clean), len(frames))
    return RegionVectors(
        region,
        np.stack([examples[frame] for frame in region.pool]),
        np.stack([clean[frame] for frame in frames]),
        {kind: np.stack([vectors[frame] for frame in region.test]) for kind, vectors in changed.items()},
    )


def _vector(embedder: Embedder, picture: Picture) -> Vectors:
    height, width = picture.shape[:2]
    vector = np.zeros(embedder.dimension, np.float32)
    embedder.embed(np.ascontiguousarray(picture), PixelFormat.RGB, Box(0, 0, width, height), 0, vector)
    return vector


def _digest(region: LabelledRegion, embedder: Embedder) -> str:
    """Return what the vectors depend on, in a few letters: model, clip, labels, and the code of all changes."""
    parts: list[bytes] = [embedder.space_id.encode(), repr(region.region).encode(), " ".join(ALL_CHANGES).encode()]
    parts += [region.labels.encode(), repr((region.pool, region.test)).encode(), region.clip.read_bytes()]
    code = (changes.__file__, alterations.__file__, inspect.getfile(variants))
    parts += [Path(file).read_bytes() for file in code]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
