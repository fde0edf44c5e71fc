"""The peers, started once and asked by every test of this folder; without their environments the tests skip."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest

from tests.peers.drawing import read_photographs
from tests.peers.peer import MADE, PICTURES, Peer

FIGURES = pytest.StashKey[list[str]]()


def _started(name: str) -> Iterator[Peer]:
    if not Peer.exists(name):
        pytest.skip(f"{name} is not here to be asked: scripts/peers makes its environment")
    with Peer(name) as peer:
        yield peer


@pytest.fixture(scope="session")
def tflite_support() -> Iterator[Peer]:
    yield from _started("tflite-support")


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> list[str]:
    """Lines that are shown when the tests have run, whether or not they passed."""
    return request.config.stash.setdefault(FIGURES, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = config.stash.get(FIGURES, [])
    if lines:
        terminalreporter.section("edged and tflite-support")
        for line in lines:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def mediapipe() -> Iterator[Peer]:
    yield from _started("mediapipe")


@pytest.fixture(scope="session")
def scikit_learn() -> Iterator[Peer]:
    yield from _started("scikit-learn")


@pytest.fixture(scope="session")
def photographs() -> list[npt.NDArray[np.uint8]]:
    """The pictures that come with scikit-image and scikit-learn."""
    if not (PICTURES / MADE).exists():
        pytest.skip("there are no pictures to ask about: scripts/peers fetches them")
    return read_photographs()
