"""Draw docs/edged.png: the demo's clip, its scores and its states. Needs matplotlib in addition to edged."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import ConnectionPatch, Rectangle
from numpy.typing import NDArray

from edged.config import load
from edged.pipeline.loading.model import open_model, read_model_file
from edged.pipeline.loading.references import open_references
from edged.pipeline.loading.states import StateSets, placed_sets
from edged.pipeline.placed_set import sets_at
from edged.regions import Box
from edged.states import Classifier, Decision
from edged.values import PixelFormat
from edged.vision.whole_picture import embed_whole

ROOT = Path(__file__).parent.parent
FPS = 10.0
MOMENTS = (4.0, 8.2, 13.0, 20.4)  # seconds: nobody, somebody far away, nobody, people on the path
BLUE, ORANGE, GREEN, GREY = "#1f6fb4", "#d95f02", "#2ca25f", "#e8e8e8"

Picture = NDArray[np.uint8]


def read_clip() -> list[Picture]:
    """Every frame of the demo's clip, BGR."""
    capture = cv2.VideoCapture(str(ROOT / "config/demo/street.mp4"))
    frames: list[Picture] = []
    while True:
        read, frame = capture.read()
        if not read:
            return frames
        frames.append(np.asarray(frame, np.uint8))


def score(frames: list[Picture]) -> tuple[Box, dict[str, list[float]], list[str]]:
    """The region in pixels, and the similarity of each reference and the decided state in every frame."""
    loaded = load(ROOT / "config/demo/edged.yaml")
    height, width = frames[0].shape[:2]
    box = loaded.config.cameras["street"].regions["path"].region.to_box(width, height)
    scores: dict[str, list[float]] = {}
    decided: list[str] = []
    with open_model(loaded, read_model_file(loaded)) as embedder:
        references = open_references(loaded, embedder)
        scorer = references.scorer("street", "path")
        learned = StateSets(None).open(
            loaded, references.names, embedder, partial(embed_whole, embedder=embedder), lambda: None
        )
        sets = sets_at(placed_sets(learned), "street", "path")
        classifier = Classifier(sets.values())
        decision = Decision(sets["path"].min_seconds, sets["path"].unknown_seconds)
        vector = np.zeros(embedder.dimension, np.float32)
        for number, frame in enumerate(frames):
            embedder.embed(frame, PixelFormat.BGR, box, 0, vector)
            for match in scorer.matches(vector):
                scores.setdefault(match.reference, []).append(match.similarity)
            (answer,) = classifier.answers(vector)
            decision.add(answer, round(number / FPS * 1e6), number)
            decided.append(decision.state)
    return box, scores, decided


def show(axes: Axes, picture: Picture, title: str) -> None:
    """One picture without axes."""
    axes.imshow(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xticks([])
    axes.set_yticks([])


def main() -> int:
    """Draw the picture."""
    frames = read_clip()
    box, scores, decided = score(frames)
    seconds = np.arange(len(frames)) / FPS
    plt.switch_backend("Agg")
    figure = plt.figure(figsize=(12, 5.4), dpi=110)
    grid = figure.add_gridspec(2, 5, height_ratios=(1, 1.25), width_ratios=(1.35, 1, 1, 1, 1), hspace=0.32, wspace=0.08)

    camera = figure.add_subplot(grid[0, 0])
    show(camera, frames[int(MOMENTS[3] * FPS)], "camera street, region path")
    camera.add_patch(Rectangle((box.x, box.y), box.width, box.height, fill=False, edgecolor=GREEN, linewidth=2.5))

    plot = figure.add_subplot(grid[1, :])
    for name, color in (("path-empty", BLUE), ("path-busy", ORANGE)):
        plot.plot(seconds, scores[name], color=color, label=name, linewidth=1.8)
    plot.set(xlim=(0, seconds[-1]), xlabel="seconds of the clip", ylabel="similarity to the reference")
    people = np.array([state == "people" for state in decided])
    bottom, top = plot.get_ylim()
    plot.fill_between(seconds, bottom, top, where=people, step="post", color=GREY, label="decided state: people")
    plot.set_ylim(bottom, top)
    plot.legend(loc="upper right", bbox_to_anchor=(1, 1.14), ncols=3, frameon=False)
    plot.spines[["top", "right"]].set_visible(False)
    plot.grid(alpha=0.25)

    for column, moment in enumerate(MOMENTS, 1):
        frame = frames[int(moment * FPS)]
        axes = figure.add_subplot(grid[0, column])
        show(axes, frame[box.y : box.y + box.height, box.x : box.x + box.width], f"{moment:g} s")
        value = scores["path-empty"][int(moment * FPS)]
        plot.plot(moment, value, "o", color=BLUE, markersize=7)
        axes.set_xlabel(f"path-empty {value:.2f}", fontsize=10, color=BLUE)
        line = ConnectionPatch(
            xyA=(0.5, -0.22),
            coordsA=axes.transAxes,
            xyB=(moment, value),
            coordsB=plot.transData,
            color="#999999",
            lw=0.8,
        )
        figure.add_artist(line)

    figure.savefig(ROOT / "docs/edged.png", bbox_inches="tight", facecolor="white")
    return 0


if __name__ == "__main__":
    sys.exit(main())
