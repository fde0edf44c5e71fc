"""The secrets of the page: random for each start, or kept in a file between starts."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from edged.errors import ConfigError
from edged.page.gate import ROLES, Role
from edged.whole_files import write_file

__all__ = ["kept_tokens", "random_tokens"]

LONGEST_FILE = 4096
SHORTEST_TOKEN = 32


def random_tokens() -> dict[Role, str]:
    """Return a new token for each role: 256 bits."""
    return {role: secrets.token_urlsafe(32) for role in ROLES}


def kept_tokens(file: Path) -> Mapping[Role, str]:
    """Return the tokens in *file*; if there is no such file, make it with new ones, readable by its owner only.

    Raises:
        ConfigError: it cannot be read or made, or others than its owner may read it, or it has something else in it.
    """
    try:
        text = _read(file)
    except FileNotFoundError:
        text = _make(file)
    except OSError as exc:
        raise ConfigError(f"{file}: cannot be read: {exc.strerror}") from exc
    try:
        content = json.loads(text)
        tokens = {role: content[role] for role in ROLES}
    except (ValueError, LookupError, TypeError) as exc:
        raise ConfigError(f"{file}: is not a file of tokens; delete it, and the next start makes another") from exc
    if not all(isinstance(token, str) and len(token) >= SHORTEST_TOKEN for token in tokens.values()):
        raise ConfigError(f"{file}: its tokens are too short; delete it, and the next start makes others")
    return tokens


def _read(file: Path) -> str:
    with file.open("rb") as opened:
        if os.fstat(opened.fileno()).st_mode & 0o077:
            raise ConfigError(f"{file}: must be readable by its owner only (chmod 600)")
        return opened.read(LONGEST_FILE).decode("utf-8", "replace")


def _make(file: Path) -> str:
    text = json.dumps(random_tokens())
    try:
        write_file(file, text.encode(), 0o600)
    except OSError as exc:
        raise ConfigError(f"{file}: cannot be made: {exc.strerror}") from exc
    return text
