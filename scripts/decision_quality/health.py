"""The state of pictures after every change and tampering: how often each is reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from edged.states import EnrolledLooks
from scripts.decision_quality.changes import CHANGES, TAMPERING
from scripts.decision_quality.clips import read_scenes
from scripts.decision_quality.embeddings import RegionVectors
from scripts.decision_quality.experiment import CLEAN, draw
from scripts.decision_quality.rules import head_of

__all__ = ["picture_states"]


def picture_states(vectors: RegionVectors, each: int, progress: Callable[[int, int], None]) -> dict[str, Counter[str]]:
    """Return, by change, how many of the tested frames are ok, covered, …, with *each* examples of both states."""
    region = vectors.region
    chosen = draw(vectors, each, 0)
    head = head_of(chosen, region.states)
    pool = [region.pool[number] for number in chosen.numbers]
    looks = EnrolledLooks([scene.crop for _, scene in read_scenes(region, set(pool))])
    found: dict[str, Counter[str]] = {}
    kinds = {CLEAN: None, **CHANGES, **TAMPERING}
    for done, (frame, scene) in enumerate(read_scenes(region, set(region.test))):
        number = region.test.index(frame)
        for kind in kinds.keys() & {CLEAN, *vectors.changed}:
            change = kinds[kind]
            picture = scene.crop if change is None else change(scene)
            vector = (vectors.test if change is None else vectors.changed[kind])[number]
            found.setdefault(kind, Counter())[looks.judge(picture, head.novelty(vector))] += 1
        progress(done + 1, len(region.test))
    return found
