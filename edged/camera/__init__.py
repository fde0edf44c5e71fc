"""Cameras, and the files that replace one: the only place that opens a video device or file."""

from __future__ import annotations

from edged.camera.configured import open_source
from edged.camera.source import LiveStream, MaskedSource, Source

__all__ = ["LiveStream", "MaskedSource", "Source", "open_source"]
