"""Pictures of the cameras that are looked at: one request under way for each stream, once for all of its viewers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from edged.errors import ControlError
from edged.page.daemon import DaemonLink
from edged.page.viewers import Picture, PictureStream, Viewer, fastest

__all__ = ["FACTS", "Previews", "fetch"]

log = logging.getLogger(__name__)

ERROR_SECONDS = 1.0
MOST_STREAMS = 48
MOST_UNDER_WAY = 14  # requests at a time: the daemon refuses more than 16, and others may ask for previews too

FACTS = ("camera", "region", "frame_seq", "t_cap_us", "t_wall_us", "width", "height", "media_type")
"""What a picture's header has of the result of a ``preview``."""


async def fetch(daemon: DaemonLink, stream: PictureStream) -> Picture:
    """Return the next picture of *stream*.

    Raises:
        ControlError: there is none.
    """
    rest: dict[str, Any] = {"camera": stream.camera}
    rest |= {"width": stream.width} if stream.region is None else {"region": stream.region}
    reply = await daemon.ask("preview", **rest)
    facts = reply.result
    if len(reply.pictures) != 1 or not isinstance(facts.get("t_cap_us"), int):
        raise ControlError("failed", "the daemon answered without a picture")
    also = ("frame_width", "frame_height")
    return Picture({key: facts.get(key) for key in (*FACTS, *also)}, facts["t_cap_us"], reply.pictures[0])


class Previews:
    """Keeps one task for each stream that a viewer takes pictures of.

    *viewers* returns those of the moment. *on_picture* is called with every new picture, and *on_error* instead when
    there is none.
    """

    def __init__(
        self,
        daemon: DaemonLink,
        viewers: Callable[[], Iterable[Viewer]],
        on_picture: Callable[[PictureStream, Picture], None],
        on_error: Callable[[PictureStream, ControlError], None],
    ) -> None:
        self._daemon = daemon
        self._viewers = viewers
        self._on_picture = on_picture
        self._on_error = on_error
        self._periods: Mapping[PictureStream, float] = {}
        self._tasks: dict[PictureStream, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(MOST_UNDER_WAY)

    def review(self) -> None:
        """Look anew at what the viewers want: streams begin and end."""
        wanted = fastest(self._viewers(), asyncio.get_running_loop().time())
        self._periods = dict(list(wanted.items())[:MOST_STREAMS])
        for stream in self._periods:
            if stream not in self._tasks:
                self._tasks[stream] = asyncio.create_task(self._follow(stream))

    def close(self) -> None:
        """End all streams."""
        for task in self._tasks.values():
            task.cancel()

    async def _follow(self, stream: PictureStream) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        try:
            while stream in self._periods:
                await asyncio.sleep(due - loop.time())
                begin = loop.time()
                try:
                    async with self._turns:
                        picture = await fetch(self._daemon, stream)
                except ControlError as exc:
                    self._on_error(stream, exc)
                    due = loop.time() + ERROR_SECONDS
                else:
                    self._on_picture(stream, picture)
                    # From the due time on, so that the rate is the one asked for; but no burst after a pause.
                    due = max(due, begin - self._periods.get(stream, 0.0)) + self._periods.get(stream, 0.0)
                self.review()
        finally:
            self._tasks.pop(stream, None)
