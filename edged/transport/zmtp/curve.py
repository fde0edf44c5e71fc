"""CurveZMQ (RFC 26 of ZeroMQ), both ends of it, by libsodium (PyNaCl).

PyNaCl is imported here and nowhere else, and this module only where keys are configured: a daemon without keys runs
without it. A key is 32 bytes here, and not Z85.

Each connection has a session key that is made of four key pairs: the long-term pairs of both ends prove who they are,
the short-term ones are forgotten with the connection. The number in each command grows, so that nothing counts twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nacl.bindings import (
    crypto_box_afternm,
    crypto_box_beforenm,
    crypto_box_keypair,
    crypto_box_open_afternm,
    crypto_secretbox,
    crypto_secretbox_open,
    randombytes,
)
from nacl.exceptions import CryptoError
from zmq.utils import z85

from edged.errors import PeerError
from edged.transport.zmtp.commands import split
from edged.transport.zmtp.frames import COMMAND, MORE, command, frame
from edged.transport.zmtp.mechanism import PUBLISHER, REFUSED, check_subscriber, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CurveClient", "CurveServer"]

KEY_BYTES, NUMBER_BYTES, MAC_BYTES = 32, 8, 16
COOKIE_BYTES = 16 + MAC_BYTES + 2 * KEY_BYTES
VOUCH_BYTES = MAC_BYTES + 2 * KEY_BYTES
HELLO_BYTES = 2 + 72 + KEY_BYTES + NUMBER_BYTES + MAC_BYTES + 64
WELCOME_BYTES = 16 + MAC_BYTES + KEY_BYTES + COOKIE_BYTES
INNER_MORE, INNER_COMMAND = 1, 2
MESSAGE = b"\x07MESSAGE"


@contextmanager
def _checked(what: str) -> Iterator[None]:
    """Raise errors of libsodium as PeerError, because a peer causes them."""
    try:
        yield
    except CryptoError as exc:
        raise PeerError("protocol", f"{what} cannot be decrypted: one end has a wrong key of the other") from exc


def _expect(name: bytes, wanted: bytes, content: bytes, size: int, *, exactly: bool = False) -> None:
    if name == b"ERROR":
        raise refusal(content)
    if name != wanted or len(content) < size or (exactly and len(content) != size):
        raise PeerError("protocol", f"{wanted.decode()} must come next, of the right size")


class _CurveEnd:
    """Parts of both ends: the session key, and the numbers of both directions."""

    name = b"CURVE"
    overhead = len(MESSAGE) + NUMBER_BYTES + MAC_BYTES + 1
    own_nonce = other_nonce = b""

    def __init__(self) -> None:
        self.is_ready = False
        self._session = b""
        self._sent = self._received = 0

    def seal(self, frames: Sequence[bytes | memoryview]) -> bytes:
        last = len(frames) - 1
        return b"".join([self._sealed(b"\1" if number < last else b"\0", body) for number, body in enumerate(frames)])

    def seal_command(self, name: bytes, content: bytes) -> bytes:
        return self._sealed(b"\2", bytes((len(name),)) + name + content)

    def unseal(self, flags: int, body: bytes) -> tuple[int, bytes]:
        name, content = split(body)
        if name == b"ERROR":
            raise refusal(content)
        if name != b"MESSAGE" or flags & MORE or len(content) <= NUMBER_BYTES + MAC_BYTES:
            raise PeerError("protocol", "after the handshake everything must be encrypted")
        with _checked("a message"):
            number = self._number(content)
            plain = crypto_box_open_afternm(content[NUMBER_BYTES:], self.other_nonce + number, self._session)
        return (MORE if plain[0] & INNER_MORE else 0) | (COMMAND if plain[0] & INNER_COMMAND else 0), plain[1:]

    def _sealed(self, flags: bytes, content: bytes | memoryview) -> bytes:
        number = self._next_number()
        box = crypto_box_afternm(flags + content, self.own_nonce + number, self._session)
        return frame(MESSAGE + number + box)

    def _next_number(self) -> bytes:
        self._sent += 1
        return self._sent.to_bytes(NUMBER_BYTES, "big")

    def _number(self, content: bytes) -> bytes:
        """Return the number at the beginning of *content*, which has to be larger than the last one."""
        number = content[:NUMBER_BYTES]
        value = int.from_bytes(number, "big")
        if value <= self._received:
            raise PeerError("protocol", "each number must be larger than the one before it")
        self._received = value
        return number


class CurveServer(_CurveEnd):
    """The server's end. *admit* gets the key that a client has proved, and returns whether it may come in."""

    as_server = True
    own_nonce, other_nonce = b"CurveZMQMESSAGES", b"CurveZMQMESSAGEC"

    def __init__(self, public: bytes, secret: bytes, admit: Callable[[bytes], bool]) -> None:
        super().__init__()
        self._public, self._secret = public, secret
        self._admit = admit
        self._cookie_key = b""
        self._short_public = b""

    def begin(self) -> bytes:
        return b""

    def answer(self, name: bytes, content: bytes) -> bytes:
        return self._welcome(name, content) if not self._cookie_key else self._ready(name, content)

    def _welcome(self, name: bytes, hello: bytes) -> bytes:
        _expect(name, b"HELLO", hello, HELLO_BYTES, exactly=True)
        if hello[:1] != b"\1":
            raise PeerError("protocol", "it must be CurveZMQ 1")
        client, rest = hello[74:106], hello[106:]
        with _checked("HELLO"):
            shared = crypto_box_beforenm(client, self._secret)
            number = self._number(rest)
            crypto_box_open_afternm(rest[NUMBER_BYTES:], b"CurveZMQHELLO---" + number, shared)
        short_public, short_secret = crypto_box_keypair()
        # The short-term keys go out in the cookie and come back in it: a client that sends only HELLO leaves 64 bytes.
        self._cookie_key, self._short_public = randombytes(KEY_BYTES), short_public
        nonce = randombytes(16)
        cookie = nonce + crypto_secretbox(client + short_secret, b"COOKIE--" + nonce, self._cookie_key)
        nonce = randombytes(16)
        box = crypto_box_afternm(short_public + cookie, b"WELCOME-" + nonce, shared)
        return command(b"WELCOME", nonce + box)

    def _ready(self, name: bytes, initiate: bytes) -> bytes:
        _expect(name, b"INITIATE", initiate, COOKIE_BYTES + NUMBER_BYTES + MAC_BYTES + KEY_BYTES + 16 + VOUCH_BYTES)
        cookie, rest = initiate[:COOKIE_BYTES], initiate[COOKIE_BYTES:]
        with _checked("INITIATE"):
            short_keys = crypto_secretbox_open(cookie[16:], b"COOKIE--" + cookie[:16], self._cookie_key)
            short_client, short_secret = short_keys[:KEY_BYTES], short_keys[KEY_BYTES:]
            self._session = crypto_box_beforenm(short_client, short_secret)
            number = self._number(rest)
            plain = crypto_box_open_afternm(rest[NUMBER_BYTES:], b"CurveZMQINITIATE" + number, self._session)
            client, nonce = plain[:KEY_BYTES], plain[KEY_BYTES : KEY_BYTES + 16]
            vouch, properties = plain[48 : 48 + VOUCH_BYTES], plain[48 + VOUCH_BYTES :]
            proved = crypto_box_open_afternm(vouch, b"VOUCH---" + nonce, crypto_box_beforenm(client, short_secret))
        if proved != short_client + self._public:
            raise PeerError("protocol", "the client vouches for other keys")
        check_subscriber(properties)
        if not self._admit(client):
            refused = command(b"ERROR", bytes((len(REFUSED),)) + REFUSED)
            raise PeerError("key", f"its public key {z85.encode(client).decode()} is not authorized", refused)
        self.is_ready = True
        number = self._next_number()
        return command(b"READY", number + crypto_box_afternm(PUBLISHER, b"CurveZMQREADY---" + number, self._session))


class CurveClient(_CurveEnd):
    """The client's end, which knows the key of its *server*."""

    as_server = False
    own_nonce, other_nonce = b"CurveZMQMESSAGEC", b"CurveZMQMESSAGES"
    properties = PUBLISHER
    """The properties of its socket that it sent in the handshake."""

    def __init__(self, public: bytes, secret: bytes, server: bytes) -> None:
        super().__init__()
        self._public, self._secret, self._server = public, secret, server
        self._short_public, self._short_secret = crypto_box_keypair()
        self._is_welcome = False

    def begin(self) -> bytes:
        number = self._next_number()
        with _checked("HELLO"):  # where the server's key is none at all
            shared = crypto_box_beforenm(self._server, self._short_secret)
        box = crypto_box_afternm(bytes(64), b"CurveZMQHELLO---" + number, shared)
        return command(b"HELLO", b"\1\0" + bytes(72) + self._short_public + number + box)

    def answer(self, name: bytes, content: bytes) -> bytes:
        if not self._is_welcome:
            return self._initiate(name, content)
        _expect(name, b"READY", content, NUMBER_BYTES + MAC_BYTES)
        with _checked("READY"):
            number = self._number(content)
            properties = crypto_box_open_afternm(content[NUMBER_BYTES:], b"CurveZMQREADY---" + number, self._session)
        check_subscriber(properties)
        self.is_ready = True
        return b""

    def _initiate(self, name: bytes, welcome: bytes) -> bytes:
        _expect(name, b"WELCOME", welcome, WELCOME_BYTES, exactly=True)
        with _checked("WELCOME"):
            shared = crypto_box_beforenm(self._server, self._short_secret)
            plain = crypto_box_open_afternm(welcome[16:], b"WELCOME-" + welcome[:16], shared)
            short_server, cookie = plain[:KEY_BYTES], plain[KEY_BYTES:]
            self._session = crypto_box_beforenm(short_server, self._short_secret)
            nonce = randombytes(16)
            vouch = crypto_box_afternm(
                self._short_public + self._server,
                b"VOUCH---" + nonce,
                crypto_box_beforenm(short_server, self._secret),
            )
        self._is_welcome = True
        number = self._next_number()
        plain = self._public + nonce + vouch + self.properties
        box = crypto_box_afternm(plain, b"CurveZMQINITIATE" + number, self._session)
        return command(b"INITIATE", cookie + number + box)
