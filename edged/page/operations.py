"""Requests of a tab: those of the control socket, passed on, and the page's own."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from edged.errors import ControlError
from edged.page.daemon import DaemonLink
from edged.page.gate import Role
from edged.page.keep import Keep, change_file, changes_of, read_keep
from edged.page.live import Live
from edged.page.protocol import Ask
from edged.page.session import ViewerSession
from edged.page.thumbnails import ThumbnailFiles, read_picture
from edged.values import applies_in

__all__ = ["CHANGING", "LOOKING", "Operations", "config_file"]

LOOKING = frozenset({"status", "states", "review", "references", "recent", "snapshot"})
CHANGING = frozenset({"enroll", "forget", "relabel", "answer", "try", "reload"})
MOST_KEEPING = 4  # changes of the configuration at a time, one after the other
MOST_PICTURE_BYTES = 24 << 20  # of one reply

Own = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]


class Operations:
    """Answers requests by their role. *after_change* is called when the daemon may have another status."""

    def __init__(self, daemon: DaemonLink, live: Live, after_change: Callable[[], None]) -> None:
        self._daemon = daemon
        self._live = live
        self._after_change = after_change
        self._thumbnails = ThumbnailFiles()
        self._file_turn = asyncio.Lock()
        self._keeping: set[asyncio.Task[dict[str, Any]]] = set()
        self._own: dict[str, tuple[Role, Own]] = {
            "history": ("look", self._history),
            "thumbnail": ("look", self._thumbnail),
            "keep": ("change", self._keep),
        }

    async def answer(self, session: ViewerSession, ask: Ask) -> dict[str, Any]:
        """Return the result of a request.

        Raises:
            ControlError: it is refused.
        """
        role = self._role_for(ask.op)
        if role == "change" and session.role != "change":
            raise ControlError(
                "not-allowed", f"{ask.op}: this tab may only look; open the other URL to change something"
            )
        try:
            return await (self._own[ask.op][1](ask.rest) if ask.op in self._own else self._pass_on(ask))
        finally:
            if role == "change":
                self._after_change()

    def _role_for(self, op: str) -> Role:
        if op in self._own:
            return self._own[op][0]
        if op in LOOKING:
            return "look"
        if op in CHANGING:
            return "change"
        raise ControlError("unknown-op", f"op: must be one of {', '.join(sorted({*LOOKING, *CHANGING, *self._own}))}")

    async def _pass_on(self, ask: Ask) -> dict[str, Any]:
        reply = await self._daemon.ask(ask.op, **ask.rest)
        self._thumbnails.note(reply.result)
        result = dict(reply.result)
        if sum(map(len, reply.pictures)) > MOST_PICTURE_BYTES:
            raise ControlError("failed", f"{ask.op}: the pictures are too large for a browser")
        if reply.pictures:
            result["infos"] = result.get("pictures")
            result["pictures"] = [b64encode(picture).decode() for picture in reply.pictures]
        return result

    async def _history(self, rest: Mapping[str, Any]) -> dict[str, Any]:
        camera, region = _texts("history", rest, "camera", "region")
        try:
            references = (await self._daemon.ask("references")).result.get("references", ())
        except ControlError:  # what came of the region is known without the daemon
            references = ()
        return {**self._live.history.report(camera, region), "thresholds": _thresholds(references, camera, region)}

    async def _thumbnail(self, rest: Mapping[str, Any]) -> dict[str, Any]:
        (name,) = _texts("thumbnail", rest, "example")
        if self._thumbnails.path(name) is None:
            for op in ("states", "references"):
                self._thumbnails.note((await self._daemon.ask(op)).result)
        path = self._thumbnails.path(name)
        if path is None:
            raise ControlError("not-found", f"example: the daemon has no picture of {name[:64]!r}")
        body, media_type = await asyncio.to_thread(read_picture, path)
        return {"example": name, "media_type": media_type, "pictures": [b64encode(body).decode()]}

    async def _keep(self, rest: Mapping[str, Any]) -> dict[str, Any]:
        keep = read_keep(rest)
        if len(self._keeping) >= MOST_KEEPING:
            raise ControlError("busy", f"{MOST_KEEPING} changes of the configuration are under way")
        task = asyncio.create_task(self._change_file(keep))
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)
        # It goes on when the tab is closed: else the file could have changed, and the daemon not follow it.
        return await asyncio.shield(task)

    async def _change_file(self, keep: Keep) -> dict[str, Any]:
        async with self._file_turn:
            report = await self._report(keep.camera)
            if report.get("trial_s") is not None:  # its regions are not those of the file
                await self._daemon.ask("try", camera=keep.camera, seconds=0)
                report = await self._report(keep.camera)
            config = config_file(self._live.status or {})
            if config is None:
                raise ControlError("failed", "the daemon's configuration is not known to the page")
            answer = await change_file(str(config), changes_of(keep, report))
            reply = await self._daemon.ask("reload")
        return {**answer, "changes": reply.result.get("changes", [])}

    async def _report(self, camera: str) -> Mapping[str, Any]:
        """Return what the status has about *camera*."""
        status = (await self._daemon.ask("status")).result
        self._live.take_status(status)
        for report in status.get("cameras", ()):
            if report.get("name") == camera:
                return dict(report)
        raise ControlError("not-found", f"camera: there is no {camera}")


def _thresholds(references: Iterable[Mapping[str, Any]], camera: str, region: str) -> list[dict[str, Any]]:
    """Return where the events of each of the *references* that makes any in that region begin and end."""
    return [
        {"ref": each.get("name"), "enter": each["enter"], "leave": each.get("leave")}
        for each in references
        if each.get("enter") is not None and applies_in(each.get("places", ()), camera, region)
    ]


def config_file(status: Mapping[str, Any]) -> Path | None:
    """Return the file of the daemon's configuration, by its result of ``status``; None if that cannot be known."""
    config, pid = status.get("config"), status.get("pid")
    if not isinstance(config, str):
        return None
    if not Path(config).is_absolute():  # to the folder in which the daemon was started
        try:
            return Path(f"/proc/{pid}/cwd").readlink() / config
        except OSError:
            return None
    return Path(config)


def _texts(op: str, rest: Mapping[str, Any], *keys: str) -> list[str]:
    if set(rest) != set(keys) or not all(isinstance(rest[key], str) for key in keys):
        raise ControlError("invalid", f"{op} has the keys {', '.join(keys)}, which are texts")
    return [rest[key] for key in keys]
