"""What opens the page: its tokens, the URLs with them, and passwords."""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from edged.cli.console import emit
from edged.cli.page.arguments import refuse

if TYPE_CHECKING:
    from edged.page.gate import Role
    from edged.page.listening import PageAddress

__all__ = ["set_password", "show_urls", "tokens_of", "urls_of"]

SHORTEST_PASSWORD = 12  # characters


def tokens_of(args: argparse.Namespace) -> Mapping[Role, str]:
    """Return the token of each role that the page has, new or kept."""
    from edged.page.tokens import kept_tokens, random_tokens

    tokens = dict(random_tokens() if args.token_file is None else kept_tokens(args.token_file))
    if args.look:
        del tokens["change"]
    return tokens


def urls_of(args: argparse.Namespace, tokens: Mapping[Role, str], address: PageAddress) -> list[str]:
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


def show_urls(args: argparse.Namespace) -> int:
    """Print the URLs with the kept tokens."""
    if args.token_file is None:
        return refuse("--show-url: needs the --token-file that the page was started with")
    if not args.token_file.exists():  # made here, it would not belong to the user that the page runs as
        return refuse(f"--show-url: there is no {args.token_file} yet: open the page once, which makes it")
    for line in urls_of(args, tokens_of(args), args.listen):
        emit(line)
    return 0


def set_password(args: argparse.Namespace) -> int:
    """Ask for a password, and write its hash into the file that *args* name."""
    from getpass import getpass

    from edged.page.passwords import keep_password

    if args.password_file is None:
        return refuse("--set-password: needs the --password-file to write to")
    try:
        password = getpass(f"Password to {args.set_password}: ")
        if len(password) < SHORTEST_PASSWORD:
            rule = f"must have {SHORTEST_PASSWORD} characters at least, because everybody may try to guess it"
            return refuse(f"--set-password: {rule}")
        if getpass("The same again: ") != password:
            return refuse("--set-password: the two are different")
    except EOFError:
        print(file=sys.stderr)  # below the question
        return refuse("--set-password: no password was given")
    keep_password(args.password_file, args.set_password, password)
    return 0
