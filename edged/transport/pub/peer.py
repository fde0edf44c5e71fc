"""One connection of a publish port: its subscriptions, and the messages that wait for it."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections import deque
from collections.abc import Iterator, Sequence

from edged.errors import PeerError
from edged.transport.keys import Key
from edged.transport.pub.subscriptions import Subscriptions
from edged.transport.zmtp.frames import to_bytes, to_parts
from edged.transport.zmtp.mechanism import Mechanism
from edged.transport.zmtp.pub_end import PubEnd

__all__ = ["Message", "Peer"]

READ_BYTES = 4096  # of one peer before the others have their turn
MAX_QUEUED_BYTES = 8 << 20
MAX_REPLY_BYTES = 8192  # answers to commands that it does not take
COMMANDS_AT_ONCE, COMMANDS_PER_SECOND = 2000, 200
READABLE = select.EPOLLIN
WRITABLE = select.EPOLLIN | select.EPOLLOUT


class Message:
    """A message to many peers, which share its bytes.

    *frames* are lent: they are copied by `keep` only, where a peer does not take the message at once.
    """

    __slots__ = ("_is_kept", "_plain", "frames", "parts", "size")

    def __init__(self, frames: Sequence[bytes | memoryview]) -> None:
        self.frames = [frame if isinstance(frame, bytes) else frame.cast("B") for frame in frames]
        self.parts = to_parts(self.frames)
        self.size = sum(map(len, self.parts))
        self._is_kept = False
        self._plain: bytes | None = None

    def keep(self) -> None:
        """Copy what is lent."""
        if not self._is_kept:
            self.frames = [bytes(frame) for frame in self.frames]
            self._is_kept = True

    def for_(self, end: PubEnd, *, secured: bool) -> bytes:
        """Return its bytes for *end*; for connections that are not *secured* they are the same."""
        if secured:
            return end.encode(self.frames)
        if self._plain is None:
            self._plain = to_bytes(self.frames)
        return self._plain


class Peer:
    """A connection and its end of the protocol; never waits.

    A slow peer loses messages, the oldest first: at most *queue* wait, and they are encrypted when their turn comes. So
    many slow peers keep the same few messages.

    Attributes:
        port: the port that it is connected to.
        where: its address, for the log.
        key: its own key, once it has proved it.
        since, last_received: times of the connection and of the last bytes that came.
    """

    def __init__(self, connection: socket.socket, mechanism: Mechanism, port: object, where: str, queue: int) -> None:
        connection.setblocking(False)
        self.connection = connection
        self.end = PubEnd(mechanism)
        self.port = port
        self.where = where
        self.key: Key | None = None
        self.subscriptions = Subscriptions()
        self.since = self.last_received = time.monotonic()
        self.is_open = True
        self.events = READABLE
        self._is_secured = mechanism.overhead > 0
        self._queue: deque[Message] = deque()
        self._most = queue
        self._queued_bytes = 0
        self._output = memoryview(b"")
        self._commands = float(COMMANDS_AT_ONCE)

    def fileno(self) -> int:
        return self.connection.fileno()

    @property
    def is_ready(self) -> bool:
        """Whether the handshake is done."""
        return self.end.is_ready

    @property
    def waits(self) -> bool:
        """Whether something waits to be sent to it."""
        return bool(self._output or self._queue or self.end.reply)

    def read(self) -> Iterator[tuple[bool, bytes]]:
        """Read what has come, and yield each topic prefix that is subscribed to (True) or cancelled (False).

        Raises:
            PeerError: it breaks a rule.
            OSError: it has disconnected.
        """
        try:
            content = self.connection.recv(READ_BYTES)
        except BlockingIOError:
            return
        if not content:
            raise ConnectionResetError
        now, frames = time.monotonic(), self.end.frames
        self._commands = min(COMMANDS_AT_ONCE, self._commands + (now - self.last_received) * COMMANDS_PER_SECOND)
        self.last_received = now
        yield from self.end.feed(content)
        self._commands -= self.end.frames - frames
        if self._commands < 0:
            raise PeerError("flood", f"it sends more than {COMMANDS_PER_SECOND} subscriptions and commands a second")

    def put(self, message: Message) -> None:
        """Send *message*, now or when the kernel takes it.

        Raises:
            OSError: the peer has disconnected.
        """
        if not self._is_secured and not self.waits and self._send_at_once(message):
            return
        self._queue.append(message)
        self._queued_bytes += message.size
        while len(self._queue) > 1 and (len(self._queue) > self._most or self._queued_bytes > MAX_QUEUED_BYTES):
            self._queued_bytes -= self._queue.popleft().size
        if not self._output:
            self.flush()
        if self._queue:
            message.keep()

    def flush(self) -> None:
        """Send what the kernel takes without waiting.

        Raises:
            PeerError: it does not read the answers to its commands.
            OSError: it has disconnected.
        """
        with contextlib.suppress(BlockingIOError):
            while self._output or self._next():
                sent = self.connection.send(self._output)
                self._output = self._output[sent:]
        if len(self.end.reply) > MAX_REPLY_BYTES:
            raise PeerError("flood", "it does not read the answers to its commands")

    def close(self, last_words: bytes = b"") -> None:
        """Disconnect, after *last_words* if they can be sent at once. Twice is fine."""
        if not self.is_open:
            return
        self.is_open = False
        with contextlib.suppress(OSError):
            if last_words and not self._output:
                self.connection.send(bytes(self.end.reply) + last_words)
            # With bytes that were not read, the kernel would drop what it has not delivered yet.
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.recv(1 << 16)
        self._queue.clear()
        self.connection.close()

    def _send_at_once(self, message: Message) -> bool:
        """Send *message* without a copy; return whether the kernel took any of it. Only what it left is copied."""
        sent = 0
        with contextlib.suppress(BlockingIOError):
            sent = self.connection.sendmsg(message.parts)
        if 0 < sent < message.size:
            self._output = memoryview(message.for_(self.end, secured=False))[sent:]
        return sent > 0

    def _next(self) -> bool:
        """Take the next output. Answers come first, because they are encrypted and numbered already."""
        if self.end.reply:
            self._output = memoryview(bytes(self.end.reply))
            self.end.reply.clear()
        elif self._queue:
            message = self._queue.popleft()
            self._queued_bytes -= message.size
            self._output = memoryview(message.for_(self.end, secured=self._is_secured))
        else:
            return False
        return True
