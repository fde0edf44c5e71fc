"""Arguments of ``edged page``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edged.cli import argument_types, subscriber_arguments
from edged.cli.console import EXIT_USAGE

if TYPE_CHECKING:
    from edged.page.listening import PageAddress

__all__ = ["IDLE_SECONDS", "add_access", "add_daemon", "add_listening", "refuse"]

IDLE_SECONDS = 60.0  # after the last viewer, when systemd starts it again for the next


def add_daemon(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name the daemon."""
    daemon = parser.add_argument_group("the daemon", "by default that of this machine")
    daemon.add_argument("-c", "--config", metavar="FILE", help="its configuration, which names its sockets")
    daemon.add_argument("--socket", metavar="PATH", help="its control socket, such as /run/edged/control.sock")
    daemon.add_argument(
        "--connect",
        metavar="ENDPOINT",
        action="append",
        type=subscriber_arguments.address,
        help="the endpoint of its messages: tcp://HOST:PORT or ipc://PATH; may be given several times",
    )


def add_listening(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say where browsers find the page."""
    listening = parser.add_argument_group("where browsers find it")
    listening.add_argument(
        "--listen",
        metavar="ADDRESS:PORT",
        type=_listen_address,
        default="127.0.0.1:8080",
        help="the address and port (default: %(default)s); port 0 is any that is free. An address that other machines "
        "reach needs --cert or --behind-proxy",
    )
    listening.add_argument("--cert", metavar="FILE", type=Path, help="certificate with its chain, for https")
    listening.add_argument("--key", metavar="FILE", type=Path, help="the key of --cert, if it is in another file")
    listening.add_argument(
        "--behind-proxy",
        metavar="NAME",
        type=_proxy,
        help="the page is reached by a web server, as https://NAME; http://NAME if that has no certificate. No other "
        "name is answered",
    )
    listening.add_argument(
        "--host",
        metavar="NAME",
        action="append",
        type=_host,
        default=[],
        help="another name of this machine; may be repeated",
    )
    listening.add_argument(
        "--frame-ancestors",
        metavar="SITE",
        action="append",
        type=_site,
        help="a site that may show the page in a frame, such as https://homeassistant.local:8123; may be repeated "
        "(default: none)",
    )
    listening.add_argument(
        "--idle-exit",
        metavar="S",
        type=argument_types.positive,
        help=f"end S seconds after the last viewer (default: never; {IDLE_SECONDS:g} if systemd starts it on demand)",
    )


def add_access(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say who may see the page."""
    access = parser.add_argument_group("who may see it")
    access.add_argument("--look", action="store_true", help="only to look: nobody can change something on this page")
    access.add_argument(
        "--token-file",
        metavar="FILE",
        type=Path,
        help="keep the keys of the page in FILE, which is made if it does not exist, so that URLs and browsers outlive "
        "a restart (default: new keys at each start)",
    )
    access.add_argument("--show-url", action="store_true", help="print the URLs of --token-file, and end")
    access.add_argument(
        "--password-file", metavar="FILE", type=Path, help="passwords that browsers may show instead of a token"
    )
    access.add_argument(
        "--set-password",
        metavar="ROLE",
        choices=("look", "change"),
        help="ask for the password of look or change, write it to --password-file, and end",
    )


def _listen_address(text: str) -> PageAddress:
    from edged.page.listening import PageAddress

    return argument_types.checked(PageAddress.parse, text)


def _host(text: str) -> str:
    if not text or set(text) & set(" :,/@[]?#"):
        raise argparse.ArgumentTypeError(f"must be a name without a port, such as cams.example.org (got {text!r})")
    return text


def _proxy(text: str) -> str:
    site = text if "://" in text else f"https://{text}"
    _site(site)
    return site.lower()


def _site(text: str) -> str:
    scheme, separator, host = text.partition("://")
    if scheme not in ("http", "https") or not separator or not host or set(host) & set(" ;,'\"/\\#?@\r\n"):
        raise argparse.ArgumentTypeError(f"must be a site, such as https://cams.example.org (got {text!r})")
    return text


def refuse(sentence: str) -> int:
    """Print why the arguments are refused, and return the exit status."""
    print(f"edged page: {sentence}", file=sys.stderr)
    return EXIT_USAGE
