"""One recording, from its first message to its last, and what is said about it."""

from __future__ import annotations

import argparse
import sys
import time
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from edged.cli import subscriber_arguments
from edged.cli.console import EXIT_FAILURE
from edged.cli.progress import Bar, clock, megabytes
from edged.cli.subscriber_arguments import HINT
from edged.cli.text import some

if TYPE_CHECKING:
    from edged.client import Subscriber
    from edged.recording import Recorder
    from edged.service.private_daemon import PrivateDaemon

__all__ = ["Session"]

LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 5.0


class Session:
    """Records what *subscriber* hears, of a daemon that runs *in_place* or elsewhere."""

    def __init__(
        self, args: argparse.Namespace, subscriber: Subscriber, recorder: Recorder, in_place: PrivateDaemon | None
    ) -> None:
        self._args = args
        self._subscriber = subscriber
        self._recorder = recorder
        self._in_place = in_place
        self._start = time.monotonic()
        # A daemon that is started here gets the time that it takes for that.
        self._begin = inf if in_place else self._start
        self._is_warned = False

    def run(self) -> int:
        """Record; returns the exit status."""
        why = ""
        try:
            with subscriber_arguments.stop_signals() as stop, self._recorder, Bar("recording") as bar:
                if self._in_place:
                    self._in_place.start()
                why = self._follow(stop, bar)
        finally:
            self._tell(why)
        if self._in_place:
            self._in_place.outcome()
        wanted = 1 if self._args.count == inf or stop.is_set else self._args.count
        return 0 if self._recorder.messages >= wanted else EXIT_FAILURE

    def _follow(self, stop: subscriber_arguments.StopFlag, bar: Bar) -> str:
        """Record until something ends it; returns what that was."""
        while not stop.is_set:
            now = time.monotonic()
            if self._recorder.messages >= self._args.count:
                return "--count is reached"
            if now >= self._begin + self._args.seconds:
                return "--seconds are over"
            is_over = self._in_place is not None and not self._in_place.is_running
            delivery = self._subscriber.receive_raw(min(LOOK_SECONDS, self._begin + self._args.seconds - now))
            if delivery is not None:
                self._begin = min(self._begin, now)
                if not self._recorder.record(delivery.frames, time.monotonic_ns()):
                    return "--max-size is reached"
            elif is_over:  # and all that it had sent has come
                return "the daemon has come to its end"
            self._recorder.flush_in_time()
            self._show(bar)
        return "Ctrl-C"

    def _show(self, bar: Bar) -> None:
        seconds = time.monotonic() - self._start
        if bar.is_due:
            shares = [
                self._recorder.messages / self._args.count,
                self._recorder.bytes / self._args.max_size,
                max(0.0, time.monotonic() - self._begin) / self._args.seconds,
            ]
            bar.show(max(shares), f"{clock(seconds)}  {self._counts()}")
        if not (self._recorder.messages or self._is_warned or self._in_place) and seconds > PATIENCE_SECONDS:
            self._is_warned = True
            trouble = "; ".join(self._subscriber.troubles.values())
            print(f"edged record: nothing yet: {trouble or HINT}", file=sys.stderr)

    def _tell(self, why: str) -> None:
        ended = f"; {why}" if why else ""
        counts = self._counts()
        if not self._recorder.messages and self._args.force:
            counts = "nothing came"  # and a file that was there is as it was
        elif not self._recorder.messages:
            Path(self._args.file).unlink(missing_ok=True)
            counts = "nothing came, and it is not kept"
        print(f"edged record: {self._args.file}: {counts}{ended}", file=sys.stderr)

    def _counts(self) -> str:
        words = [some(self._recorder.messages, "message"), megabytes(self._recorder.bytes)]
        words.append(f"{self._subscriber.gaps.total()} lost")
        if self._subscriber.malformed:
            words.append(f"{self._subscriber.malformed} not understood")
        return ", ".join(words)
