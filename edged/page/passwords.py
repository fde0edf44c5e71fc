"""Passwords instead of tokens: a file with a scrypt hash for each role, and a limit on wrong ones."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import re
import secrets
import stat
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from edged.errors import ConfigError, map_exceptions
from edged.page.gate import ROLES, Login, Role
from edged.whole_files import replace_file, sync_folder

__all__ = ["SECONDS_EACH", "Attempts", "Hash", "Passwords", "hash_password", "keep_password", "read_passwords"]

N, R, P = 1 << 14, 8, 1  # 16 MiB and a tenth of a second: RFC 7914, interactive logins
LONGEST_PASSWORD = 1024
LONGEST_FILE = 4096
MOST_WAITING = 4  # logins that wait for their turn

FAILURES = 5  # wrong passwords from an address at once,
SECONDS_EACH = 30.0  # and then one each so many seconds
ALL_FAILURES, ALL_SECONDS_EACH = 20, 3.0  # the same from all addresses together
MOST_ADDRESSES = 256

_LINE = re.compile(r"(look|change):scrypt:([0-9]{1,2}):([0-9a-f]{32}):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Hash:
    """A hash of a password with its salt; *log2_n* is its cost."""

    log2_n: int
    salt: bytes
    digest: bytes = field(repr=False)

    def matches(self, password: str) -> bool:
        """Return whether *password* is the one; takes a tenth of a second."""
        return hmac.compare_digest(_scrypt(password, self.salt, 1 << self.log2_n), self.digest)


def hash_password(role: Role, password: str) -> str:
    """Return the line of *password* for the file of passwords."""
    salt = secrets.token_bytes(16)
    return f"{role}:scrypt:{N.bit_length() - 1}:{salt.hex()}:{_scrypt(password, salt, N).hex()}"


def read_passwords(file: Path) -> Mapping[Role, Hash]:
    """Return the hash of each role in *file*.

    Raises:
        ConfigError: it cannot be read, or has something else in it.
    """
    try:
        lines = _lines(file)
    except OSError as exc:
        raise ConfigError(f"{file}: cannot be read: {exc.strerror}") from exc
    hashes: dict[Role, Hash] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None or not 10 <= int(match[2]) <= 17:
            raise ConfigError(f"{file}:{number}: must be a line that 'edged page --set-password' writes")
        role = next(role for role in ROLES if role == match[1])
        hashes[role] = Hash(int(match[2]), bytes.fromhex(match[3]), bytes.fromhex(match[4]))
    if not hashes:
        raise ConfigError(f"{file}: has no password; 'edged page --set-password' writes one")
    return hashes


def keep_password(file: Path, role: Role, password: str) -> None:
    """Write the hash of *password* into *file*, in place of another one of *role*; the file is made if there is none.

    Raises:
        ConfigError: it cannot be read or written, or has something else in it; it stays as it was.
    """
    real = Path(os.path.realpath(file))
    with map_exceptions({OSError: ConfigError}, str(file)):
        before = real.stat() if real.exists() else None
        lines = [] if before is None else _lines(real)
        others = [line for line in lines if not line.startswith(f"{role}:")]
        text = "\n".join([*others, hash_password(role, password)]) + "\n"
        prepare = None if before is None else partial(_own_as, before)
        replace_file(real, text.encode(), 0o600, prepare)
        sync_folder(real.parent)


def _own_as(before: os.stat_result, fd: int) -> None:
    """Give the open file the owner and mode of the one before: the page may run as another user than this."""
    with suppress(PermissionError):
        os.fchown(fd, before.st_uid, before.st_gid)
    os.fchmod(fd, stat.S_IMODE(before.st_mode))


def _lines(file: Path) -> list[str]:
    with file.open("rb") as opened:
        content = opened.read(LONGEST_FILE + 1)
    if len(content) > LONGEST_FILE:  # it would be written again without the rest
        raise ConfigError(f"{file}: is longer than a file of passwords, which has {LONGEST_FILE} bytes at most")
    return content.decode("utf-8", "replace").splitlines()


class Attempts:
    """Limit on wrong passwords. Pure; instants are monotonic. What is known of addresses is bounded, too."""

    def __init__(self) -> None:
        self._all = _Bucket(ALL_FAILURES, ALL_SECONDS_EACH)
        self._by_address: OrderedDict[str, _Bucket] = OrderedDict()

    def may_try(self, address: str, now: float) -> bool:
        """Return whether a password from *address* is looked at."""
        own = self._by_address.get(address)
        return self._all.has_room(now) and (own is None or own.has_room(now))

    def note_failure(self, address: str, now: float) -> None:
        """Count a wrong password."""
        own = self._by_address.setdefault(address, _Bucket(FAILURES, SECONDS_EACH))
        self._by_address.move_to_end(address)
        if len(self._by_address) > MOST_ADDRESSES:
            self._by_address.popitem(last=False)
        own.take(now)
        self._all.take(now)


class Passwords:
    """Checks logins against *hashes*, one at a time, in a thread, so that nothing else waits."""

    def __init__(self, hashes: Mapping[Role, Hash]) -> None:
        self._hashes = hashes
        self._attempts = Attempts()
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._checks: set[asyncio.Task[Role | None]] = set()

    async def role_of(self, login: Login, address: str) -> Role | None:
        """Return the role whose password *login* has: that of its user, or any for another user; None: it is wrong.

        Raises:
            TimeoutError: there were too many wrong ones; nothing was looked at.
        """
        if self._waiting >= MOST_WAITING or not self._may_try(address):
            raise TimeoutError
        self._waiting += 1
        checking = asyncio.create_task(self._check(login, address))
        self._checks.add(checking)
        checking.add_done_callback(self._checks.discard)
        # It goes on, and counts, when the other end has gone: comparisons would pile up otherwise, and guesses be free.
        return await asyncio.shield(checking)

    async def _check(self, login: Login, address: str) -> Role | None:
        loop = asyncio.get_running_loop()
        try:
            async with self._turn:
                if not self._may_try(address):
                    raise TimeoutError
                role = await loop.run_in_executor(None, self._find, login)
                if role is None:
                    self._attempts.note_failure(address, loop.time())
                return role
        finally:
            self._waiting -= 1

    def _may_try(self, address: str) -> bool:
        return self._attempts.may_try(address, asyncio.get_running_loop().time())

    def _find(self, login: Login) -> Role | None:
        if len(login.secret) > LONGEST_PASSWORD:
            return None
        named = [role for role in self._hashes if role == login.user]
        return next((role for role in named or self._hashes if self._hashes[role].matches(login.secret)), None)


class _Bucket:
    """Room for *most* at once, and for one more each *seconds*."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most, self._seconds = most, seconds
        self._taken, self._since = 0.0, 0.0

    def has_room(self, now: float) -> bool:
        return self._left(now) <= self._most - 1

    def take(self, now: float) -> None:
        self._taken, self._since = self._left(now) + 1, now

    def _left(self, now: float) -> float:
        return max(0.0, self._taken - (now - self._since) / self._seconds)


def _scrypt(password: str, salt: bytes, n: int) -> bytes:
    most = 256 * n * R  # twice what it takes
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=R, p=P, dklen=32, maxmem=most)
