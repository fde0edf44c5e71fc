"""Changes of light, sensor and camera, and tampering with it, made of frames of a clip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edged.regions import Box

__all__ = ["CHANGES", "GROUPS", "TAMPERING", "Change", "Picture", "Scene"]

Picture = npt.NDArray[np.uint8]
"""RGB, of shape ``(height, width, 3)``."""

Change = Callable[["Scene"], Picture]


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A frame and the region of it that is looked at; ``position`` is its place among the tested frames, 0…1."""

    frame: Picture
    box: Box
    position: float
    random: np.random.Generator

    @property
    def crop(self) -> Picture:
        """Return the region of the frame."""
        return self.of(self.frame)

    def of(self, frame: Picture) -> Picture:
        """Return the region of another frame of the same size."""
        box = self.box
        return np.ascontiguousarray(frame[box.y : box.y + box.height, box.x : box.x + box.width])


def _levels(values: npt.NDArray[np.floating[Any]]) -> Picture:
    return np.clip(values, 0, 255).astype(np.uint8)


def _curve(curve: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]) -> Change:
    """Return a change of every level by *curve*, which maps 0…1."""
    table = np.clip(np.rint(255 * curve(np.arange(256) / 255)), 0, 255).astype(np.uint8)
    return lambda scene: table[scene.crop]


def exposure(stops: float) -> Change:
    """More light, or less, on a display of gamma 2.2."""
    return _curve(lambda x: x * 2 ** (stops / 2.2))


def gamma(exponent: float) -> Change:
    """Another tone curve: darker above 1."""
    return _curve(lambda x: x**exponent)


def white_balance(red: float, green: float, blue: float) -> Change:
    """Another colour of the light."""
    gains = np.array([red, green, blue])
    return lambda scene: _levels(np.rint(scene.crop * gains))


def noise(sigma: float) -> Change:
    """Noise of the sensor, in levels."""
    return lambda scene: _levels(scene.crop + scene.random.normal(0, sigma, scene.crop.shape))


def jpeg(quality: int) -> Change:
    """Strong compression."""

    def compressed(scene: Scene) -> Picture:
        bgr = cv2.cvtColor(scene.crop, cv2.COLOR_RGB2BGR)
        code = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return cv2.cvtColor(cv2.imdecode(code, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB).astype(np.uint8)

    return compressed


def defocus(share: float) -> Change:
    """Blur, whose sigma is a share of the frame's width."""

    def blurred(scene: Scene) -> Picture:
        return scene.of(cv2.GaussianBlur(scene.frame, (0, 0), share * scene.frame.shape[1]).astype(np.uint8))

    return blurred


def moved(right: float, down: float, degrees: float = 0.0) -> Change:
    """A camera that points elsewhere: by shares of the frame's width and height, and turned."""

    def pushed(scene: Scene) -> Picture:
        height, width = scene.frame.shape[:2]
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
        matrix = matrix + np.array([[0, 0, right * width], [0, 0, down * height]])
        frame = cv2.warpAffine(scene.frame, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)
        return scene.of(frame.astype(np.uint8))

    return pushed


def shadow(scene: Scene) -> Picture:
    """A soft dark band, as of a building, that crosses the region while the test goes on."""
    height, width = scene.crop.shape[:2]
    middle, half = (scene.position * 1.6 - 0.3) * width, 0.35 * width
    corners = [
        (middle - half, -5),
        (middle + half, -5),
        (middle + 0.4 * half, height + 5),
        (middle - 1.4 * half, height + 5),
    ]
    band = cv2.fillPoly(np.zeros((height, width), np.float32), [np.array(corners, np.int32)], (1.0,))
    soft = cv2.GaussianBlur(band, (0, 0), 0.03 * width)
    return _levels(scene.crop * (1 - 0.5 * soft[..., np.newaxis]))


def rain(scene: Scene) -> Picture:
    """Bright slanted streaks over a picture of less contrast."""
    streaks, random = 90, scene.random
    height, width = scene.crop.shape[:2]
    drops, long = np.zeros((height, width), np.float32), max(4, height // 9)
    lefts, tops = random.integers(-10, width, streaks), random.integers(-long, height, streaks)
    for left, top, size in zip(lefts, tops, random.uniform(0.6, 1.4, streaks), strict=True):
        end = int(left + 0.25 * long * size), int(top + long * size)
        cv2.line(drops, (int(left), int(top)), end, (1.0,), 1, cv2.LINE_AA)
    soft = cv2.GaussianBlur(drops, (0, 0), 0.7)[..., np.newaxis]
    hazy = scene.crop * 0.85 + 25
    return _levels(hazy + soft * (225 - hazy) * 0.75)


def infrared(scene: Scene) -> Picture:
    """A night camera's own lamp: no colour, bright in the middle, and noise."""
    height, width = scene.crop.shape[:2]
    grey = scene.crop @ np.array([0.6, 0.3, 0.1])
    lamp = 1.15 - 0.75 * _squares(height, width, 0.5)
    grey = grey * lamp * 0.75 + scene.random.normal(0, 9, grey.shape) + 10
    return np.repeat(_levels(grey)[..., np.newaxis], 3, axis=2)


def evening(scene: Scene) -> Picture:
    """Light that fades by two stops over the test, and grows warmer and noisier."""
    at = scene.position
    gains = 2 ** (-2 * at / 2.2) * np.array([1 + 0.12 * at, 1, 1 - 0.25 * at])
    return _levels(scene.crop * gains + scene.random.normal(0, 1 + 4 * at, scene.crop.shape))


def covered(scene: Scene) -> Picture:
    """A hand or tape over the lens: dark and smooth, with a little light from one side."""
    light = np.linspace(0, 1, scene.crop.shape[1])[:, np.newaxis] * np.array([42.0, 20, 12])
    return _levels(light + 8 + scene.random.normal(0, 3, scene.crop.shape))


def dazzled(scene: Scene) -> Picture:
    """A lamp or the sun in the lens."""
    height, width = scene.crop.shape[:2]
    glare = np.exp(-_squares(height, width, 0.4) / 0.18)[..., np.newaxis]
    return _levels(scene.crop * 0.8 + 330 * glare)


def _squares(height: int, width: int, centre: float) -> npt.NDArray[np.float64]:
    """Return the squared distance of each pixel from the point at *centre* of both sides, in shares of the sides."""
    rows, columns = np.mgrid[0:height, 0:width]
    return np.asarray((columns / width - centre) ** 2 + (rows / height - centre) ** 2)


CHANGES: MappingProxyType[str, Change] = MappingProxyType(
    {
        "exposure +1.5": exposure(1.5),
        "exposure -1.5": exposure(-1.5),
        "gamma 0.6": gamma(0.6),
        "gamma 1.6": gamma(1.6),
        "light 3000 K": white_balance(1.22, 0.95, 0.62),
        "light 8000 K": white_balance(0.84, 1.0, 1.22),
        "evening": evening,
        "shadow": shadow,
        "noise": noise(12),
        "jpeg 20": jpeg(20),
        "defocus": defocus(0.0022),
        "rain": rain,
        "moved 1 %": moved(0.01, 0.006),
        "moved 3 %": moved(-0.03, 0.015),
        "moved 5 %": moved(0.05, -0.02),
        "turned 2°": moved(0, 0, 2.0),
        "infrared": infrared,
    }
)
"""The 17 changes after which a decision should still be right."""

GROUPS: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        "light": tuple(CHANGES)[:8],
        "sensor": tuple(CHANGES)[8:12],
        "camera moved": tuple(CHANGES)[12:16],
        "infrared": tuple(CHANGES)[16:],
    }
)

TAMPERING: MappingProxyType[str, Change] = MappingProxyType(
    {"covered": covered, "blurred": defocus(0.012), "turned away": moved(0.28, 0.1, 6), "dazzled": dazzled}
)
"""Changes after which nothing can be decided, and which should be noticed."""
