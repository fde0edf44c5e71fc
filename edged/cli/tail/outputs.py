"""The ways in which ``edged tail`` tells what comes: a live view, plain lines, sentences about events, JSON."""

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
from edged.cli.tail.event_lines import sentence
from edged.cli.tail.plain import plain
from edged.cli.tail.state import TailState
from edged.cli.text import printable, some
from edged.wire import Event

if TYPE_CHECKING:
    from edged.cli.tail.live import View
    from edged.client import Delivery, Subscriber

__all__ = ["Output", "choose"]


TROUBLE_SECONDS = 2.0  # a daemon that is just starting may hang up once


def choose(args: argparse.Namespace, address: str, subscriber: Subscriber) -> Output:
    """The output that *args* and the terminal ask for."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # better a ? than an end, on a terminal that is not UTF-8
    if args.json:
        return JsonLines(address, subscriber)
    if args.events:
        return Sentences(address, subscriber)
    if args.plain or not sys.stdout.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        return PlainLines(address, subscriber)
    return LiveView(address, subscriber)


class Output(AbstractContextManager["Output"]):
    """Is handed every message, and asked now and then to show what there is to see."""

    period = 1.0
    """Seconds from one ``show`` to the next."""

    def __init__(self, address: str, subscriber: Subscriber) -> None:
        self.ledger = TailState()
        self.address = address
        self._subscriber = subscriber
        self._start = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the output; whatever was shown last stays."""

    @property
    def told(self) -> int:
        """How many of the messages count."""
        return self.ledger.counts.total()

    def note(self, delivery: Delivery, now: float) -> None:
        """Take note of a message that came at *now*."""
        message = delivery.message
        self.ledger.note(message, self._subscriber.age_seconds(message), now)

    def show(self, now: float) -> None:
        """Show what there is to see at *now*."""
        raise NotImplementedError

    def summary(self) -> str:
        """What it came to in the end."""
        counts = self.ledger.counts
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
        words = [
            f"{some(counts.total(), 'message')} in {time.monotonic() - self._start:.0f} s"
            + (f" ({kinds})" if kinds else ""),
            f"{self._subscriber.gaps.total()} lost",
            some(self._subscriber.restarts.total(), "restart"),
        ]
        if self._subscriber.malformed:
            words.append(f"{self._subscriber.malformed} not understood ({self._subscriber.last_malformed})")
        return "edged tail: " + printable(", ".join(words))


class _Lines(Output):
    """Output that is read by programs: what is said to people goes to stderr."""

    def __init__(self, address: str, subscriber: Subscriber) -> None:
        super().__init__(address, subscriber)
        self._to_say = [(1.0, f"waiting for {address} …"), (5.0, f"nothing yet: {HINT}")]
        self._told: Mapping[str, str] = {}

    def show(self, now: float) -> None:
        waited = now - self._start
        troubles = self._subscriber.troubles
        if waited >= TROUBLE_SECONDS and troubles != self._told:
            self._told = troubles
            for address, trouble in troubles.items():
                print(f"edged tail: {address}: {trouble}", file=sys.stderr)
        while self._to_say and not self.ledger.counts and not troubles and waited >= self._to_say[0][0]:
            print(f"edged tail: {self._to_say.pop(0)[1]}", file=sys.stderr)


class JsonLines(_Lines):
    """Every header as it came, one a line."""

    def note(self, delivery: Delivery, now: float) -> None:
        super().note(delivery, now)
        header = bytes(delivery.frames[1]).decode()
        print(json.dumps(json.loads(header)) if "\n" in header or "\r" in header else header, flush=True)


class PlainLines(_Lines):
    """Each second one line for each camera and region."""

    def show(self, now: float) -> None:
        super().show(now)
        clock = time.strftime("%H:%M:%S")
        for line in self.ledger.lines(now, self._subscriber.gaps):
            print(f"{clock}  {plain(line)}")
        sys.stdout.flush()


class Sentences(_Lines):
    """A line when an event begins and when it ends, or goes on where its begin was not heard.

    Status messages are listened to as well: events may be rare, and they show that somebody is there.
    """

    def __init__(self, address: str, subscriber: Subscriber) -> None:
        super().__init__(address, subscriber)
        self._known: dict[tuple[str, str, str, str], str] = {}
        self._printed = 0

    @property
    def told(self) -> int:
        return self._printed

    def note(self, delivery: Delivery, now: float) -> None:
        super().note(delivery, now)
        event = delivery.message
        if not isinstance(event, Event):
            return
        subject = event.node, event.camera, event.region, event.ref
        if event.phase != "update" or self._known.get(subject) != event.event_id:
            print(sentence(event, with_node=len(self.ledger.nodes()) > 1), flush=True)
            self._printed += 1
        self._known[subject] = event.event_id


class LiveView(Output):
    """The view for a terminal, painted over and over."""

    period = 0.25

    def __init__(self, address: str, subscriber: Subscriber) -> None:
        from rich.console import Console
        from rich.live import Live

        super().__init__(address, subscriber)
        self._console = Console(highlight=False)
        # No refreshing by itself: that would be a thread, and this one knows when there is something new.
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
            nodes=tuple(self.ledger.nodes()),
            lines=tuple(self.ledger.lines(now, self._subscriber.gaps)),
            messages=self.ledger.counts.total(),
            waited=now - self._start,
            malformed=self._subscriber.malformed,
            problem=printable(str(self._subscriber.last_malformed or "")),
            restarts=self._subscriber.restarts.total(),
            hint=HINT,
            trouble="; ".join(self._subscriber.troubles.values()),
        )
