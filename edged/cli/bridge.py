"""``edged bridge``: publishes the messages of a daemon over MQTT, for Home Assistant."""

from __future__ import annotations

import argparse
import logging
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

from edged.cli import argument_types, subscriber_arguments
from edged.cli.console import EXIT_CONFIG, EXIT_USAGE, Commands, Paragraphs
from edged.cli.subscriber_arguments import ENDPOINT_HELP, KINDS
from edged.errors import ConfigError, map_exceptions

if TYPE_CHECKING:
    from edged.bridge import Broker, Settings

__all__ = ["add_parser"]

QUEUE, QUEUE_BYTES = 1000, 1 << 20  # events wait here while the broker keeps this program waiting

EPILOG = """\
  edged bridge mqtt://homeassistant.local                   a broker without users
  EDGED_MQTT_PASSWORD=… edged bridge mqtt://edged@homeassistant.local
  edged bridge mqtts://edged@broker:8883 --ca-file ca.pem --connect tcp://127.0.0.1:5556

Give the user in the URL or in EDGED_MQTT_USERNAME. The password is never an argument, because everybody on this machine
can read arguments: it comes from the systemd credential mqtt-password, or else from EDGED_MQTT_PASSWORD.

Home Assistant finds a device for each camera by itself: a binary sensor for each reference that makes events, a sensor
for each score, one for each set of states, and the state of the camera. docs/mqtt.md lists the topics;
systemd/edged-bridge.service is a unit for this program.
"""


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "bridge",
        help="publish events, scores, decided states and camera states over MQTT, such as for Home Assistant",
        description="Subscribes to a daemon and publishes its events, its scores, the decided states of its sets and "
        "those of its cameras at an MQTT broker. Daemon and broker may go away and come back: events wait for the "
        "broker, and cameras of a silent daemon are published as offline. Ctrl-C ends it. Exit status: 0 ended by "
        "Ctrl-C; 2 wrong arguments; 78 a key, certificate or password file is wrong, or paho-mqtt is missing.",
        epilog=EPILOG,
        formatter_class=Paragraphs,
    )
    parser.add_argument("broker", metavar="URL", help="mqtt://[USER@]HOST[:PORT], or mqtts:// for TLS")
    parser.add_argument("--connect", metavar="ENDPOINT", type=subscriber_arguments.address, help=ENDPOINT_HELP)
    _add_tls_arguments(parser)
    _add_mqtt_arguments(parser)
    subscriber_arguments.add_keys(parser)
    parser.set_defaults(main=bridge, command="bridge")


def _add_tls_arguments(parser: argparse.ArgumentParser) -> None:
    tls = parser.add_argument_group("TLS", "for mqtts://; the certificate of the broker is always checked")
    tls.add_argument(
        "--ca-file",
        metavar="FILE",
        help="accept certificates signed by these authorities (default: the authorities that this machine trusts)",
    )
    tls.add_argument("--cert-file", metavar="FILE", help="the certificate of this bridge, if the broker asks for one")
    tls.add_argument("--key-file", metavar="FILE", help="the key of --cert-file, if it is not in the same file")


def _add_mqtt_arguments(parser: argparse.ArgumentParser) -> None:
    mqtt = parser.add_argument_group("MQTT")
    mqtt.add_argument(
        "--name",
        type=argument_types.name,
        help="the name of this bridge, different for each bridge at one broker (default: the name of the host)",
    )
    mqtt.add_argument(
        "--topic", type=_topic, default="edged", help="the first part of every topic (default: %(default)s)"
    )
    mqtt.add_argument(
        "--discovery-topic",
        type=_topic,
        default="homeassistant",
        metavar="TOPIC",
        help="the topic where Home Assistant discovers devices (default: %(default)s)",
    )
    mqtt.add_argument("--no-discovery", action="store_true", help="do not publish devices for Home Assistant")
    mqtt.add_argument(
        "--score-seconds",
        type=argument_types.positive,
        metavar="S",
        default=5.0,
        help="publish each score every S seconds (default: 5)",
    )
    mqtt.add_argument(
        "--silent-seconds",
        type=argument_types.positive,
        metavar="S",
        default=6.0,
        help="a camera without messages for S seconds is offline (default: 6; a daemon publishes at least every 2)",
    )
    mqtt.add_argument(
        "--queue",
        type=argument_types.whole,
        metavar="N",
        default=10_000,
        help="keep up to N events while the broker is away, then drop the oldest (default: 10000, about 5 MB)",
    )


def bridge(args: argparse.Namespace) -> int:
    """Run the bridge until Ctrl-C."""
    from edged.config.environment import journal_stream
    from edged.service.logs import log_to
    from edged.wire import default_address

    if find_spec("paho") is None:
        print("edged bridge: paho-mqtt is missing: pip install 'edged[mqtt]'", file=sys.stderr)
        return EXIT_CONFIG
    log_to(sys.stderr, "info", journal_stream())
    broker = _broker(args)
    if broker is None:
        return EXIT_USAGE
    address = args.connect or default_address()
    subscriber = subscriber_arguments.subscribe(args, address, KINDS, queue=QUEUE, queue_bytes=QUEUE_BYTES)
    if subscriber is None:
        return EXIT_USAGE
    from edged.bridge.bridge import Bridge

    with subscriber, subscriber_arguments.stop_signals() as stop:
        logging.getLogger(__name__).info("%s → %s", address, broker)
        Bridge(subscriber, broker, _settings(args), args.queue).run(lambda: stop.is_set)
    return 0


def _broker(args: argparse.Namespace) -> Broker | None:
    from edged.bridge import Broker
    from edged.config.environment import mqtt_login

    with map_exceptions({ValueError: ConfigError}, "edged bridge"):
        username, password = mqtt_login()
    try:
        return Broker.parse(
            args.broker,
            username=username,
            password=password,
            ca_file=args.ca_file,
            cert_file=args.cert_file,
            key_file=args.key_file,
        )
    except ConfigError:
        raise
    except ValueError as exc:
        print(f"edged bridge: {exc}", file=sys.stderr)
        return None


def _settings(args: argparse.Namespace) -> Settings:
    from edged.bridge import Settings
    from edged.bridge.topics import Topics
    from edged.config.environment import default_node

    topics = Topics(args.name or default_node(), args.topic, args.discovery_topic)
    return Settings(topics, args.score_seconds, args.silent_seconds, discover=not args.no_discovery)


def _topic(text: str) -> str:
    if (
        not text
        or text.startswith(("/", "$"))
        or text.endswith("/")
        or set(text) & set("+#\0")
        or not text.isprintable()
    ):
        raise argparse.ArgumentTypeError(f"must be an MQTT topic without wildcards (got {text!r})")
    return text
