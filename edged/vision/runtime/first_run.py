"""The first run of a model in a child process, and the messages between that and its parent.

It may neither take all memory nor go on for ever, and if it dies it leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edged.errors import InferenceError, ModelError
from edged.values import Delegate
from edged.vision.runtime.interpreter import RUN_SECONDS, Interpreter
from edged.vision.specs import Normalization
from edged.vision.tflite.model_file import read_model

if TYPE_CHECKING:
    from edged.vision.runtime.engine import EngineName
    from edged.vision.specs import ModelFile

__all__ = ["BEGUN", "REFUSED", "SURVIVED", "first_run", "main", "write_request"]

MEMORY = 3 << 30
"""Bytes that the model may take, by far more than an embedder needs."""

BEGUN, SURVIVED, REFUSED = "edged trial: begun", "edged trial: survived", "edged trial: refused"
"""Lines on stdout; libraries may print others."""


def write_request(model: ModelFile, engine: EngineName, delegate: Delegate) -> bytes:
    """Return the input of the child: a line of JSON, and the model file."""
    normalization = model.input.normalization
    header = {
        "name": model.name,
        "normalization": None if normalization is None else [normalization.mean, normalization.std],
        "engine": engine,
        "delegate": asdict(delegate),
    }
    return json.dumps(header).encode() + b"\n" + model.content


def _read_request() -> tuple[ModelFile, EngineName, Delegate]:
    header = json.loads(sys.stdin.buffer.readline())
    mean_std = header["normalization"]
    normalization = None if mean_std is None else Normalization(*map(tuple, mean_std))
    model = read_model(sys.stdin.buffer.read(), name=header["name"], normalization=normalization)
    options = tuple((key, value) for key, value in header["delegate"].pop("options"))
    return model, header["engine"], Delegate(**header["delegate"], options=options)


def main() -> None:
    """Run the model from stdin in a child that was started, and print the outcome on stdout."""
    model, engine, delegate = _read_request()
    print(BEGUN, flush=True)
    print(first_run(model, engine, delegate))


def first_run(model: ModelFile, engine: EngineName, delegate: Delegate) -> str:
    """Load *model*, run it on a picture, and return the outcome: ``SURVIVED`` or ``REFUSED``."""
    _limit_resources()
    try:
        with Interpreter(model, engine=engine, delegate=delegate) as interpreter:
            interpreter.write(_pattern(model))
            interpreter.invoke()
            for head in model.heads:
                interpreter.read(head, np.empty(head.size, head.dtype))
    except (ModelError, InferenceError):
        return REFUSED
    return SURVIVED


def _limit_resources() -> None:
    """Allow no core file and only so much time and memory; be the first to die if the machine runs out of memory."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    _lower(resource.RLIMIT_AS, pages * resource.getpagesize() + MEMORY)
    _lower(resource.RLIMIT_CPU, RUN_SECONDS * (os.cpu_count() or 1))
    _lower(resource.RLIMIT_CORE, 0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(RUN_SECONDS)  # also if the parent has died


def _lower(limit: int, value: int) -> None:
    soft, hard = resource.getrlimit(limit)
    bounds = [bound for bound in (soft, hard, value) if bound != resource.RLIM_INFINITY]
    resource.setrlimit(limit, (min(bounds), hard))


def _pattern(model: ModelFile) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    """A picture with every value of a pixel, in float about as large as normalised ones."""
    shape = (1, model.input.height, model.input.width, 3)
    pixels = np.resize(np.arange(256, dtype=np.uint8), shape)
    if model.input.dtype == "float32":
        return (pixels.astype(np.float32) - 127) / 128
    return pixels.view(model.input.dtype)
