"""Requests of a tab: those of the control socket, passed on, and the page's own."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from edged.errors import ControlError
from edged.page.daemon import Daemon
from edged.page.gate import Role
from edged.page.live import Live
from edged.page.protocol import Ask
from edged.page.session import Session

__all__ = ["Operations"]

LOOKING = frozenset({"status", "states", "review", "references", "recent", "snapshot"})
CHANGING = frozenset({"enroll", "forget", "relabel", "answer", "try", "reload"})
MOST_PICTURE_BYTES = 24 << 20  # of one reply

Own = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]


class Operations:
    """Answers requests by their role. *after_change* is called when the daemon may have another status."""

    def __init__(self, daemon: Daemon, live: Live, after_change: Callable[[], None]) -> None:
        self._daemon = daemon
        self._live = live
        self._after_change = after_change
        self._own: dict[str, tuple[Role, Own]] = {"history": ("look", self._history)}

    async def answer(self, session: Session, ask: Ask) -> dict[str, Any]:
        """Return the result of a request.

        Raises:
            ControlError: it is refused.
        """
        role: Role | None = "look" if ask.op in LOOKING else "change" if ask.op in CHANGING else None
        own: Own | None = None
        if ask.op in self._own:
            role, own = self._own[ask.op]
        if role is None:
            known = ", ".join(sorted({*LOOKING, *CHANGING, *self._own}))
            raise ControlError("unknown-op", f"op: must be one of {known}")
        if role == "change" and session.role != "change":
            raise ControlError("not-allowed", f"{ask.op}: this page was opened to look only")
        try:
            return await (own(ask.rest) if own is not None else self._pass_on(ask))
        finally:
            if role == "change":
                self._after_change()

    async def _pass_on(self, ask: Ask) -> dict[str, Any]:
        reply = await self._daemon.ask(ask.op, **ask.rest)
        result = dict(reply.result)
        if sum(map(len, reply.pictures)) > MOST_PICTURE_BYTES:
            raise ControlError("failed", f"{ask.op}: the pictures are too large for a browser")
        if reply.pictures:
            infos = result.get("pictures")
            result["infos"] = infos if isinstance(infos, list) else []
            result["pictures"] = [b64encode(picture).decode() for picture in reply.pictures]
        return result

    async def _history(self, rest: Mapping[str, Any]) -> dict[str, Any]:
        camera, region = rest.get("camera"), rest.get("region")
        if not isinstance(camera, str) or not isinstance(region, str) or set(rest) - {"camera", "region"}:
            raise ControlError("invalid", "history has the keys camera and region, which are names")
        return self._live.history.report(camera, region)
