"""The sockets of the daemon, as its configuration names them."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys

from edged.cli.console import EXIT_CONFIG, EXIT_FAILURE
from edged.errors import ConfigError

__all__ = ["print_endpoints", "take_endpoints"]

CONFIG_SECONDS = 60.0


def take_endpoints(args: argparse.Namespace) -> int:
    """Let *args* have the sockets that the configuration names; return the exit status if it cannot be read.

    Another process reads it, because what reads configurations takes more memory than the page has.
    """
    code = "import sys; from edged.cli.page.endpoints import print_endpoints; print_endpoints(sys.argv[1])"
    command = [sys.executable, "-P", "-c", code, args.config]  # -P: no code from the folder that it is started in
    try:
        child = subprocess.run(command, stdout=subprocess.PIPE, check=False, timeout=CONFIG_SECONDS)  # noqa: S603 - our own
    except subprocess.TimeoutExpired:
        print(f"edged page: {args.config} could not be read in {CONFIG_SECONDS:g} s", file=sys.stderr)
        return EXIT_FAILURE
    if child.returncode != 0:
        return EXIT_CONFIG
    found = json.loads(child.stdout)
    args.socket = args.socket or found["control"]
    args.connect = args.connect or found["publish"] or None
    return 0


def print_endpoints(file: str) -> None:
    """Print the sockets of the configuration *file* as JSON: its control socket, and one endpoint of its messages."""
    from edged.config import load

    try:
        config = load(file).config
    except ConfigError as exc:
        print(exc, file=sys.stderr)
        sys.exit(EXIT_CONFIG)
    control = config.control.endpoint
    bound = [endpoint for endpoint in config.publish.endpoints if endpoint.mode == "bind"]
    bound.sort(key=lambda endpoint: endpoint.transport)  # a socket file first: it needs no keys
    addresses = [endpoint.address.replace("tcp://*:", "tcp://127.0.0.1:") for endpoint in bound]
    own = [address for address in addresses if not address.endswith(":*")]
    print(json.dumps({"control": None if control is None else control.address, "publish": own[:1]}))
