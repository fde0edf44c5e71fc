"""The same decisions by a whole daemon: labelled pictures in a folder, and what a subscriber is sent about each."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import cv2
import numpy as np
import yaml

from edged.client import Subscriber
from edged.wire import Vec
from scripts.decision_quality.changes import CHANGES, Picture
from scripts.decision_quality.clips import LabelledRegion, read_scenes
from scripts.decision_quality.embeddings import RegionVectors
from scripts.decision_quality.experiment import CLEAN, Outcome, draw

__all__ = ["decide_by_daemon"]

Progress = Callable[[int, int], None]

CLEAN_CAMERA, CHANGED_CAMERA, PLACE = "clean", "changed", "place"
SILENCE_SECONDS = 30.0


def decide_by_daemon(
    vectors: RegionVectors, each: int, seed: int, model: str, folder: Path, progress: Progress
) -> Iterator[Outcome]:
    """Yield what a daemon decides that was given so many examples of both states as pictures.

    Its camera ``clean`` has the tested frames, and their region; ``changed`` has pictures of the region, one for each
    frame after each change. *folder* is emptied; its path is short enough for a socket.
    """
    region = vectors.region
    shutil.rmtree(folder, ignore_errors=True)
    examples = _write_pictures(region, [region.pool[number] for number in draw(vectors, each, seed).numbers], folder)
    config = folder / "edged.yaml"
    config.write_text(yaml.safe_dump(_config(region, examples, model, folder)))
    with _running(config), closing(Subscriber(f"ipc://{folder}/pub.sock")) as subscriber:
        try:
            found = _answers(subscriber, region, progress)
        except TimeoutError as exc:
            log = (folder / "log").read_text(errors="replace")
            raise SystemExit(f"{exc}; its log ends with:\n{log[-2000:]}") from exc
    labels = np.array(region.labels_of(region.test))
    for change, p in found.items():
        yield Outcome(region.name, seed, "daemon", each, change, np.array(p), labels)


def _write_pictures(region: LabelledRegion, examples: Sequence[int], folder: Path) -> dict[str, list[str]]:
    """Write the pictures of both cameras, and the *examples*; return the files of these by state."""
    for name in (CLEAN_CAMERA, CHANGED_CAMERA, "examples"):
        (folder / name).mkdir(parents=True)
    files: dict[str, list[str]] = {state: [] for state in region.states}
    numbers = {frame: number for number, frame in enumerate(region.test)}
    for frame, scene in read_scenes(region, region.frames):
        if frame in examples:
            label = region.label(frame)
            assert label is not None
            files[region.states[label]].append(f"examples/{frame}.png")
            _write(folder / f"examples/{frame}.png", scene.crop)
        if frame in numbers:
            _write(folder / CLEAN_CAMERA / f"{numbers[frame]}.png", scene.frame)
            for place, change in enumerate(CHANGES.values()):
                _write(folder / CHANGED_CAMERA / f"{place * len(numbers) + numbers[frame]}.png", change(scene))
    return files


def _write(file: Path, picture: Picture) -> None:
    if not cv2.imwrite(str(file), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)):
        raise SystemExit(f"{file} cannot be written")


def _config(region: LabelledRegion, examples: dict[str, list[str]], model: str, folder: Path) -> dict[str, object]:
    box = region.region
    edges = {"left": box.left, "top": box.top, "right": box.right, "bottom": box.bottom}
    # In a loop, because the first frames come before the subscriber does. The policy is block: none is left out.
    camera = {"loop": True, "policy": "block", "fps": 1000}
    return {
        "model": {"name": model},
        "cameras": {
            CLEAN_CAMERA: {"source": f"dir:{folder}/{CLEAN_CAMERA}", "regions": {PLACE: edges}, **camera},
            CHANGED_CAMERA: {"source": f"dir:{folder}/{CHANGED_CAMERA}", **camera},
        },
        "states": {
            "decided": {
                "for": [f"{CLEAN_CAMERA}/{PLACE}", CHANGED_CAMERA],
                "of": list(region.states),
                "images": examples,
            }
        },
        "publish": {"endpoints": [f"pub+bind:ipc://{folder}/pub.sock"]},
        "control": {"endpoint": f"ipc://{folder}/control.sock"},
    }


@contextmanager
def _running(config: Path) -> Iterator[None]:
    """Run a daemon; its log is in the folder of *config*."""
    command = [sys.executable, "-m", "edged", "run", "-c", str(config)]
    with (config.parent / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as daemon:
        try:
            yield
        finally:
            daemon.terminate()


def _answers(subscriber: Subscriber[Vec], region: LabelledRegion, progress: Progress) -> dict[str, list[float]]:
    """Return the probability of the second state in each tested frame, by change, as the subscriber is sent them."""
    count = len(region.test)
    sizes = {CLEAN_CAMERA: count, CHANGED_CAMERA: count * len(CHANGES)}
    found: dict[str, dict[int, float]] = {name: {} for name in sizes}
    deadline = time.monotonic() + SILENCE_SECONDS
    while any(len(found[name]) < size for name, size in sizes.items()):
        message = subscriber.receive(1.0)
        if message is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the daemon has published nothing for {SILENCE_SECONDS:.0f} s")
            continue
        deadline = time.monotonic() + SILENCE_SECONDS
        (answer,) = message.states
        number = message.frame_seq % sizes[message.camera]
        found[message.camera][number] = answer.p[region.states[1]]
        progress(sum(map(len, found.values())), sum(sizes.values()))
    changed = [found[CHANGED_CAMERA][number] for number in range(sizes[CHANGED_CAMERA])]
    rows = {name: changed[place * count : (place + 1) * count] for place, name in enumerate(CHANGES)}
    return {CLEAN: [found[CLEAN_CAMERA][number] for number in range(count)], **rows}
