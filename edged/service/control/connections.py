"""The connections of a control socket: few, small, and the stage waits for none of them."""

from __future__ import annotations

import contextlib
import errno
import math
import select
import socket
import time
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from edged.bell import Bell
from edged.errors import WireError
from edged.transport.zmtp.frames import to_bytes
from edged.transport.zmtp.router_end import RouterEnd

__all__ = ["Connection", "Connections", "TurnClock"]

MOST_CONNECTIONS = 32  # when one more comes, one is closed
MOST_NEW = 24  # of these without a handshake yet: neither those with one nor those without can keep the others out
SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
SHORTAGE_SECONDS = 0.25  # before the next attempt to accept
READ_BYTES = 16_384
MOST_AT_ONCE = 8  # messages of one connection before it is the turn of the others, and of new ones
TURN_SECONDS = 0.004  # of the processor, after which the connections that have not had their turn wait for the next one
MOST_UNREAD = (
    65_536  # bytes that a client has not read; until it has, it gets no more answers, and nothing is read from it
)
HANDSHAKE_SECONDS = 5.0
STALL_SECONDS = 60.0  # that an answer may wait until the client reads any of it


class Connection:
    """One connection. ``unanswered`` counts its requests without an answer so far."""

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        self.socket = connected
        self.end = RouterEnd()
        self.unanswered = 0
        self.last_received = time.monotonic()
        self.is_open = True
        self.has_more = False
        """Whether it has sent more than was read at its turn."""
        self.served = 0.0
        """When its last turn ended; 0 before the first."""
        self._moved = self.last_received  # when the client last read something, or there was nothing to read
        self._output: deque[memoryview] = deque()

    @property
    def unread(self) -> int:
        """Bytes that the client has not read."""
        return sum(map(len, self._output))

    @property
    def is_late(self) -> bool:
        """Whether it should be closed: the client does not finish the handshake, or does not read its answers."""
        now = time.monotonic()
        if not self.end.is_ready:
            return now - self.last_received > HANDSHAKE_SECONDS
        return bool(self._output) and now - self._moved > STALL_SECONDS

    @property
    def events(self) -> int:
        """The events to poll for."""
        reading = select.POLLIN if self.unread <= MOST_UNREAD and not self.has_more else 0
        return reading | (select.POLLOUT if self._output else 0)

    def read(self, clock: TurnClock) -> Iterator[list[bytes]]:
        """Yield the messages that have come, up to `MOST_AT_ONCE`, until *clock* says that the turn is over.

        Raises:
            OSError: the client has hung up.
            WireError: its bytes are not ZMTP.
        """
        content = b"" if self.has_more else self.socket.recv(READ_BYTES)
        if not content and not self.has_more:
            raise ConnectionResetError
        self.has_more = False
        for count, message in enumerate(islice(self.end.feed(content), MOST_AT_ONCE), 1):
            self.last_received = time.monotonic()
            yield message
            self.has_more = count == MOST_AT_ONCE or clock.is_over
            if self.has_more:
                break

    def queue(self, content: bytes) -> None:
        """Queue *content* to be sent; drop it if the client has not read enough of what came before."""
        if self.unread <= MOST_UNREAD and content:
            if not self._output:
                self._moved = time.monotonic()
            self._output.append(memoryview(content))

    def write(self) -> None:
        """Send as much as goes out without waiting; raises OSError where the client has hung up."""
        if self.end.reply:
            self.queue(bytes(self.end.reply))
            self.end.reply.clear()
        with contextlib.suppress(BlockingIOError):
            while self._output:
                sent = self.socket.send(self._output[0])
                self._moved = time.monotonic()
                self._output[0] = self._output[0][sent:]
                if not self._output[0]:
                    self._output.popleft()

    def close(self) -> None:
        self.is_open = False
        self.socket.close()


class TurnClock:
    """Processor time of this thread since the turn began, with what the receiver of the messages does for them."""

    def __init__(self) -> None:
        self._begin = time.thread_time()

    @property
    def spent(self) -> float:
        """Seconds of the processor so far."""
        return time.thread_time() - self._begin

    @property
    def is_over(self) -> bool:
        """Whether `TURN_SECONDS` are used up."""
        return self.spent >= TURN_SECONDS


class Connections:
    """All connections to *listening*; one thread uses it. *bell* wakes it.

    Their share is one of time, not of messages: a turn ends after `TURN_SECONDS`, and the next one begins with the
    connection that was served longest ago. So a connection that asks seldom is served first, and waits for no more than
    the turn that it came in.
    """

    def __init__(self, listening: socket.socket | None, bell: Bell) -> None:
        self._listening = listening
        self._bell = bell
        self._connections: dict[int, Connection] = {}
        self._next_accept = 0.0

    def wait(self, seconds: float) -> Iterator[tuple[Connection, list[bytes]]]:
        """Wait at most *seconds* for an event, and yield the messages that came, each with its connection."""
        poll = select.poll()
        poll.register(self._bell, select.POLLIN)
        if self._listening is not None:
            if time.monotonic() >= self._next_accept:
                poll.register(self._listening, select.POLLIN)
            else:
                seconds = min(seconds, SHORTAGE_SECONDS)
        for number, connection in self._connections.items():
            poll.register(number, connection.events)
        left_over = {number: select.POLLIN for number, connection in self._connections.items() if connection.has_more}
        happened = left_over | dict(poll.poll(0 if left_over else math.ceil(seconds * 1000)))
        self._bell.silence()
        clock = TurnClock()
        for connection in sorted(self._connections.values(), key=lambda connection: connection.served):
            if connection.is_open and (event := happened.get(connection.socket.fileno())):
                yield from self._serve(connection, event, clock)
                if clock.is_over:
                    break
        if self._listening is not None and self._listening.fileno() in happened:
            self._accept()
        for connection in [connection for connection in self._connections.values() if connection.is_late]:
            self._close(connection)

    def send(self, connection: Connection, frames: Sequence[bytes]) -> None:
        """Send a message to *connection*, if that is still open and reads; never waits."""
        if connection.is_open:
            connection.queue(to_bytes(frames))
            self._write(connection)

    def close(self, seconds: float) -> None:
        """Close every connection, after at most *seconds* for answers that are on their way."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            slow = [connection for connection in self._connections.values() if connection.unread]
            if not slow:
                break
            poll = select.poll()  # select() knows the first 1024 descriptors only
            for connection in slow:
                poll.register(connection.socket, select.POLLOUT)
            poll.poll(math.ceil(left * 1000))
            for connection in slow:
                self._write(connection)
        for connection in list(self._connections.values()):
            self._close(connection)

    def _serve(self, connection: Connection, event: int, clock: TurnClock) -> Iterator[tuple[Connection, list[bytes]]]:
        try:
            if connection.has_more or event & (select.POLLIN | select.POLLHUP | select.POLLERR):
                for message in connection.read(clock):
                    yield connection, message
        except BlockingIOError:
            pass
        except (OSError, WireError):
            self._close(connection)
        self._write(connection)
        connection.served = time.monotonic()

    def _write(self, connection: Connection) -> None:
        try:
            if connection.is_open:
                connection.write()
        except OSError:
            self._close(connection)

    def _accept(self) -> None:
        assert self._listening is not None, "there is a listening socket to accept from"
        try:
            for _ in range(MOST_AT_ONCE):
                connection = Connection(self._listening.accept()[0])
                self._connections[connection.socket.fileno()] = connection
                self._write(connection)
        except OSError as exc:  # nobody waits; or no descriptor is left, and then clients go on waiting
            if exc.errno in SHORTAGES:
                self._next_accept = time.monotonic() + SHORTAGE_SECONDS  # poll would return at once, again and again
        while len(self._connections) > MOST_CONNECTIONS:
            self._close(_weakest(self._connections.values()))

    def _close(self, connection: Connection) -> None:
        if connection.is_open:
            self._connections.pop(connection.socket.fileno(), None)
            connection.close()


def _weakest(connections: Collection[Connection]) -> Connection:
    """The connection to close when there are too many: of those that it harms least, the one silent for longest.

    Not one that waits for an answer, where possible. Neither connections with a handshake nor those without can keep
    the others out.
    """
    new = [connection for connection in connections if not connection.end.is_ready]
    idle = [connection for connection in connections if connection.end.is_ready and not connection.unanswered]
    return min(
        idle if idle and len(new) <= MOST_NEW else new or connections, key=lambda connection: connection.last_received
    )
