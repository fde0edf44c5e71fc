"""``edged keygen``: a key pair, and what to copy where."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from edged.cli import argument_types
from edged.cli.console import EXIT_FAILURE, Commands, emit

__all__ = ["add_parser"]

EPILOG = """\
Keys make what is sent over tcp:// unreadable for everybody else, and let in only those who are known. Each end has a
pair: the .secret file never leaves it, and the .public file is copied to the other end.

  1. on the board       edged keygen server --out /etc/edged/keys/
                        and in its configuration:
                          publish:
                            endpoints: ["pub+bind:tcp://*:5556"]
                            server_key: keys/porch-server.secret
                            authorized_clients: keys/authorized_clients
  2. on the subscriber  edged keygen client
  3. copy               porch-server.public to the subscriber,
                        laptop-client.public into keys/authorized_clients/ on the board
  4. on the board       systemctl reload edged (or SIGHUP): the keys are read again
  5. on the subscriber  edged tail tcp://porch:5556 --server-key porch-server.public --client-key laptop-client.secret

Taking a file out of authorized_clients, and step 4, shuts a subscriber out at once. A daemon that calls a hub
(pub+connect:) is the client there. docs/keys.md tells the rest: hubs, new keys for old, other languages.
"""

SERVER = """\
The daemon says in its configuration:

  publish:
    endpoints: ["pub+bind:tcp://*:5556"]
    server_key: {secret}
    authorized_clients: {folder}/authorized_clients

Make that folder, and copy the .public file of each client into it ('edged keygen client' makes them). Copy
{public} to each client. There:

  edged tail tcp://{host}:5556 --server-key {public.name} --client-key NAME-client.secret
"""

CLIENT = """\
Copy {public} into the authorized_clients folder of each daemon that is to
be heard, and let it read its keys again there: systemctl reload edged. Fetch its server's .public file. Then:

  edged tail tcp://BOARD:5556 --server-key BOARD-server.public --client-key {secret}

If this is for a daemon that calls a hub, the hub gets the .public file, and the daemon's configuration says:

  publish:
    endpoints: ["pub+connect:tcp://HUB:5557"]
    hub_key: HUB-server.public
    client_key: {secret}
"""


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "keygen",
        help="make keys, for who may hear what is published",
        description="Makes a CURVE key pair as two text files, and says what to copy where.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "role",
        choices=("server", "client"),
        help="server: who is called, mostly the daemon; client: who calls, mostly a subscriber",
    )
    parser.add_argument(
        "--out",
        metavar="FILE|DIR",
        default="",
        help="where to: a folder (it exists, or ends in /), or a file, which gets the suffixes .secret and .public "
        "(default: the current folder)",
    )
    parser.add_argument(
        "--name", type=argument_types.name, help="of the files in the folder (default: HOST-server, HOST-client)"
    )
    parser.set_defaults(main=keygen)


def keygen(args: argparse.Namespace) -> int:
    """Make the pair that *args* ask for."""
    from edged.config.environment import default_node
    from edged.transport.keys import new_pair, write_pair

    host = default_node()
    secret, public = _files(args.out, args.name or f"{host}-{args.role}")
    try:
        secret.parent.mkdir(parents=True, exist_ok=True)
        write_pair(new_pair(), secret, public)
    except FileExistsError as exc:
        print(f"edged keygen: {exc.filename} is there already, and a key is never overwritten", file=sys.stderr)
        return EXIT_FAILURE
    except OSError as exc:
        print(f"edged keygen: {exc.filename}: {exc.strerror}", file=sys.stderr)
        return EXIT_FAILURE
    text = SERVER if args.role == "server" else CLIENT
    told = text.format(secret=secret.absolute(), public=public, folder=secret.absolute().parent, host=host)
    if os.geteuid() == 0:
        told += f"\nThese files belong to root. A daemon with a user of its own needs: chown USER {secret}\n"
    emit(
        f"{secret}  the secret half: stays here, readable by you alone\n"
        f"{public}  the public half: copy it freely\n\n{told}"
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
