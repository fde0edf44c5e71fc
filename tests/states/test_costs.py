"""What learning and deciding cost. The processor's time of the thread counts, because the machine may be busy."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edged.states import Classifier, StateSet, dump, train
from edged.vision.bundled import bundled_model
from edged.vision.embedder import Embedder
from tests.allocated import allocated
from tests.states.making import World

pytestmark = pytest.mark.timed

ROOT = Path(__file__).parent.parent.parent
BAY = ("empty", "truck")
DIMENSION = 1280


def seconds(work: Callable[[], object], rounds: int = 5) -> float:
    """The time of the processor that *work* takes, as the least of some rounds."""
    found = []
    for _ in range(rounds):
        begin = time.process_time()
        work()
        found.append(time.process_time() - begin)
    return min(found)


def test_learning_takes_no_longer_than_promised() -> None:
    world = World(BAY, noise=1.5, dimension=DIMENSION)
    for count, limit in ((100, 0.05), (200, 0.4)):
        examples = world.examples(count // 2)
        assert seconds(lambda: train(examples, BAY)) <= limit  # noqa: B023  # it is called at once


def test_eight_states_are_learned_as_quickly_as_two() -> None:
    states = tuple(f"state-{number}" for number in range(8))
    examples = World(states, noise=1.5, dimension=DIMENSION).examples(25)
    assert seconds(lambda: train(examples, states), rounds=3) <= 0.4


def test_a_decision_is_a_small_part_of_an_inference() -> None:
    """One process with one thread of OpenBLAS, as the daemon has."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", "from tests.states.test_costs import measure; measure()"]
    measured = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=100, cwd=ROOT, env=environment)
    decision, inference = map(float, measured.stdout.split())
    assert decision <= 40e-6
    assert 4 * decision <= 0.02 * inference


def measure() -> None:
    """Print the seconds of a decision among 10 + 10 examples, and of an inference of the small model."""
    world = World(BAY, dimension=DIMENSION)
    classifier = Classifier([StateSet(name="bay", states=BAY, head=train(world.examples(10), BAY))])
    vector = world.vector("truck")
    with Embedder(bundled_model("efficientnet-lite0-int8")) as embedder:
        inference = seconds(embedder.invoke, rounds=20)
    decision = seconds(lambda: [classifier.answers(vector) for _ in range(200)], rounds=20) / 200
    print(decision, inference)


def test_a_head_keeps_less_than_six_kibibytes_for_an_example() -> None:
    world = World(BAY, dimension=DIMENSION)
    examples = world.examples(50)
    kept = []
    training = allocated(lambda: kept.append(train(examples, BAY)))
    assert training.kept <= 100 * 6 * 1024
    assert len(dump(kept[0])) <= 100 * 6 * 1024


def test_the_vectors_of_an_example_fit_on_a_disk_as_promised() -> None:
    example = World(BAY, dimension=DIMENSION).example("truck")
    assert example.vectors.astype(np.float16).nbytes <= 16 * 1024
