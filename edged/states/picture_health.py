"""The health of a picture: whether a camera still sees what it saw when its examples were enrolled.

A picture is compared with the enrolled ones in light, contrast and detail, and by the shift that phase correlation
finds. Nothing adapts: what has changed is reported, and stays so until it is undone or new examples are enrolled.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from edged.vision.pixels.grey_square import grey_square

__all__ = [
    "BLIND",
    "CHECK_SECONDS",
    "PATIENCE_SECONDS",
    "PICTURE_STATES",
    "EnrolledLooks",
    "PictureHealth",
    "PictureState",
]

PictureState = Literal["ok", "covered", "blurred", "dazzled", "moved", "changed"]
PICTURE_STATES: tuple[PictureState, ...] = get_args(PictureState)

BLIND: frozenset[PictureState] = frozenset({"covered", "blurred", "dazzled"})
"""States of a picture in which nothing can be decided about what it shows."""

PATIENCE_SECONDS = 120.0
CHECK_SECONDS = 5.0
SHARE = 2 / 3  # of the checks of so long must agree

SIDE = 96  # pixels
MOST_PICTURES = 8  # that are compared by phase correlation, which takes 36 KiB for each

FLAT = 0.45  # of the least contrast of the enrolled pictures
FLAT_LEVELS = 9.0  # less than any scene has, at any hour
SMOOTH = 0.35  # of their least detail, by itself and in proportion to the contrast
GLARE_LEVEL, GLARE = 250, 0.12  # so much more of a picture is white than of the enrolled one with most
SHIFT = 0.05  # of the side
CLEAR_PEAK = 0.2  # of the correlation: 1 for the same picture
NOVEL = 1.5


@dataclass(frozen=True, slots=True)
class _Look:
    """Measures of a picture: ``contrast`` and ``detail`` in levels, ``glare`` as the share of it that is white."""

    contrast: float
    detail: float
    glare: float

    @property
    def sharpness(self) -> float:
        return self.detail / max(self.contrast, 1.0)


def _look(square: NDArray[np.float32]) -> _Look:
    laplacian = 4 * square[1:-1, 1:-1] - square[:-2, 1:-1] - square[2:, 1:-1] - square[1:-1, :-2] - square[1:-1, 2:]
    return _Look(float(square.std()), float(laplacian.std()), float((square >= GLARE_LEVEL).mean()))


class EnrolledLooks:
    """Measures of the enrolled pictures of one place: RGB, ``(height, width, 3)``, all of the same region.

    There is at least one. Of many, a few at equal distances are compared with a picture.
    """

    def __init__(self, pictures: Sequence[NDArray[np.uint8]]) -> None:
        squares = [grey_square(picture, SIDE) for picture in pictures]
        looks = [_look(square) for square in squares]
        self._contrast = min(look.contrast for look in looks)
        self._detail = min(look.detail for look in looks)
        self._sharpness = min(look.sharpness for look in looks)
        self._glare = max(look.glare for look in looks)
        chosen = np.unique(np.linspace(0, len(squares) - 1, MOST_PICTURES).round().astype(int))
        self._spectra = [_spectrum(squares[number]) for number in chosen]

    def judge(self, picture: NDArray[np.uint8], novelty: float | None) -> PictureState:
        """Return the state of one *picture*, RGB, whose vector has this *novelty*."""
        square = grey_square(picture, SIDE)
        is_novel = novelty is None or novelty > NOVEL
        if is_novel and (blind := self._blind(_look(square))):
            return blind  # what is like an example can be decided, however bright or soft it is
        spectrum = _spectrum(square)
        shift, peak = max((_shift(spectrum, each) for each in self._spectra), key=lambda found: found[1])
        if peak >= CLEAR_PEAK and shift >= SHIFT:
            return "moved"
        return "changed" if novelty is not None and is_novel else "ok"

    def _blind(self, look: _Look) -> PictureState | None:
        if look.glare > self._glare + GLARE:
            return "dazzled"
        is_smooth = look.detail < SMOOTH * self._detail
        if look.contrast < FLAT_LEVELS or (is_smooth and look.contrast < FLAT * self._contrast):
            return "covered"
        if not is_smooth:
            return None
        return "blurred" if look.sharpness < SMOOTH * self._sharpness else None


def _spectrum(square: NDArray[np.float32]) -> NDArray[np.complex64]:
    window = np.hanning(SIDE)
    spectrum = np.fft.rfft2((square - square.mean()) * window * window[:, np.newaxis])
    phases: NDArray[np.complex64] = (spectrum / np.maximum(np.abs(spectrum), 1e-9)).astype(np.complex64)
    return phases


def _shift(one: NDArray[np.complex64], other: NDArray[np.complex64]) -> tuple[float, float]:
    """Return how far a picture has moved against another, as a share of the side, and the height of that peak, 0…1."""
    surface = np.fft.irfft2(one * other.conj(), (SIDE, SIDE))
    row, column = np.unravel_index(int(surface.argmax()), surface.shape)
    down, right = (min(int(place), SIDE - int(place)) for place in (row, column))
    return float(np.hypot(down, right)) / SIDE, float(surface.max())


class PictureHealth:
    """The state of the pictures of one place, with patience: for *patience_seconds* most checks must agree.

    So what stands before the camera for a while changes nothing. Only the times of the frames
    count. One thread uses it.
    """

    def __init__(self, enrolled: EnrolledLooks, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self.state: PictureState = "ok"
        self._enrolled = enrolled
        self._patience_us = round(patience_seconds * 1e6)
        self._checks: deque[tuple[int, PictureState]] = deque()

    @property
    def is_blind(self) -> bool:
        """Whether nothing can be decided about what the pictures show."""
        return self.state in BLIND

    def is_due(self, t_us: int) -> bool:
        """Whether a picture captured at *t_us* should be checked: one every few seconds is enough."""
        return not self._checks or not 0 <= t_us - self._checks[-1][0] < CHECK_SECONDS * 1e6

    def check(self, picture: NDArray[np.uint8], novelty: float | None, t_us: int) -> bool:
        """Judge *picture*, RGB, captured at *t_us*. Returns whether `state` has changed."""
        if self._checks and t_us < self._checks[-1][0]:
            self._checks.clear()
        self._checks.append((t_us, self._enrolled.judge(picture, novelty)))
        is_long_enough = t_us - self._checks[0][0] >= self._patience_us
        while t_us - self._checks[0][0] > self._patience_us:
            self._checks.popleft()
        state, count = Counter(state for _, state in self._checks).most_common(1)[0]
        if state == self.state or not is_long_enough or count < SHARE * len(self._checks):
            return False
        self.state = state
        return True
