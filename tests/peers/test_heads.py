"""The head of edged and scikit-learn's LogisticRegression learn the same from the same examples."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from edged.regions import Box, Region
from edged.states import Example, train, variants
from edged.states.example import unit_rows
from edged.values import PixelFormat
from edged.vision.bundled import bundled_model
from edged.vision.embedder import Embedder
from tests.peers.peer import Peer
from tests.states.making import World

pytestmark = pytest.mark.peer

Floats = npt.NDArray[np.float32]

LEAST_AGREEMENT = 0.995
LAMBDA = 0.02


def their_answers(
    peer: Peer, examples: list[Example], states: tuple[str, ...], vectors: Floats
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    rows = np.concatenate([unit_rows(example.vectors) for example in examples])
    labels = np.repeat([states.index(each.state) for each in examples], [len(each.vectors) for each in examples])
    mean = rows.mean(axis=0)
    _, (guesses, shares) = peer.ask("classify", rows - mean, labels, unit_rows(vectors) - mean, penalty=LAMBDA)
    return guesses, shares


@pytest.mark.parametrize("each", [1, 3, 10])
@pytest.mark.parametrize("count", [2, 3, 8])
def test_labels_and_probabilities_are_those_of_scikit_learn(scikit_learn: Peer, count: int, each: int) -> None:
    states = tuple(f"state-{number}" for number in range(count))
    world = World(states, noise=2.5, dimension=256, seed=count + each)
    examples = world.examples(each)
    examples += [world.example(states[0]) for _ in range(each)]  # so that the balance of the states matters
    vectors = np.stack([world.vector(state) for state in states for _ in range(600 // count)])
    guesses, shares = their_answers(scikit_learn, examples, states, vectors)
    p = train(examples, states).all_probabilities(vectors)
    assert (p.argmax(axis=1) == guesses).mean() >= LEAST_AGREEMENT
    np.testing.assert_allclose(p, shares, atol=0.01)


@pytest.fixture(scope="module")
def street() -> Iterator[tuple[list[Example], Floats]]:
    """Examples of the demo's path, free and busy, with their variants, and vectors of later frames."""
    capture = cv2.VideoCapture(str(Path(__file__).parent.parent.parent / "config" / "demo" / "street.mp4"))
    box = Region(0.05, 0.32, 0.42, 0.56).to_box(768, 576)
    frames = [cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB).astype(np.uint8) for _ in range(240)]
    crops = [np.ascontiguousarray(frame[box.y : box.y + box.height, box.x : box.x + box.width]) for frame in frames]
    with Embedder(bundled_model("efficientnet-lite0-int8")) as embedder:

        def embed(picture: npt.NDArray[np.uint8]) -> Floats:
            vector = np.zeros(embedder.dimension, np.float32)
            embedder.embed(picture, PixelFormat.RGB, Box(0, 0, box.width, box.height), 0, vector)
            return vector

        chosen = [("free", number) for number in (16, 30, 44, 58)] + [("busy", number) for number in (2, 68, 76, 84)]
        examples = [
            Example(state, np.stack([embed(each) for each in (crops[number], *variants(crops[number]))]), str(number))
            for state, number in chosen
        ]
        yield examples, np.stack([embed(crop) for crop in crops[100:]])


def test_frames_of_a_street_get_the_labels_of_scikit_learn(
    scikit_learn: Peer, street: tuple[list[Example], Floats]
) -> None:
    examples, vectors = street
    states = ("free", "busy")
    guesses, shares = their_answers(scikit_learn, examples, states, vectors)
    p = train(examples, states).all_probabilities(vectors)
    assert 0.1 < guesses.mean() < 0.9
    assert (p.argmax(axis=1) == guesses).mean() >= LEAST_AGREEMENT
    np.testing.assert_allclose(p, shares, atol=0.01)
