"""What FFmpeg reads over HTTP: every stream that is not one of JPEGs."""

from __future__ import annotations

import time

import cv2
import numpy as np
from numpy.typing import NDArray

from edged.camera.delay import is_from_before
from edged.camera.ffmpeg import decode_into, format_of
from edged.config.problems import redacted
from edged.errors import SourceError
from edged.values import MAX_PIXELS, Format, Stamp

__all__ = ["StreamSource"]

SCHEMES = ("http", "https")


class StreamSource:
    """A `Source` over OpenCV's FFmpeg, such as ``http://camera/stream.ts``.

    Frames come with the time of their arrival. ``grab`` blocks until there is a frame, up to *timeout* and not the one
    that it is given, and ``wake`` cannot end it: FFmpeg has no way to be asked. It leaves out a frame from before a
    silence, as far as the stream gives the times of its frames. Frames keep the size that the stream had at the start;
    if that changes they are scaled. User and password in the URL appear in no text.

    Args:
        url: ``http://…`` or ``https://…``.
        timeout: seconds within which the stream must have been opened, and after which one without a frame is lost.
        verify_tls: refuse to open ``https``, since FFmpeg, as OpenCV has it, takes any certificate.
        max_pixels: of a frame; a stream of larger ones is not opened.

    Raises:
        ValueError: *url* is none of these.
    """

    def __init__(
        self, url: str, *, timeout: float = 10.0, verify_tls: bool = True, max_pixels: int = MAX_PIXELS
    ) -> None:
        if url.partition("://")[0].lower() not in SCHEMES:
            raise ValueError(f"must begin with {', '.join(f'{s}://' for s in SCHEMES)} (got {redacted(url)})")
        self._url = url
        self._shown = redacted(url)
        self._timeout = timeout
        self._max_pixels = max_pixels
        self._is_trusted = not verify_tls or not url.lower().startswith("https:")
        self._capture: cv2.VideoCapture | None = None
        self._position = 0.0  # of the last frame, in the stream's own seconds
        self._was_old = False  # the last frame, from before a silence

    def open(self) -> Format:
        self.close()
        if not self._is_trusted:
            raise SourceError(
                f"{self._shown}: FFmpeg cannot verify the certificate of such a stream; "
                "set verify_tls: false to take any"
            )
        return self.open_path(self._url)

    def open_path(self, path: str) -> Format:
        """Open the stream at *path* in place of the URL, such as a pipe that it comes through. Raises as ``open``."""
        self.close()
        limit = max(1, round(self._timeout * 1000))
        begin = time.monotonic()
        capture = cv2.VideoCapture(
            path,
            cv2.CAP_FFMPEG,
            [
                cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
                limit,
                cv2.CAP_PROP_READ_TIMEOUT_MSEC,
                limit,
                cv2.CAP_PROP_N_THREADS,
                1,  # the processor is the model's
            ],
        )
        if not capture.isOpened():
            capture.release()
            in_time = time.monotonic() - begin < 0.9 * self._timeout
            why = "cannot be opened (wrong address, user or password, or no video)" if in_time else "does not answer"
            raise SourceError(f"{self._shown}: {why}")
        self._capture = capture
        self._position = 0.0
        return format_of(capture, self._max_pixels, self._shown)

    def grab(self, timeout: float) -> Stamp | None:  # noqa: ARG002 - FFmpeg waits as long as it was set to at the start
        assert self._capture is not None, "grab before open"
        begin = time.monotonic()
        grabbed = self._capture.grab()
        waited = time.monotonic() - begin
        # After a wait that ran out FFmpeg hands out an old frame once, as if it were new.
        if waited >= 0.9 * self._timeout:
            raise SourceError(f"{self._shown}: no frame for {self._timeout:g} s")
        if not grabbed:
            # A stream that failed once stays dead: it has to be opened anew.
            raise SourceError(f"{self._shown}: stopped delivering")
        before, self._position = self._position, self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0
        # Never twice in a row: a slow camera may count its frames instead of giving their times.
        self._was_old = not self._was_old and is_from_before(waited, self._position - before)
        return None if self._was_old else Stamp(time.monotonic_ns(), "arrival")

    def retrieve(self, slot: NDArray[np.uint8]) -> None:
        assert self._capture is not None, "retrieve before open"
        decode_into(self._capture, slot, self._shown)

    def wake(self) -> None:
        """Nothing can end a read of FFmpeg's; its own limit does."""

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None
