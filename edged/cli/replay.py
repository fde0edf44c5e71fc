"""``edged replay``: publishes a recording again."""

from __future__ import annotations

import argparse
import logging
import sys
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from edged.cli import argument_types, subscriber_arguments
from edged.cli.console import EXIT_FAILURE, Commands, Paragraphs
from edged.cli.text import some

if TYPE_CHECKING:
    from edged.config import Endpoint, PublishConfig
    from edged.pipeline.loading.keyring import Keyring
    from edged.recording import Recorded, Recording
    from edged.recording.player import Player

__all__ = ["add_parser"]

LOOP_SECONDS = 0.5  # between the end and the beginning
LINGER_SECONDS = 5.0  # for messages that are still queued at the end
MESSAGE_BYTES = 8192

EPILOG = """\
  edged replay street.edged --wait &
  edged tail

A subscriber sees no difference to the daemon that was recorded: the messages are the same byte for byte, their times
are those of the recording, and with --loop their numbers start again each time, as after a restart of the daemon.
"""


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "replay",
        help="publish a recording again",
        description="Publishes the messages of FILE again, byte for byte and with the same time between them, on the "
        "same kind of socket as the daemon. If the file is cut off or damaged, the whole messages before that place "
        "are published, and a line on stderr has the place of the damage. Exit status: 0 all of it was published, or "
        "Ctrl-C; 1 the file is not a recording, or the endpoint is in use.",
        epilog=EPILOG,
        formatter_class=Paragraphs,
    )
    parser.add_argument("file", metavar="FILE", help="a recording, written by 'edged record'")
    parser.add_argument(
        "--speed", type=argument_types.positive, metavar="N", default=1.0, help="play N times as fast (default: 1)"
    )
    parser.add_argument("--loop", action="store_true", help="start again at the end, until Ctrl-C")
    parser.add_argument(
        "--wait",
        nargs="?",
        type=argument_types.positive,
        metavar="S",
        const=inf,
        help="wait for a first subscriber before the first message, at most S seconds (without S: as long as it takes)",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--endpoint",
        type=_endpoint,
        action="append",
        metavar="ENDPOINT",
        help="publish here: pub+bind:tcp://127.0.0.1:5556, pub+bind:ipc://PATH, … on this machine; may be given "
        "several times (default: the default endpoints of the daemon)",
    )
    where.add_argument(
        "-c", "--config", metavar="CONFIG", help="publish at the endpoints of this configuration, with its keys"
    )
    parser.set_defaults(main=replay, command="replay")


def replay(args: argparse.Namespace) -> int:
    """Publish the recording that *args* name; returns the exit status."""
    from edged.pipeline.publisher.pub_sockets import PubSockets
    from edged.recording import read_recording
    from edged.recording.player import Player, queue_length

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="edged replay: %(message)s")
    publish, keys = _where(args)
    with read_recording(args.file) as recording:
        queue = queue_length(recording, args.speed)
    sockets = PubSockets()
    with subscriber_arguments.stop_signals() as stop:
        try:
            sockets.open(
                args.endpoint or publish.endpoints,
                keys,
                queue=queue,
                queue_bytes=queue * MESSAGE_BYTES // 2,
                max_connections=publish.max_connections,
            )
            player = Player(sockets, args.speed, lambda: stop.is_set)
            if args.wait:
                print("edged replay: waiting for a subscriber", file=sys.stderr)
                player.wait_for_subscriber(args.wait)
            _play(args, player, stop)
        finally:
            sockets.close(0.0 if stop.is_set else LINGER_SECONDS)
    return 0 if player.messages or stop.is_set else EXIT_FAILURE


def _where(args: argparse.Namespace) -> tuple[PublishConfig, Keyring]:
    """Return the section ``publish`` to follow, and its keys."""
    from edged.config import PublishConfig, load
    from edged.pipeline.loading.keyring import Keyring, read_keyring

    if args.config:
        loaded = load(args.config)
        return loaded.config.publish, read_keyring(loaded)
    return PublishConfig(), Keyring()


def _play(args: argparse.Namespace, player: Player, stop: subscriber_arguments.StopFlag) -> None:
    """Play the recording once or in a loop, with a bar, and report damage and the number of messages."""
    from edged.cli.progress import Bar, clock
    from edged.recording import read_recording

    damage = None
    with Bar("replaying") as bar:

        def report(recording: Recording, message: Recorded) -> None:
            if bar.is_due:
                share = recording.position / max(1, recording.size)
                bar.show(share, f"{clock(message.t_us / 1e6)}  {some(player.messages, 'message')}")

        while not stop.is_set:
            with read_recording(args.file) as recording:
                player.play(recording, report)
            if recording.damage and recording.damage != damage:
                damage = recording.damage
                print(f"edged replay: {damage}", file=sys.stderr)
            if not (args.loop and recording.messages):
                break
            player.pause(LOOP_SECONDS)
    print(f"edged replay: {some(player.messages, 'message')} published", file=sys.stderr)


def _endpoint(text: str) -> Endpoint:
    from edged.config import Endpoint

    endpoint = argument_types.checked(lambda text: Endpoint.parse(text, Path.cwd()), text)
    if not endpoint.is_local:
        raise argparse.ArgumentTypeError(
            "must stay on this machine, because everybody on the network could read an endpoint without keys; use "
            f"-c CONFIG to publish at the endpoints of a configuration, with its keys (got {text})"
        )
    return endpoint
