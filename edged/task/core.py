"""``core``: the model and its delegate."""

from __future__ import annotations

from edged.vision.options import BaseOptions

__all__ = ["BaseOptions"]
