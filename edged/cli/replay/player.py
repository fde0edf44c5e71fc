"""A recording on its way through the daemon's own kind of socket."""

from __future__ import annotations

import argparse
import logging
import math
import sys
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import zmq

from edged.cli import subscriber_arguments as subscribing
from edged.cli.console import EXIT_FAILURE
from edged.cli.progress import Bar, clock
from edged.cli.text import some
from edged.config import Endpoint, load
from edged.config.environment import default_endpoints
from edged.pipeline.loading.keyring import Keyring, read_keyring
from edged.pipeline.publisher.pub_sockets import PubSockets
from edged.recording import Recorded, Recording, read_recording

__all__ = ["play"]

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
SETTLE_SECONDS = 0.1  # for the rest of what a newcomer subscribes to
LOOP_SECONDS = 0.5  # between the end and the beginning
LINGER_SECONDS = 5.0  # for what is queued in the end
SAMPLE = 1000  # messages that the rate is taken from
SHORTEST_QUEUE, LONGEST_QUEUE = 16, 4096
MESSAGE_BYTES = 8192


def play(args: argparse.Namespace) -> int:
    """Publish the recording that *args* name; returns the exit status."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="edged replay: %(message)s")
    endpoints, keys = _where(args)
    queue = _queue(args.file, args.speed)
    outlets = PubSockets()
    with subscribing.stop_signals() as end:
        try:
            outlets.open(endpoints, keys, queue=queue, queue_bytes=queue * MESSAGE_BYTES // 2)
            player = Player(outlets, args.speed, end)
            if args.wait:
                player.wait_for_subscriber(args.wait)
            complete = _play(args, player)
        finally:
            outlets.close(0.0 if end.is_told else LINGER_SECONDS)
    return 0 if complete else EXIT_FAILURE


def _where(args: argparse.Namespace) -> tuple[Sequence[Endpoint], Keyring]:
    if args.config:
        loaded = load(args.config)
        return loaded.config.publish.endpoints, read_keyring(loaded)
    return args.endpoint or [Endpoint.parse(text, Path.cwd()) for text in default_endpoints()], Keyring()


def _queue(path: str, speed: float) -> int:
    """How many messages are kept for a subscriber that is slow: two seconds of them, as the daemon keeps."""
    with read_recording(path) as recording:
        times = [message.t_us for message in islice(recording, SAMPLE)]
    seconds = max(1.0, times[-1] / 1e6 / speed) if times else 1.0
    return min(LONGEST_QUEUE, max(SHORTEST_QUEUE, round(2 * len(times) / seconds)))


def _play(args: argparse.Namespace, player: Player) -> bool:
    """Play it once, or in a loop; returns whether there was anything to play."""
    damage = None
    with Bar("replaying") as bar:
        while not player.end.is_told:
            with read_recording(args.file) as recording:
                player.play(recording, bar)
            if recording.damage and recording.damage != damage:
                damage = recording.damage
                print(f"edged replay: {damage}", file=sys.stderr)
            if not (args.loop and recording.messages):
                break
            player.pause(LOOP_SECONDS)
    print(f"edged replay: {some(player.messages, 'message')} published", file=sys.stderr)
    return player.messages > 0 or player.end.is_told


class Player:
    """Sends what was recorded when its time has come, *speed* times as fast, until the *end* is wished for."""

    def __init__(self, outlets: PubSockets, speed: float, end: subscribing.StopFlag) -> None:
        self.end = end
        self.messages = 0
        """How many messages were sent."""
        self._outlets = outlets
        self._speed = speed
        self._poller = zmq.Poller()
        for socket in outlets.sockets():
            self._poller.register(socket, zmq.POLLIN)

    def play(self, recording: Recording, bar: Bar) -> None:
        """Send every message of *recording*."""
        begin = time.monotonic()
        for message in recording:
            due = begin + message.t_us / 1e6 / self._speed
            self._outlets.attend()
            while not self._is_time(due):
                self._show(recording, message, bar)
            if self.end.is_told:
                return
            self._outlets.send(message.frames)
            self.messages += 1

    def wait_for_subscriber(self, seconds: float) -> None:
        """Wait until somebody subscribes, at most *seconds*."""
        log.info("waiting for a subscriber")
        due = time.monotonic() + seconds
        while not self._outlets.attend() and time.monotonic() < due and not self.end.is_told:
            self._poll(LOOK_SECONDS)
        self.pause(SETTLE_SECONDS)

    def pause(self, seconds: float) -> None:
        """Do nothing but serve the sockets for some *seconds*."""
        due = time.monotonic() + seconds
        while not self._is_time(due):
            pass  # the waiting is in the question

    def _is_time(self, due: float) -> bool:
        """Wait a little for *due*, on the monotonic clock, and serve the sockets. True: it has come, or the end has."""
        left = due - time.monotonic()
        if left <= 0 or self.end.is_told:
            return True
        self._poll(min(left, LOOK_SECONDS))
        self._outlets.attend()
        return False

    def _poll(self, seconds: float) -> None:
        self._poller.poll(math.ceil(seconds * 1000))

    def _show(self, recording: Recording, message: Recorded, bar: Bar) -> None:
        if bar.is_due:
            words = f"{clock(message.t_us / 1e6)}  {some(self.messages, 'message')}"
            bar.show(recording.position / max(1, recording.size), words)
