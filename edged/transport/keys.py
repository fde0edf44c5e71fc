"""CURVE key pairs as files, in ZeroMQ's own certificate format, which other ZeroMQ programs read and write too.

A pair is two files: ``porch.secret``, which holds both keys and never leaves its owner, and ``porch.public``, which is
copied to every peer of the owner. They hold a line ``curve``, and below it, indented,
``public-key = "…"`` and ``secret-key = "…"``: 40 characters of Z85 each (32:Z85 of the ZeroMQ RFCs).

Reading any file gives keys or a ConfigError; no error and no log shows a secret.
"""

from __future__ import annotations

import os
import re
import stat
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import zmq
from zmq.utils import z85

from edged.errors import ConfigError, map_exceptions

__all__ = [
    "PUBLIC_SUFFIX",
    "SECRET_SUFFIX",
    "Client",
    "Key",
    "KeyPair",
    "new_pair",
    "read_authorized",
    "read_pair",
    "read_public",
    "write_pair",
]

Key: TypeAlias = bytes
"""40 characters of Z85."""

SECRET_SUFFIX, PUBLIC_SUFFIX = ".secret", ".public"
PUBLIC_SUFFIXES = (PUBLIC_SUFFIX, ".key")  # pyzmq's create_certificates uses the second
LARGEST = 16 * 1024

TOPIC_ROOT = b"edged/"  # of every topic: a prefix without it is a mistake
_TOPICS = re.compile(rb"topics\s*=\s*(.*)")
_ENTRY = re.compile(rb'(?P<name>public-key|secret-key)\s*=\s*"(?P<key>[^"]*)"')


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Key pair of one end: its peers know ``public``, and only itself has ``secret``."""

    public: Key
    secret: Key = field(repr=False)


@dataclass(frozen=True, slots=True)
class Client:
    """Owner of an authorized key: its name, and the topic prefixes that it may get; None: all topics."""

    name: str
    topics: tuple[bytes, ...] | None = None


def new_pair() -> KeyPair:
    """Return a new random pair."""
    return KeyPair(*zmq.curve_keypair())


def read_pair(path: str | os.PathLike[str]) -> KeyPair:
    """Return the pair in the file of a secret key.

    Raises:
        ConfigError: it cannot be read, is not such a file, or others than its owner may read it.
    """
    keys = _parse(Path(path), private=True).keys
    if b"secret-key" not in keys:
        raise ConfigError(
            f"{path}: holds no secret key; this is the public half, and the {SECRET_SUFFIX} file is meant"
        )
    secret = keys[b"secret-key"]
    public = zmq.curve_public(secret)
    if keys.get(b"public-key", public) != public:
        raise ConfigError(f"{path}: its public-key does not belong to its secret-key; make a new pair (edged keygen)")
    return KeyPair(public, secret)


def read_public(path: str | os.PathLike[str]) -> Key:
    """Return the key in the file of a public key.

    Raises:
        ConfigError: it cannot be read, is not such a file, holds a secret, or every user may write it.
    """
    return _public(path, _parse(Path(path), private=False))


def _read_client(path: Path) -> tuple[Key, Client]:
    entries = _parse(path, private=False)
    return _public(path, entries), Client(path.stem, entries.topics)


def _public(path: str | os.PathLike[str], entries: _Entries) -> Key:
    keys = entries.keys
    if b"secret-key" in keys:
        raise ConfigError(
            f"{path}: holds a secret key, and the {PUBLIC_SUFFIX} file is meant; a secret key never leaves its owner"
        )
    return keys[b"public-key"]


def read_authorized(folder: str | os.PathLike[str]) -> dict[Key, Client]:
    """Return the public keys in *folder*, and the client of each, which has the name of the file without the suffix.

    Only files ``*.public`` (and ``*.key``) count, so that renaming a file disables its key.

    Raises:
        ConfigError: the folder, or one of these files, cannot be read or is wrong, or every user may write it.
    """
    folder = Path(folder)
    with map_exceptions({OSError: ConfigError}, f"{folder}: must be a folder of public keys"):
        _refuse_writable_by_all(folder, folder.stat())
        files = sorted(path for path in folder.iterdir() if path.suffix in PUBLIC_SUFFIXES)
    clients = [_read_client(path) for path in reversed(files) if not path.name.startswith(".")]
    return dict(clients)


def write_pair(pair: KeyPair, secret: Path, public: Path) -> None:
    """Write *pair* into two new files: *secret*, which only its owner may read, and *public*, which all may read.

    Raises:
        OSError: one of the files exists already or cannot be written; then none is left behind.
    """
    entry = '    {}-key = "{}"\n'
    whose = entry.format("public", pair.public.decode())
    _write(
        secret,
        "# The secret half of a CURVE key pair, made by edged. Anyone who reads this file can pass for its owner:\n"
        f"# it stays where it is, readable by its owner alone. Copy the {PUBLIC_SUFFIX} file instead.\n"
        f"curve\n{whose}{entry.format('secret', pair.secret.decode())}",
        0o600,
    )
    try:
        _write(public, f"# The public half of a CURVE key pair, made by edged. Copy it freely.\ncurve\n{whose}", 0o644)
    except OSError:
        secret.unlink()
        raise


def _write(path: Path, text: str, mode: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(fd, "w", encoding="ascii") as file:
            os.fchmod(fd, mode)  # because the umask has reduced it
            file.write(text)
            file.flush()
            os.fsync(fd)
    except OSError:
        path.unlink()
        raise


@dataclass(slots=True)
class _Entries:
    """Content of a key file."""

    keys: dict[bytes, Key] = field(default_factory=dict)
    topics: tuple[bytes, ...] | None = None


def _parse(path: Path, *, private: bool) -> _Entries:
    """Return the entries of the file, with at least one key."""
    entries = _Entries()
    section = b""
    for number, line in enumerate(_read(path, private=private).splitlines(), 1):
        text = line.strip()
        if not text or text.startswith(b"#"):
            continue
        if not line[:1].isspace():
            section = text
        elif section == b"curve":
            _add_key(entries.keys, text, f"{path}:{number}")
        elif section == b"metadata" and (topics := _TOPICS.fullmatch(text)):
            entries.topics = _to_topics(topics[1], f"{path}:{number}")
    if not entries.keys:
        raise ConfigError(f"{path}: holds no CURVE key; 'edged keygen' makes files that do")
    return entries


def _add_key(keys: dict[bytes, Key], text: bytes, where: str) -> None:
    entry = _ENTRY.fullmatch(text)
    if entry is None or entry["name"] in keys:
        raise ConfigError(f'{where}: must be public-key = "…" or secret-key = "…", each once')
    if not _is_z85(entry["key"]):
        # The text does not show the key, because it may be a secret with one wrong character.
        raise ConfigError(f"{where}: {entry['name'].decode()} must be 40 characters of Z85")
    keys[entry["name"]] = entry["key"]


def _to_topics(value: bytes, where: str) -> tuple[bytes, ...]:
    topics = re.fullmatch(rb'"([^"]*)"', value)
    prefixes = topics[1].split() if topics else [b""]
    if not all(prefix.startswith(TOPIC_ROOT) for prefix in prefixes):
        raise ConfigError(
            f"{where}: topics must be prefixes of topics in quotes, with spaces between them, such as "
            '"edged/1/event/ edged/1/status/"'
        )
    return tuple(prefixes)


def _is_z85(text: bytes) -> bool:
    try:
        return len(z85.decode(text)) == 32
    except (KeyError, ValueError, struct.error):  # other characters, another length, more than 32 bits
        return False


def _read(path: Path, *, private: bool) -> bytes:
    # All checks are made on the open file, because its name may stand for another file a moment later. Not blocking:
    # because of pipes.
    with map_exceptions({OSError: ConfigError}, f"{path}: cannot be read"):
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            state = os.fstat(fd)
            if not stat.S_ISREG(state.st_mode):
                raise ConfigError(f"{path}: must be a file that holds a key")
            content = os.read(fd, LARGEST + 1)
            if private and b"secret-key" in content:
                _refuse_readable_by_others(path, fd)
            _refuse_writable_by_all(path, state)
        finally:
            os.close(fd)
    if len(content) > LARGEST:
        raise ConfigError(f"{path}: is too large for a key: more than {LARGEST // 1024} KiB")
    return content


def _refuse_readable_by_others(path: Path, fd: int) -> None:
    mode = stat.S_IMODE(os.fstat(fd).st_mode)
    if _others_may(fd, mode):
        raise ConfigError(
            f"{path}: a secret key, and others than its owner have access to it (mode {mode:04o}): run "
            f"'chmod 600 {path}', and make a new pair if another user may have read it"
        )


def _refuse_writable_by_all(path: Path, state: os.stat_result) -> None:
    if state.st_mode & stat.S_IWOTH:
        raise ConfigError(
            f"{path}: every user may write it, and so decide which keys are let in: run 'chmod o-w {path}'"
        )


def _others_may(fd: int, mode: int) -> bool:
    """Return whether users other than the owner, root and ourselves have any access to an open file."""
    try:
        acl = os.getxattr(fd, "system.posix_acl_access")
    except OSError:  # the file has none, or its file system does not support them
        return bool(mode & 0o077)
    # systemd gives credentials to a service this way. The group's bits of the mode are then the mask of the list, and
    # not the rights of the group. Layout: linux/posix_acl_xattr.h, a version, and then tag, permissions, id of each
    # entry.
    user, others = 0x02, {0x04: "owning group", 0x08: "group", 0x20: "everybody"}
    return any(
        permissions and (tag in others or (tag == user and user_id not in (0, os.geteuid())))
        for tag, permissions, user_id in struct.iter_unpack("<HHI", acl[4:])
    )
