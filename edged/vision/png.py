"""Pictures to PNG, without any loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["save_png", "to_png"]


def to_png(picture: NDArray[np.uint8]) -> bytes:
    """*picture*, RGB of shape ``(height, width, 3)``, as a PNG."""
    return cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes()


def save_png(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write *picture*, RGB of shape ``(height, width, 3)``, to *path* as a PNG, without any loss.

    Raises:
        OSError: the file cannot be written.
    """
    _, png = cv2.imencode(".png", picture[..., ::-1])
    path.write_bytes(png.tobytes())
