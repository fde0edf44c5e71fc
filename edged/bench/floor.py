"""The floor: the time of the bare model, without a daemon."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edged.pipeline.loading.model import open_model, read_model_file
from edged.regions import Box
from edged.values import PixelFormat
from edged.vision.runtime.interpreter import Interpreter
from edged.vision.self_test import SELF_TEST_PICTURES, self_test_picture

if TYPE_CHECKING:
    from edged.config import Loaded

__all__ = ["Floor", "bare_invoke"]

LEAST_RUNS = 5


@dataclass(frozen=True, slots=True)
class Floor:
    """Milliseconds of one ``invoke()``: on the clock (p50), and of processor time (mean; all threads)."""

    wall_ms: float
    processor_ms: float

    def mean(self, other: Floor) -> Floor:
        """Return the mean of this and *other*."""
        return Floor((self.wall_ms + other.wall_ms) / 2, (self.processor_ms + other.processor_ms) / 2)


def bare_invoke(loaded: Loaded, seconds: float, threads: int) -> Floor:
    """Run the model of *loaded* on one picture for *seconds*, by its engine and delegate, with so many *threads*.

    Raises:
        ConfigFileError: the model cannot be used.
    """
    model = read_model_file(loaded)
    with open_model(loaded, model, num_threads=threads) as embedder:  # this also checks that it is safe to run
        options = embedder.options
        height, width = model.input.height, model.input.width
        picture = self_test_picture(SELF_TEST_PICTURES[0], height, width)
        embedder.load(picture, PixelFormat.RGB, Box(0, 0, width, height))
        pixels = embedder.input
    interpreter = Interpreter(model, engine=options.engine, delegate=options.delegate, num_threads=options.num_threads)
    with closing(interpreter):
        interpreter.write(pixels)
        interpreter.invoke()
        return _time(interpreter, seconds)


def _time(interpreter: Interpreter, seconds: float) -> Floor:
    end = time.monotonic() + seconds
    walls: list[int] = []
    begin = time.process_time_ns()
    while time.monotonic() < end or len(walls) < LEAST_RUNS:
        before = time.perf_counter_ns()
        interpreter.invoke()
        walls.append(time.perf_counter_ns() - before)
    used = time.process_time_ns() - begin
    return Floor(float(np.median(walls)) / 1e6, used / len(walls) / 1e6)
