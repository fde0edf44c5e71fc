"""One side of scripts/bench-peers: embeds a picture as often as a line on stdin requests, and measures each time.

Runs in the environment of the measured library: bench_peer.py SIDE MODEL PICTURE.npy. Every line of its answer is a
JSON object: for each kind of work, a list of nanoseconds.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

Picture = Any


def invoke(model: str, picture: Picture) -> Callable[[], object]:
    """The model alone, by the engine that edged chooses."""
    vision = import_module("edged.vision.runtime.interpreter")
    file = import_module("edged.vision.tflite.model_file").read_model(model)
    interpreter = vision.Interpreter(file, num_threads=1)
    shape = (1, file.input.height, file.input.width, 3)
    interpreter.write(np.resize(picture, shape).astype(file.input.dtype))
    return interpreter.invoke  # type: ignore[no-any-return]  # it came through import_module


def edged_exact(model: str, picture: Picture) -> Callable[[], object]:
    return _edged(model, picture, "exact")


def edged_linear(model: str, picture: Picture) -> Callable[[], object]:
    return _edged(model, picture, "linear")


def tflite_support(model: str, picture: Picture) -> Callable[[], object]:
    # Its extension modules need libusb; on a system without it, this package provides it.
    ctypes.CDLL(import_module("libusb_package").get_library_path(), ctypes.RTLD_GLOBAL)
    core, processor, vision = (import_module(f"tflite_support.task.{name}") for name in ("core", "processor", "vision"))
    options = vision.ImageEmbedderOptions(
        core.BaseOptions(file_name=model, num_threads=1), processor.EmbeddingOptions()
    )
    embedder = vision.ImageEmbedder.create_from_options(options)
    image = vision.TensorImage.create_from_array(picture)
    return lambda: embedder.embed(image)


def mediapipe(model: str, picture: Picture) -> Callable[[], object]:
    """MediaPipe, which has no setting for threads, and uses one on a PC."""
    library, vision = import_module("mediapipe"), import_module("mediapipe.tasks.python.vision")
    base = import_module("mediapipe.tasks.python.core.base_options").BaseOptions(model_asset_path=model)
    embedder = vision.ImageEmbedder.create_from_options(vision.ImageEmbedderOptions(base))
    image = library.Image(image_format=library.ImageFormat.SRGB, data=picture)
    return lambda: embedder.embed(image)


def _edged(model: str, picture: Picture, resize: str) -> Callable[[], object]:
    vision = import_module("edged.vision")
    options = vision.ImageEmbedderOptions(
        vision.BaseOptions(file_name=model, num_threads=1), vision.EmbeddingOptions(), resize=resize
    )
    embedder = vision.ImageEmbedder.create_from_options(options)
    image = vision.TensorImage.create_from_array(picture)
    return lambda: embedder.embed(image)


# The bare model alternates with edged in one process, because its time differs by some percent between processes.
SIDES = {
    "edged": {"invoke": invoke, "edged-exact": edged_exact, "edged-linear": edged_linear},
    "tflite-support": {"tflite-support": tflite_support},
    "mediapipe": {"mediapipe": mediapipe},
}


def main() -> None:
    """Answer until stdin ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the libraries print to stdout
    side, model, picture = sys.argv[1:]
    array = np.load(Path(picture))  # must live on: tflite-support reads its memory without owning it
    works = {kind: make(model, array) for kind, make in SIDES[side].items()}
    for line in sys.stdin:
        durations: dict[str, list[int]] = {kind: [] for kind in works}
        for _ in range(int(line)):
            for kind, work in works.items():
                begin = time.perf_counter_ns()
                work()
                durations[kind].append(time.perf_counter_ns() - begin)
        print(json.dumps(durations), file=answers, flush=True)


if __name__ == "__main__":
    main()
