"""RTSP sources that play, for the tests of what they make of a camera."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edged.camera.rtsp.source import RtspSource
from edged.errors import DamagedFrame, SourceError
from tests.camera.rtsp.server import RtspServer, serving_rtsp
from tests.camera.servers import number
from tests.fakes import eventually

__all__ = ["LIMIT", "LOST", "good_and_damaged", "loss", "playing", "refusal", "take"]

LIMIT = 10.0
LOST = "rtsp://127.0.0.1:{}/cam: packets were lost, of it or of a frame that it builds on"


@contextmanager
def playing(
    server: RtspServer, timeout: float = LIMIT, **options: Any
) -> Iterator[tuple[RtspSource, NDArray[np.uint8]]]:
    """The source that is open on *server*, which is stopped at the end, and memory for its frames."""
    with serving_rtsp(server):
        source = RtspSource(server.url(), timeout=timeout, **options)
        try:
            yield source, np.zeros(source.open().shape, np.uint8)
        finally:
            source.close()


def take(source: RtspSource, slot: NDArray[np.uint8], frames: int = 1) -> list[int]:
    """The numbers of the next frames."""
    numbers = []
    for _ in range(frames):
        eventually(lambda: source.grab(0.25) is not None, "a frame")
        source.retrieve(slot)
        numbers.append(number(slot))
    return numbers


def good_and_damaged(source: RtspSource, slot: NDArray[np.uint8]) -> tuple[list[int], set[str]]:
    """The numbers of the frames that are whole, in 100 grabs, and the reasons for which others are damaged."""
    good, damaged = [], set()
    for _ in range(100):
        if source.grab(0.25) is None:
            continue
        try:
            source.retrieve(slot)
        except DamagedFrame as exc:
            damaged.add(str(exc))
        else:
            good.append(number(slot))
    assert good, "no frame is whole"
    return good, damaged


def loss(source: RtspSource) -> str:
    """The reason for which the source is lost, sooner or later."""
    while True:
        try:
            source.grab(0.25)
        except SourceError as exc:
            return str(exc)


def refusal(source: RtspSource | str, timeout: float = LIMIT) -> str:
    """The reason for which it cannot be opened."""
    source = source if isinstance(source, RtspSource) else RtspSource(source, timeout=timeout)
    try:
        source.open()
    except SourceError as exc:
        return str(exc)
    raise AssertionError("it is open")
