"""``core``: which model, and what runs it."""

from __future__ import annotations

from edged.vision.options import BaseOptions

__all__ = ["BaseOptions"]
