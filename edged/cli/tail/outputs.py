"""Outputs of ``edged tail``: a live view, plain lines, sentences about events, JSON."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Self

from edged.cli.subscriber_arguments import HINT
from edged.cli.tail import event_lines, state_lines
from edged.cli.tail.plain import plain
from edged.cli.tail.state import TailState
from edged.cli.text import some
from edged.peer_text import peer_text
from edged.wire import Event, State

if TYPE_CHECKING:
    from edged.cli.tail.live import View
    from edged.client import Delivery, Subscriber

__all__ = ["Output", "choose"]


MAX_KNOWN = 10_000  # open events and decided states that are remembered; of more, those reported longest ago are not
TROUBLE_SECONDS = 2.0  # a daemon that is just starting may close the connection once


def choose(args: argparse.Namespace, address: str, subscriber: Subscriber) -> Output:
    """Return the output for *args* and the terminal."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without UTF-8 shows a ? instead of an error
    if args.json:
        return JsonLines(address, subscriber)
    if args.events:
        return Sentences(address, subscriber)
    if args.plain or not sys.stdout.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        return PlainLines(address, subscriber)
    return LiveView(address, subscriber)


class Output(AbstractContextManager["Output"]):
    """Gets every message, and shows them when ``show`` is called, once a period."""

    period = 1.0
    """Seconds from one ``show`` to the next."""

    def __init__(self, address: str, subscriber: Subscriber) -> None:
        self.state = TailState()
        self.address = address
        self._subscriber = subscriber
        self._start = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the output; what was shown last stays."""

    @property
    def shown(self) -> int:
        """Messages that count for ``--count``."""
        return self.state.counts.total()

    def add_message(self, delivery: Delivery, now: float) -> None:
        """Add a message that came at *now*."""
        message = delivery.message
        self.state.add_message(message, self._subscriber.age_seconds(message), now)

    def show(self, now: float) -> None:
        """Show the state at *now*."""
        raise NotImplementedError

    def summary(self) -> str:
        """Return a line for the end: messages, losses and restarts."""
        counts = self.state.counts
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
        words = [
            f"{some(counts.total(), 'message')} in {time.monotonic() - self._start:.0f} s"
            + (f" ({kinds})" if kinds else ""),
            f"{self._subscriber.gaps.total()} lost",
            some(self._subscriber.restarts.total(), "restart"),
        ]
        if self._subscriber.malformed:
            words.append(
                f"{self._subscriber.malformed} not understood ({peer_text(str(self._subscriber.last_malformed))})"
            )
        if self._subscriber.refused:
            words.append(f"{self._subscriber.refused} refused: not of their sender's node")
        if self.state.left_out:
            words.append(f"{self.state.left_out} of more cameras and regions than are shown")
        return "edged tail: " + ", ".join(words)


class _Lines(Output):
    """Output for programs: hints for people go to stderr."""

    def __init__(self, address: str, subscriber: Subscriber) -> None:
        super().__init__(address, subscriber)
        self._hints = [(1.0, f"waiting for {address} …"), (5.0, f"no message yet: {HINT}")]
        self._reported: Mapping[str, str] = {}

    def show(self, now: float) -> None:
        waited = now - self._start
        troubles = self._subscriber.troubles
        if waited >= TROUBLE_SECONDS and troubles != self._reported:
            self._reported = troubles
            for address, trouble in troubles.items():
                print(f"edged tail: {address}: {trouble}", file=sys.stderr)
        while self._hints and not self.state.counts and not troubles and waited >= self._hints[0][0]:
            print(f"edged tail: {self._hints.pop(0)[1]}", file=sys.stderr)


class JsonLines(_Lines):
    """Every header unchanged, one a line; characters that are not printable are escaped."""

    def add_message(self, delivery: Delivery, now: float) -> None:
        super().add_message(delivery, now)
        header = bytes(delivery.frames[1]).decode()
        print(header if header.isprintable() else json.dumps(json.loads(header)), flush=True)


class PlainLines(_Lines):
    """A line for each camera and region every second."""

    def show(self, now: float) -> None:
        super().show(now)
        clock = time.strftime("%H:%M:%S")
        for line in self.state.lines(now, self._subscriber.gaps):
            print(f"{clock}  {plain(line)}")
        sys.stdout.flush()


class Sentences(_Lines):
    """A line when an event begins, when it ends, and when it goes on but its begin did not arrive; and as for states.

    It subscribes to status messages, too: events may be rare, and these show that a daemon is there.
    """

    def __init__(self, address: str, subscriber: Subscriber) -> None:
        super().__init__(address, subscriber)
        self._known: dict[tuple[str, ...], str] = {}
        self._printed = 0

    @property
    def shown(self) -> int:
        return self._printed

    def add_message(self, delivery: Delivery, now: float) -> None:
        super().add_message(delivery, now)
        if isinstance(delivery.message, Event):
            self._add_event(delivery.message)
        elif isinstance(delivery.message, State):
            self._add_state(delivery.message)

    def _add_event(self, event: Event) -> None:
        subject = "event", event.node, event.camera, event.region, peer_text(f"{event.ref} {event.state or ''}")
        event_id = peer_text(event.event_id)
        if event.phase != "update" or self._known.get(subject) != event_id:
            self._print(event_lines.sentence(event, with_node=len(self.state.nodes()) > 1))
        self._remember(subject, event_id if event.phase != "end" else None)

    def _add_state(self, message: State) -> None:
        subject = "state", message.node, message.camera, message.region, peer_text(message.set)
        state = peer_text(message.state)
        if message.reason != "repeat" or self._known.get(subject) != state:
            self._print(state_lines.sentence(message, with_node=len(self.state.nodes()) > 1))
        self._remember(subject, state)

    def _print(self, sentence: str) -> None:
        print(sentence, flush=True)
        self._printed += 1

    def _remember(self, subject: tuple[str, ...], what: str | None) -> None:
        self._known.pop(subject, None)
        if what is not None:
            self._known[subject] = what
        if len(self._known) > MAX_KNOWN:
            del self._known[next(iter(self._known))]


class LiveView(Output):
    """The live view on a terminal, drawn again every period."""

    period = 0.25

    def __init__(self, address: str, subscriber: Subscriber) -> None:
        from rich.console import Console
        from rich.live import Live

        super().__init__(address, subscriber)
        self._console = Console(highlight=False)
        # No automatic refresh, because that would be a thread, and this one knows when something is new.
        self._live = Live(console=self._console, auto_refresh=False)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.__exit__(exc_type, exc, traceback)

    def show(self, now: float) -> None:
        from edged.cli.tail.live import render

        width, ascii_only = self._console.width, self._console.options.ascii_only
        self._live.update(render(self._view(now), width, ascii_only=ascii_only), refresh=True)

    def _view(self, now: float) -> View:
        from edged.cli.tail.live import View

        return View(
            address=self.address,
            nodes=tuple(self.state.nodes()),
            lines=tuple(self.state.lines(now, self._subscriber.gaps)),
            messages=self.state.counts.total(),
            waited=now - self._start,
            malformed=self._subscriber.malformed,
            problem=peer_text(str(self._subscriber.last_malformed or "")),
            restarts=self._subscriber.restarts.total(),
            hint=HINT,
            trouble="; ".join(self._subscriber.troubles.values()),
        )
