"""The experiment: examples drawn from the first part of a clip, decisions about the second, with every change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edged.states import Classifier, Decision, StateSet
from scripts.decision_quality.embeddings import RegionVectors
from scripts.decision_quality.rules import Chosen, difference_rule, group_rule, head_of, head_rule, threshold_rule

__all__ = ["CLEAN", "EXAMPLES", "Events", "Outcome", "decide", "draw", "judge_events", "novelties"]

CLEAN = "clean"
EXAMPLES = (1, 3, 5, 10)
"""Examples of each state."""

OTHER_RULES = (5,)  # the numbers of examples of the rules that learn nothing

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Probabilities ``p`` of the second state, and the ``labels``, of one rule in one draw after one change."""

    region: str
    draw: int
    rule: str
    examples: int
    change: str
    p: Floats
    labels: npt.NDArray[np.intp]

    @property
    def balanced_accuracy(self) -> float:
        """Return the share of right decisions, each state weighing the same."""
        right = (self.p >= 0.5) == (self.labels == 1)
        return float(np.mean([right[self.labels == label].mean() for label in np.unique(self.labels)]))


@dataclass(frozen=True, slots=True)
class Events:
    """Numbers of events of a state: those that were decided, those that were there, and those of each that agree."""

    decided: int
    right: int
    there: int
    found: int


def draw(vectors: RegionVectors, each: int, seed: int) -> Chosen:
    """Return *each* examples of both states, or as many as there are, chosen from the pool at random."""
    random = np.random.default_rng(seed)
    labels = np.array(vectors.region.labels_of(vectors.region.pool))
    mixed = [random.permutation(np.flatnonzero(labels == label)) for label in (0, 1)]
    chosen = np.concatenate([numbers[:each] for numbers in mixed])
    return Chosen(chosen.tolist(), vectors.examples[chosen], labels[chosen].tolist())


def decide(vectors: RegionVectors, draws: int, examples: Sequence[int] = EXAMPLES) -> Iterator[Outcome]:
    """Yield the outcomes of every rule in so many *draws*."""
    labels = np.array(vectors.region.labels_of(vectors.region.test))
    tested = {CLEAN: vectors.test, **vectors.changed}
    for seed in range(draws):
        for each in examples:
            chosen = draw(vectors, each, seed)
            rules = {"head": head_rule(chosen, vectors.region.states)}
            if each in OTHER_RULES:
                others = {"score >= 0.9": threshold_rule, "difference": difference_rule, "group": group_rule}
                rules |= {name: make(chosen) for name, make in others.items()}
            for name, rule in rules.items():
                for change, changed in tested.items():
                    yield Outcome(vectors.region.name, seed, name, each, change, rule(changed), labels)


def novelties(vectors: RegionVectors, each: int, draws: int) -> dict[str, Floats]:
    """Return the novelty of each tested frame, by change, of the heads of so many *draws*."""
    found: dict[str, list[float]] = {}
    for seed in range(draws):
        head = head_of(draw(vectors, each, seed), vectors.region.states)
        for change, changed in {CLEAN: vectors.test, **vectors.changed}.items():
            found.setdefault(change, []).extend(head.novelty(vector) for vector in changed)
    return {change: np.array(values) for change, values in found.items()}


def judge_events(vectors: RegionVectors, rate: float, each: int, seed: int) -> Events:
    """Return the events of the second state in the second part of the clip, of *rate* frames per second."""
    region = vectors.region
    states = StateSet(name=region.name, states=region.states, head=head_of(draw(vectors, each, seed), region.states))
    frames = [frame for frame in region.frames if frame > max(region.pool)]
    decided = _decided(states, vectors.clean[[frame // region.step for frame in frames]], frames, rate)
    labels = [region.label(frame) for frame in frames]
    there = [span for span in _spans(labels) if (span[-1] - span[0]) * region.step / rate >= states.min_seconds]
    made = _spans([int(state == region.states[1]) for state in decided])
    truth = {number for number, label in enumerate(labels) if label != 0}  # where a person is not sure, both are right
    return Events(
        decided=len(made),
        right=sum(bool(truth & set(span)) for span in made),
        there=len(there),
        found=sum(any(set(span) & set(event) for event in made) for span in there),
    )


def _decided(states: StateSet, vectors: npt.NDArray[np.float32], frames: Sequence[int], rate: float) -> Iterator[str]:
    """Yield the decided state after each frame."""
    classifier, decision = Classifier([states]), Decision(states.min_seconds, states.unknown_seconds)
    for frame, vector in zip(frames, vectors, strict=True):
        (answer,) = classifier.answers(vector)
        decision.add(answer, round(frame / rate * 1e6), frame)
        yield decision.state


def _spans(labels: Sequence[int | None]) -> list[range]:
    """Return the spans in which *labels* are 1; what is unclear between two of those belongs to them."""
    spans: list[range] = []
    begin: int | None = None
    end = 0
    for number, label in enumerate([*labels, 0]):
        if label == 1:
            begin, end = (number if begin is None else begin), number
        elif label == 0 and begin is not None:
            spans.append(range(begin, end + 1))
            begin = None
    return spans
