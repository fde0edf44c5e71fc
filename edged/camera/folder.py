"""The pictures of a folder as the frames of a camera."""

from __future__ import annotations

import logging
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from edged.camera.video.timeline import Pace
from edged.errors import DamagedFrame, EndOfStream, PictureError, SourceError, map_exceptions, text_of
from edged.label_text import shown_path
from edged.values import MAX_PIXELS, WHITE, Colour, Format, Stamp
from edged.vision.pictures.decoding import decode_bgr, read_limited
from edged.vision.pictures.picture_folder import list_pictures

if TYPE_CHECKING:
    from edged.camera.frame_needs import FrameNeeds
    from edged.config import CameraConfig

__all__ = ["FolderSource"]

log = logging.getLogger(__name__)

DEFAULT_FPS = 10.0
MOST_FILES = 100_000  # in a folder, whose list is in memory, and is made anew for each round
MOST_REPORTED = 20  # pictures that cannot be read, each with a line in the log


class FolderSource:
    """A `Source` that shows the pictures of a folder in the order of their names and numbers, once or for ever.

    Each is turned upright as its EXIF orientation says, and laid on *background* where it is transparent. Frames have
    the size of the first picture: one of another size is scaled to fit, its proportions kept, in the middle of a black
    frame. One that cannot be read is a ``DamagedFrame``, and the next one follows. Pictures that are added or taken
    away count from the next round on.

    Args:
        path: the folder; pictures in folders below it do not count.
        loop: start again after the last picture; else the end is an ``EndOfStream``.
        fps: pictures per second; None for 10.
        max_pixels: of a picture; a larger one is a ``DamagedFrame``, like a file of more than 64 MiB.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        loop: bool,
        fps: float | None,
        max_pixels: int = MAX_PIXELS,
        background: Colour = WHITE,
    ) -> None:
        self._path = Path(path)
        self._loop = loop
        self._interval = 1.0 / (fps or DEFAULT_FPS)
        self._woken = threading.Event()
        self._pace = Pace()
        self._shown = 0  # pictures since the source was opened
        self._pictures: list[Path] = []  # that are left of this round
        self._picture = Path()  # the one that was grabbed
        self._is_warned = False  # that some picture has another size
        self._reported: set[Path] = set()  # pictures that cannot be read
        self._notice = ""  # the last line about what is passed over
        self._make_reader = partial(_Reader, max_pixels, background)
        self._reader = self._make_reader()

    @classmethod
    def from_config(cls, camera: CameraConfig, needs: FrameNeeds) -> FolderSource:
        """The source that *camera* asks for, not opened yet."""
        return cls(
            camera.source.target,
            loop=camera.loop,
            fps=camera.fps,
            max_pixels=needs.max_pixels,
            background=needs.background,
        )

    def open(self) -> Format:
        self.close()
        self._pictures = self._list()
        self._pace = Pace()
        self._shown = 0
        self._is_warned = False
        with map_exceptions({DamagedFrame: SourceError}, "the first picture of a folder sets the size of its frames"):
            height, width = self._reader.read(self._pictures[0]).shape[:2]
        return Format(width=width, height=height, fps=1.0 / self._interval)

    def grab(self, timeout: float) -> Stamp | None:
        if not self._pictures:
            if not self._loop:
                raise EndOfStream(f"{self._path}: end of the folder")
            self._pictures = self._list()
        now = time.monotonic()
        wait = self._pace.due(self._shown * self._interval, now) - now
        if wait > 0 and (self._woken.wait(min(wait, timeout)) or wait > timeout):
            return None
        self._picture = self._pictures.pop(0)
        self._shown += 1
        return Stamp(time.monotonic_ns(), "arrival")

    def retrieve(self, slot: NDArray[np.uint8]) -> None:
        try:
            picture = self._reader.read(self._picture)
        except DamagedFrame as exc:
            self._report(exc)
            raise
        if picture.shape == slot.shape:
            slot[...] = picture
            return
        if not self._is_warned:
            self._is_warned = True
            shown = shown_path(self._picture)
            log.warning("%s has another size than the first picture of the folder, and is made to fit", shown)
        _fit(picture, slot)

    def _report(self, damage: DamagedFrame) -> None:
        """Name a picture that cannot be read, once: a folder that loops shows it again and again."""
        if self._picture in self._reported or len(self._reported) >= MOST_REPORTED:
            return
        self._reported.add(self._picture)
        log.warning("%s; it is left out", damage)
        if len(self._reported) == MOST_REPORTED:
            log.warning("%s: no more pictures that cannot be read are named", self._path)

    def wake(self) -> None:
        self._woken.set()

    def close(self) -> None:
        self._pictures = []
        self._reader = self._make_reader()

    def _list(self) -> list[Path]:
        with map_exceptions({OSError: SourceError}, f"{self._path}: the folder cannot be read"):
            folder = list_pictures(self._path, MOST_FILES)
        if not folder.pictures:
            raise SourceError(folder.emptiness)
        if folder.notice not in ("", self._notice):
            log.warning("%s", folder.notice)
        self._notice = folder.notice
        return list(folder.pictures)


class _Reader:
    """Reads pictures. One that comes again, because it is the only one, is not decoded again while its file stays."""

    def __init__(self, max_pixels: int, background: Colour) -> None:
        self._max_pixels = max_pixels
        self._background = background
        self._signature: tuple[object, ...] = ()
        self._content = bytearray()  # of the last file: the next one is read into the same memory
        self._picture: NDArray[np.uint8]

    def read(self, file: Path) -> NDArray[np.uint8]:
        """The picture in *file*, BGR; valid until the next one is read, and not to be written into.

        Raises:
            DamagedFrame: there is none that can be decoded, or it is too large.
        """
        shown = shown_path(file)
        if not file.is_file():  # nor a pipe, which would be waited for
            raise DamagedFrame(f"{shown}: no such picture any more")
        with map_exceptions(dict.fromkeys((OSError, PictureError, MemoryError), DamagedFrame), shown, _reason):
            found = file.stat()
            signature = (file, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
            if signature != self._signature:
                self._signature = ()
                self._picture = decode_bgr(read_limited(file, self._content), self._max_pixels, self._background)
                self._signature = signature
        return self._picture


def _reason(exc: Exception) -> str:
    match exc:
        case MemoryError():
            return "there is not enough memory for it"
        case OSError():
            return f"cannot be read: {text_of(exc)}"
        case _:
            return str(exc)


def _fit(picture: NDArray[np.uint8], slot: NDArray[np.uint8]) -> None:
    height, width = slot.shape[:2]
    scale = min(width / picture.shape[1], height / picture.shape[0])
    inner_width = max(1, round(picture.shape[1] * scale))
    inner_height = max(1, round(picture.shape[0] * scale))
    left, top = (width - inner_width) // 2, (height - inner_height) // 2
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    slot[...] = 0
    inner = slot[top : top + inner_height, left : left + inner_width]
    inner[...] = cv2.resize(picture, (inner_width, inner_height), interpolation=way)
