"""``edged keygen``: makes a key pair and prints where to copy its files."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from edged.cli import argument_types
from edged.cli.console import EXIT_FAILURE, Commands, Paragraphs, emit

__all__ = ["add_parser"]

EPILOG = """\
With keys, messages over tcp:// are encrypted, and only subscribers with a known key are let in. Each end has a key
pair: the .secret file never leaves it, and the .public file is copied to the other end.

  1. on the board       edged keygen server --out /etc/edged/keys/
                        and write into its configuration:
                          publish:
                            endpoints: ["pub+bind:tcp://*:5556"]
                            server_key: keys/porch-server.secret
                            authorized_clients: keys/authorized_clients
  2. on the subscriber  edged keygen client
  3. copy               porch-server.public to the subscriber,
                        laptop-client.public into keys/authorized_clients/ on the board
  4. on the board       systemctl reload edged (or SIGHUP): the keys are read again
  5. on the subscriber  edged tail tcp://porch:5556 --server-key porch-server.public --client-key laptop-client.secret

To shut a subscriber out at once, remove its file from authorized_clients and do step 4. A daemon that connects to a
hub (pub+connect:) is the client there. docs/keys.md explains hubs, how to replace keys, and other languages.
"""

SERVER = """\
Write into the configuration of the daemon:

  publish:
    endpoints: ["pub+bind:tcp://*:5556"]
    server_key: {secret}
    authorized_clients: {folder}/authorized_clients

Make that folder, and copy the .public file of each client into it ('edged keygen client' makes them). Copy
{public} to each client, and run there:

  edged tail tcp://{host}:5556 --server-key {public.name} --client-key NAME-client.secret
"""

CLIENT = """\
Copy {public} into the authorized_clients folder of each daemon to subscribe
to, and let that daemon read its keys again: systemctl reload edged. Copy the .public file of its server here. Then:

  edged tail tcp://BOARD:5556 --server-key BOARD-server.public --client-key {secret}

If these keys are for a daemon that connects to a hub, copy the .public file to the hub, and write into the
configuration of the daemon:

  publish:
    endpoints: ["pub+connect:tcp://HUB:5557"]
    hub_key: HUB-server.public
    client_key: {secret}
"""


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "keygen",
        help="make keys that decide who may subscribe",
        description="Makes a CURVE key pair as two text files, and prints where to copy them.",
        epilog=EPILOG,
        formatter_class=Paragraphs,
    )
    parser.add_argument(
        "role",
        choices=("server", "client"),
        help="server: the end that binds its endpoint, mostly the daemon; client: the end that connects, mostly a "
        "subscriber",
    )
    parser.add_argument(
        "--out",
        metavar="FILE|DIR",
        default="",
        help="where to write: a folder (it exists, or ends in /), or a file, which gets the suffixes .secret and "
        ".public (default: the current folder)",
    )
    parser.add_argument(
        "--name",
        type=argument_types.name,
        help="the name of the files in the folder (default: HOST-server, HOST-client)",
    )
    parser.set_defaults(main=keygen)


def keygen(args: argparse.Namespace) -> int:
    """Make the key pair that *args* describe."""
    from edged.config.environment import default_node
    from edged.transport.keys import new_pair, write_pair

    host = default_node()
    secret, public = _files(args.out, args.name or f"{host}-{args.role}")
    try:
        secret.parent.mkdir(parents=True, exist_ok=True)
        write_pair(new_pair(), secret, public)
    except FileExistsError as exc:
        print(
            f"edged keygen: {exc.filename} exists already, and no key is overwritten; give another --name or --out",
            file=sys.stderr,
        )
        return EXIT_FAILURE
    except OSError as exc:
        print(f"edged keygen: {exc.filename}: {exc.strerror}", file=sys.stderr)
        return EXIT_FAILURE
    text = SERVER if args.role == "server" else CLIENT
    instructions = text.format(secret=secret.absolute(), public=public, folder=secret.absolute().parent, host=host)
    if os.geteuid() == 0:
        instructions += f"\nThese files belong to root. A daemon with a user of its own needs: chown USER {secret}\n"
    emit(
        f"{secret}  the secret half: keep it here; only you can read it\n"
        f"{public}  the public half: copy it freely\n\n{instructions}"
    )
    return 0


def _files(out: str, name: str) -> tuple[Path, Path]:
    from edged.transport.keys import PUBLIC_SUFFIX, SECRET_SUFFIX

    path = Path(out)
    if out.endswith("/") or path.is_dir():
        path /= name
    elif path.suffix in (SECRET_SUFFIX, PUBLIC_SUFFIX):
        path = path.with_suffix("")
    return path.with_name(path.name + SECRET_SUFFIX), path.with_name(path.name + PUBLIC_SUFFIX)
