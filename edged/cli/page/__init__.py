"""``edged page``: cameras, regions and states live in a browser."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from edged.cli import argument_types, subscriber_arguments
from edged.cli.console import EXIT_CONFIG, EXIT_FAILURE, EXIT_USAGE, Commands, Paragraphs, emit
from edged.errors import ConfigError, map_exceptions

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from edged.client import Subscriber
    from edged.page.gate import AccessGate, Role
    from edged.page.listening import PageAddress
    from edged.page.server import PageSettings

__all__ = ["add_parser", "print_endpoints"]

IDLE_SECONDS = 60.0  # after the last viewer, when systemd starts it again for the next
CONFIG_SECONDS = 60.0
QUEUE, QUEUE_BYTES = 1000, 1 << 20

DESCRIPTION = """\
Serves a page that shows the cameras of the running daemon live, with their regions, scores and states; where regions
and masks are drawn, and states are taught. It is a process beside the daemon, which works on whatever this one does.

It prints two URLs. With the first, a browser may change something; with the second, only look. What is after the # is
the key to the page: whoever has it sees the cameras. Ctrl-C ends it.

Exit status: 0 ended by Ctrl-C, or because nobody looks; 1 the address is taken; 2 wrong arguments; 78 a file of keys,
tokens, passwords or certificates is wrong, or websockets is missing.
"""

EPILOG = """\
  edged page                                            for browsers on this machine: http://127.0.0.1:8080
  ssh -L 8080:127.0.0.1:8080 porch edged page           for a browser on yours, where the board has ssh
  edged page --listen 0.0.0.0:8443 --cert page.pem --key page.key
                                                        for browsers in the network
  edged page --behind-proxy cams.example.org            behind a web server that has the certificate
  edged page --set-password change --password-file page.passwords
                                                        asks for a password, which then does what a token does

docs/page.md explains the page, and systemd/edged-page.socket starts it when somebody looks.
"""


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "page",
        help="show cameras, regions and states live in a browser; draw regions, teach states",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=Paragraphs,
    )
    _add_daemon(parser)
    _add_listening(parser)
    _add_access(parser)
    subscriber_arguments.add_keys(parser)
    parser.set_defaults(main=page, command="page")


def _add_daemon(parser: argparse.ArgumentParser) -> None:
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


def _add_listening(parser: argparse.ArgumentParser) -> None:
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
        "--host", metavar="NAME", action="append", default=[], help="another name of this machine; may be repeated"
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


def _add_access(parser: argparse.ArgumentParser) -> None:
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


def page(args: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C, or do what else *args* ask for."""
    if args.set_password is not None:
        return _set_password(args)
    if args.show_url:
        return _show_urls(args)
    from edged.config.environment import journal_stream
    from edged.service.logs import log_to

    if find_spec("websockets") is None:
        print("edged page: websockets is missing: pip install 'edged[page]'", file=sys.stderr)
        return EXIT_CONFIG
    log_to(sys.stderr, "info", journal_stream())
    if args.config is not None and (status := _take_endpoints(args)) != 0:
        return status
    from edged.page.listening import address_of, listen, passed_sockets

    passed = passed_sockets()
    if args.idle_exit is None and passed:
        args.idle_exit = IDLE_SECONDS
    for address in map(address_of, passed) if passed else [args.listen]:
        if not address.is_loopback and args.cert is None and args.behind_proxy is None:
            return _refuse(
                f"--listen {address.host}: everybody in the network could read what the page sends: give it --cert, or "
                "--behind-proxy"
            )
    tokens = _tokens(args)
    settings = _settings(args, tokens)
    listeners = passed or [listen(args.listen)]
    if args.token_file is None:
        for line in _urls(args, tokens, address_of(listeners[0])):
            emit(line)
    else:
        logging.getLogger(__name__).info("the URLs: 'edged page --show-url --token-file %s'", args.token_file)
    import asyncio

    asyncio.run(_serve(settings, listeners))
    return 0


async def _serve(settings: PageSettings, listeners: list[socket.socket]) -> None:
    import asyncio

    from edged.page.server import PageServer

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await PageServer(settings, listeners).run(stop)


def _settings(args: argparse.Namespace, tokens: Mapping[Role, str]) -> PageSettings:
    from edged.client.control import control_addresses
    from edged.page.passwords import read_passwords
    from edged.page.server import PageSettings

    passwords = {} if args.password_file is None else dict(read_passwords(args.password_file))
    if args.look:
        passwords.pop("change", None)
    return PageSettings(
        gate=_gate(args, tokens),
        control=control_addresses() if args.socket is None else [f"ipc://{args.socket.removeprefix('ipc://')}"],
        subscribe=_subscribe(args),
        passwords=passwords,
        tls=_tls(args),
        idle_seconds=args.idle_exit,
        frame_ancestors=" ".join(args.frame_ancestors or ["'none'"]),
    )


def _subscribe(args: argparse.Namespace) -> Callable[[str], Subscriber]:
    """Return the function that subscribes to the daemon with a control socket at an address."""
    from edged.client import Subscriber
    from edged.client.keys import curves
    from edged.wire import default_address

    keys = {key: getattr(args, key) for key in ("server_key", "client_key", "authorized_clients")}
    with map_exceptions({ValueError: ConfigError}, "edged page"):
        curves(args.connect or [default_address()], **keys)  # now: later it would be the end of a page in use

    def subscribe(control: str) -> Subscriber:
        beside = f"ipc://{Path(control.removeprefix('ipc://')).parent / 'pub.sock'}"
        addresses = args.connect or [beside if Path(beside.removeprefix("ipc://")).exists() else default_address()]
        return Subscriber(
            *addresses, kinds=subscriber_arguments.KINDS, vectors=False, queue=QUEUE, queue_bytes=QUEUE_BYTES, **keys
        )

    return subscribe


def _gate(args: argparse.Namespace, tokens: Mapping[Role, str]) -> AccessGate:
    from edged.page.gate import AccessGate

    if args.behind_proxy is not None:
        scheme, _, proxy = args.behind_proxy.partition("://")
        return AccessGate(tokens, (), scheme, proxy)
    own = socket.gethostname()
    bare = own.partition(".")[0]
    names = {"localhost", "127.0.0.1", "[::1]", own, bare, f"{bare}.local", *args.host}
    return AccessGate(tokens, names, "http" if args.cert is None else "https")


def _tls(args: argparse.Namespace) -> ssl.SSLContext | None:
    if args.cert is None:
        return None
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with map_exceptions({OSError: ConfigError}, f"edged page: {args.cert}"):
        context.load_cert_chain(args.cert, args.key)
    return context


def _tokens(args: argparse.Namespace) -> Mapping[Role, str]:
    from edged.page.tokens import kept_tokens, random_tokens

    tokens = dict(random_tokens() if args.token_file is None else kept_tokens(args.token_file))
    if args.look:
        del tokens["change"]
    return tokens


def _urls(args: argparse.Namespace, tokens: Mapping[Role, str], address: PageAddress) -> list[str]:
    """Return a line for each URL, with what it is for."""
    if args.behind_proxy is not None:
        site = args.behind_proxy
    else:
        host = "127.0.0.1" if address.is_loopback and ":" not in address.host else address.host
        if host in ("0.0.0.0", "::"):  # noqa: S104 - every address of this machine, which has a name
            host = socket.gethostname()
        site = f"{'http' if args.cert is None else 'https'}://{f'[{host}]' if ':' in host else host}:{address.port}"
    words = {"change": "to see and change", "look": "to look only"}
    return [f"{site}/#token={tokens[role]}  {words[role]}\n" for role in ("change", "look") if role in tokens]


def _show_urls(args: argparse.Namespace) -> int:
    if args.token_file is None:
        return _refuse("--show-url: needs the --token-file that the page was started with")
    if not args.token_file.exists():  # made here, it would not belong to the user that the page runs as
        return _refuse(f"--show-url: there is no {args.token_file} yet: open the page once, which makes it")
    for line in _urls(args, _tokens(args), args.listen):
        emit(line)
    return 0


def _set_password(args: argparse.Namespace) -> int:
    import getpass

    from edged.page.passwords import hash_password

    file: Path | None = args.password_file
    if file is None:
        return _refuse("--set-password: needs the --password-file to write to")
    password = getpass.getpass(f"Password to {args.set_password}: ")
    if len(password) < 12:
        return _refuse("--set-password: must have 12 characters at least, because everybody may try to guess it")
    if getpass.getpass("The same again: ") != password:
        return _refuse("--set-password: the two are different")
    with map_exceptions({OSError: ConfigError}, str(file)):
        before = file.read_text().splitlines() if file.exists() else []
        others = [line for line in before if not line.startswith(f"{args.set_password}:")]
        text = "\n".join([*others, hash_password(args.set_password, password)]) + "\n"
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as opened:
            opened.write(text)
    return 0


def _take_endpoints(args: argparse.Namespace) -> int:
    """Let *args* have the sockets that the configuration names; return the exit status if it cannot be read.

    Another process reads it, because what reads configurations takes more memory than the page has.
    """
    import subprocess

    code = "import sys; from edged.cli.page import print_endpoints; print_endpoints(sys.argv[1])"
    command: Sequence[str] = [sys.executable, "-c", code, args.config]
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


def _refuse(sentence: str) -> int:
    print(f"edged page: {sentence}", file=sys.stderr)
    return EXIT_USAGE


def _listen_address(text: str) -> PageAddress:
    from edged.page.listening import PageAddress

    return argument_types.checked(PageAddress.parse, text)


def _proxy(text: str) -> str:
    site = text if "://" in text else f"https://{text}"
    _site(site)
    return site.lower()


def _site(text: str) -> str:
    scheme, separator, host = text.partition("://")
    if scheme not in ("http", "https") or not separator or not host or set(host) & set(" ;,'\"/\\#?@\r\n"):
        raise argparse.ArgumentTypeError(f"must be a site, such as https://cams.example.org (got {text!r})")
    return text
