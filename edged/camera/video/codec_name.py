"""The names of codecs that edged publishes."""

from __future__ import annotations

__all__ = ["codec_name"]


def codec_name(ffmpeg_name: str) -> str:
    """Return the name of a codec that FFmpeg calls *ffmpeg_name*: ``jpeg`` for its ``mjpeg``, the same for others.

    Cameras whose JPEGs are decoded without FFmpeg have that name too.
    """
    return "jpeg" if ffmpeg_name == "mjpeg" else ffmpeg_name
