"""One recording from its first message to its last, with its progress and its summary."""

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

POLL_SECONDS = 0.2
HINT_SECONDS = 5.0


class Session:
    """Records the messages of *subscriber*; *daemon* is the one that runs in this process, if any."""

    def __init__(
        self, args: argparse.Namespace, subscriber: Subscriber, recorder: Recorder, daemon: PrivateDaemon | None
    ) -> None:
        self._args = args
        self._subscriber = subscriber
        self._recorder = recorder
        self._daemon = daemon
        self._start = time.monotonic()
        # The start of a daemon in this process does not count.
        self._begin = inf if daemon else self._start
        self._is_warned = False

    def run(self) -> int:
        """Record; returns the exit status."""
        why = ""
        try:
            with subscriber_arguments.stop_signals() as stop, self._recorder, Bar("recording") as bar:
                if self._daemon:
                    self._daemon.start()
                why = self._record_messages(stop, bar)
        finally:
            self._report(why)
        if self._daemon:
            self._daemon.outcome()
        wanted = 1 if self._args.count == inf or stop.is_set else self._args.count
        return 0 if self._recorder.messages >= wanted else EXIT_FAILURE

    def _record_messages(self, stop: subscriber_arguments.StopFlag, bar: Bar) -> str:
        """Record until something ends it; returns the reason."""
        while not stop.is_set:
            now = time.monotonic()
            if self._recorder.messages >= self._args.count:
                return "--count is reached"
            if now >= self._begin + self._args.seconds:
                return "--seconds are over"
            is_over = self._daemon is not None and not self._daemon.is_running
            delivery = self._subscriber.receive_raw(min(POLL_SECONDS, self._begin + self._args.seconds - now))
            if delivery is not None:
                self._begin = min(self._begin, now)
                if not self._recorder.record(delivery.frames, time.monotonic_ns()):
                    return "--max-size is reached"
            elif is_over:  # and all of its messages have come
                return "the daemon has ended"
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
        if not (self._recorder.messages or self._is_warned or self._daemon) and seconds > HINT_SECONDS:
            self._is_warned = True
            trouble = "; ".join(self._subscriber.troubles.values())
            print(f"edged record: no message yet: {trouble or HINT}", file=sys.stderr)

    def _report(self, why: str) -> None:
        ended = f"; {why}" if why else ""
        counts = self._counts()
        if not self._recorder.messages and self._args.force:
            counts = "no message came"  # and a file that existed is unchanged
        elif not self._recorder.messages:
            Path(self._args.file).unlink(missing_ok=True)
            counts = "no message came; the file was removed"
        print(f"edged record: {self._args.file}: {counts}{ended}", file=sys.stderr)

    def _counts(self) -> str:
        words = [some(self._recorder.messages, "message"), megabytes(self._recorder.bytes)]
        words.append(f"{self._subscriber.gaps.total()} lost")
        if self._subscriber.malformed:
            words.append(f"{self._subscriber.malformed} not understood")
        if self._subscriber.refused:
            words.append(f"{self._subscriber.refused} refused: not of their sender's node")
        return ", ".join(words)
