"""Decoders that are chosen by name, such as those of a board's hardware."""

from __future__ import annotations

import logging

import av
from av.video.codeccontext import VideoCodecContext

__all__ = ["DecoderChoice"]

log = logging.getLogger(__name__)


class DecoderChoice:
    """The decoder of a camera by FFmpeg's *name* of it, and FFmpeg's own software in its place.

    The log gets one line where it cannot be used, and another only when the reason is another. An empty *name* stands
    for software. *shown* is the name of the camera's stream in that line.
    """

    def __init__(self, name: str, shown: str) -> None:
        self._name, self._shown = name, shown
        self._reason = ""

    def open(self, software: VideoCodecContext, max_pixels: int) -> VideoCodecContext:
        """Return the decoder for what *software* decodes, or that itself; neither allocates more than *max_pixels*."""
        if self._name:
            try:
                context = self._open_named(software, max_pixels)
            except _Unusable as exc:
                self._report(str(exc))
            else:
                self._reason = ""
                return context
        return _limited(software, max_pixels)

    def _open_named(self, software: VideoCodecContext, max_pixels: int) -> VideoCodecContext:
        coded = software.codec.canonical_name
        try:
            context = av.CodecContext.create(self._name, "r")
        except (av.FFmpegError, ValueError):
            raise _Unusable("this FFmpeg has none of that name") from None
        if not isinstance(context, VideoCodecContext) or context.codec.canonical_name != coded:
            raise _Unusable(f"the video is {coded}")
        context.extradata = software.extradata
        context.width, context.height = software.width, software.height
        try:
            _limited(context, max_pixels).open()
        except (av.FFmpegError, MemoryError):
            raise _Unusable("it cannot be opened, as on a board without its hardware") from None
        return context

    def _report(self, reason: str) -> None:
        if reason != self._reason:
            log.warning(
                "%s: the decoder %s is not used: %s; FFmpeg decodes in software", self._shown, self._name, reason
            )
        self._reason = reason


class _Unusable(Exception):  # noqa: N818 - its text is the reason
    """The decoder that was chosen cannot be used."""


def _limited(context: VideoCodecContext, max_pixels: int) -> VideoCodecContext:
    context.thread_count = 1  # the processor is the model's
    context.options = {"max_pixels": str(max_pixels)}
    return context
