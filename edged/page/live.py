"""What is known of the daemon now, kept for the next tab and sent to the open ones."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from edged.page.changes import ChangeLine, ChangeLog
from edged.page.history import History
from edged.page.protocol import write_message
from edged.page.session import ViewerSession
from edged.page.viewers import Viewer
from edged.wire import Event, Message, State, Status, Vec

__all__ = ["Live"]

SCORE_SECONDS = 0.2
MOST_KNOWN = 512


class Live:
    """Takes messages and the state of the daemon, and lets each session have what it wants of them.

    Attributes:
        sessions: those that are open.
        status: the last result of ``status``; None while there is no daemon.
    """

    def __init__(self) -> None:
        self.sessions: set[ViewerSession] = set()
        self.history = History()
        self.status: Mapping[str, Any] | None = None
        self.trouble: str | None = None
        self._changes = ChangeLog()
        self._known: OrderedDict[str, str] = OrderedDict()
        self._scored: dict[tuple[str, str], float] = {}

    def viewers(self) -> list[Viewer]:
        """Return the viewers of the sessions that are open."""
        return [session.viewer for session in self.sessions]

    def join(self, session: ViewerSession) -> None:
        """Add a session, and let it have everything that is known."""
        self.sessions.add(session)
        session.put(self._daemon_text())
        if self.status is not None:
            session.put(write_message("status", status=self.status), "status")
        self.repeat(session)
        session.put(write_message("changes", lines=list(self._changes.lines)))

    def repeat(self, session: ViewerSession) -> None:
        """Let *session* have the last messages of cameras, states and events: a ``hello`` ends what it knew of them."""
        for key, text in self._known.items():
            session.put(text, key)

    def leave(self, session: ViewerSession) -> None:
        """Remove a session."""
        self.sessions.discard(session)

    def take(self, message: Message) -> None:
        """Take a message of the publish socket."""
        match message:
            case Vec():
                self._take_scores(message)
            case Status():
                self._keep(f"camera:{message.camera}", write_message("camera", camera=message.camera, status=message))
                self._send_lines(self._changes.note_status(message))
            case State():
                self.history.put_state(message)
                key = f"state:{message.camera}/{message.region}/{message.set}"
                self._keep(key, write_message("state", state=message))
                self._send_lines(self._changes.note_state(message))
            case Event():
                self.history.put_event(message)
                key = f"event:{message.camera}/{message.region}/{message.ref}/{message.state}"
                self._keep(key, write_message("event", event=message), is_replaced=message.phase == "update")

    def take_status(self, status: Mapping[str, Any]) -> None:
        """Take the result of the request ``status``."""
        self.status = status
        self._send(write_message("status", status=status), "status")

    def take_presence(self, trouble: str | None) -> None:
        """Note that the daemon has come (None), or why there is none."""
        if trouble is not None and self.trouble is None and self.status is not None:
            self.status = None
            self._known.clear()
            self._send_lines(self._changes.note(f"daemon: {trouble}"))
        elif trouble is None and self.trouble is not None:
            self._send_lines(self._changes.note("daemon: connected"))
        self.trouble = trouble
        self._send(self._daemon_text())

    def note(self, lines: list[str]) -> None:
        """Add lines of change of the page's own."""
        for text in lines:
            self._send_lines(self._changes.note(text))

    def _take_scores(self, vec: Vec) -> None:
        self.history.put_scores(vec)
        place = vec.camera, vec.region
        wanting = [session for session in self.sessions if place in session.viewer.scores]
        now = time.monotonic()
        if not wanting or now - self._scored.get(place, 0.0) < SCORE_SECONDS:
            return
        if len(self._scored) > MOST_KNOWN:
            self._scored.clear()
        self._scored[place] = now
        names = (
            "camera",
            "region",
            "t_wall_us",
            "t_cap_us",
            "frame_seq",
            "roi",
            "rotation",
            "sims",
            "states",
            "lat_us",
        )
        text = write_message("scores", **{name: getattr(vec, name) for name in names})
        for session in wanting:
            session.put(text, f"scores:{vec.camera}/{vec.region}")

    def _keep(self, key: str, text: str, *, is_replaced: bool = True) -> None:
        self._known[key] = text
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
        self._send(text, key if is_replaced else None)

    def _send_lines(self, lines: list[ChangeLine]) -> None:
        if lines:
            self._send(write_message("changes", lines=lines))

    def _send(self, text: str, replaces: str | None = None) -> None:
        for session in self.sessions:
            session.put(text, replaces)

    def _daemon_text(self) -> str:
        return write_message("daemon", up=self.trouble is None, text=self.trouble or "")
