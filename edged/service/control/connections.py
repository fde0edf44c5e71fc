"""The connections of a control socket: few, small, and none that is waited for."""

from __future__ import annotations

import contextlib
import math
import select
import socket
import time
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from edged.bell import Bell
from edged.errors import WireError
from edged.transport.zmtp import RouterEnd, to_bytes

__all__ = ["Connection", "Connections"]

MOST_CALLERS = 32  # when one more comes, one is cut off
MOST_NEW = 24  # of these that have not said hello yet: they keep nobody out who has, nor he them
READ_BYTES = 16_384
MOST_AT_ONCE = 8  # messages of one caller before the others have their turn, and new callers
MOST_UNREAD = 65_536  # bytes that a caller has not taken; it gets no more answers, and is not heard, until it has
HANDSHAKE_SECONDS = 5.0
STALL_SECONDS = 60.0  # that an answer may wait for a caller to take any of it


class Connection:
    """One connection. ``waits_for`` is how many of its requests are not answered yet."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.connection = connection
        self.end = RouterEnd()
        self.waits_for = 0
        self.heard = time.monotonic()
        self.is_open = True
        self.has_more = False
        """Whether it has said more than it could get in at its turn."""
        self._moved = self.heard  # when it last took something, or had nothing to take
        self._output: deque[memoryview] = deque()

    @property
    def unread(self) -> int:
        """Bytes that it has not taken."""
        return sum(map(len, self._output))

    @property
    def is_late(self) -> bool:
        """Whether it should be cut off: it does not introduce itself, or does not take what it asked for."""
        now = time.monotonic()
        if not self.end.is_ready:
            return now - self.heard > HANDSHAKE_SECONDS
        return bool(self._output) and now - self._moved > STALL_SECONDS

    @property
    def events(self) -> int:
        """What has to be polled for."""
        hears = select.POLLIN if self.unread <= MOST_UNREAD and not self.has_more else 0
        return hears | (select.POLLOUT if self._output else 0)

    def read(self) -> Iterator[list[bytes]]:
        """The messages that have come; raises OSError or WireError where it has hung up or talks nonsense."""
        content = b"" if self.has_more else self.connection.recv(READ_BYTES)
        if not content and not self.has_more:
            raise ConnectionResetError
        count = 0
        for message in islice(self.end.feed(content), MOST_AT_ONCE):
            self.heard = time.monotonic()
            count += 1
            yield message
        self.has_more = count == MOST_AT_ONCE

    def put(self, content: bytes) -> None:
        """Have *content* sent, unless it has not taken what it got before."""
        if self.unread <= MOST_UNREAD and content:
            if not self._output:
                self._moved = time.monotonic()
            self._output.append(memoryview(content))

    def write(self) -> None:
        """Send what goes out without waiting; raises OSError where it has hung up."""
        if self.end.reply:
            self.put(bytes(self.end.reply))
            self.end.reply.clear()
        with contextlib.suppress(BlockingIOError):
            while self._output:
                sent = self.connection.send(self._output[0])
                self._moved = time.monotonic()
                self._output[0] = self._output[0][sent:]
                if not self._output[0]:
                    self._output.popleft()

    def close(self) -> None:
        self.is_open = False
        self.connection.close()


class Connections:
    """Everybody who is connected to *listening*; one thread uses it. *bell* wakes it."""

    def __init__(self, listening: socket.socket | None, bell: Bell) -> None:
        self._listening = listening
        self._bell = bell
        self._callers: dict[int, Connection] = {}

    def wait(self, seconds: float) -> Iterator[tuple[Connection, list[bytes]]]:
        """Wait for something to happen, at most *seconds*, and yield the messages that came, and from whom."""
        poll = select.poll()
        poll.register(self._bell, select.POLLIN)
        if self._listening is not None:
            poll.register(self._listening, select.POLLIN)
        for number, caller in self._callers.items():
            poll.register(number, caller.events)
        left_over = {number: select.POLLIN for number, caller in self._callers.items() if caller.has_more}
        happened = left_over | dict(poll.poll(0 if left_over else math.ceil(seconds * 1000)))
        self._bell.silence()
        for number, event in happened.items():
            if number in self._callers:  # else it was cut off a moment ago
                yield from self._attend(self._callers[number], event)
        if self._listening is not None and self._listening.fileno() in happened:
            self._let_in()
        for caller in [caller for caller in self._callers.values() if caller.is_late]:
            self._cut(caller)

    def send(self, caller: Connection, frames: Sequence[bytes]) -> None:
        """Send a message to *caller*, if it still is there and takes it; never waits."""
        if caller.is_open:
            caller.put(to_bytes(frames))
            self._write(caller)

    def close(self, seconds: float) -> None:
        """Hang up on everybody, after *seconds* at most for what is on its way."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            slow = [caller for caller in self._callers.values() if caller.unread]
            if not slow:
                break
            select.select([], [caller.connection for caller in slow], [], left)
            for caller in slow:
                self._write(caller)
        for caller in list(self._callers.values()):
            self._cut(caller)

    def _attend(self, caller: Connection, event: int) -> Iterator[tuple[Connection, list[bytes]]]:
        try:
            if caller.has_more or event & (select.POLLIN | select.POLLHUP | select.POLLERR):
                for message in caller.read():
                    yield caller, message
        except BlockingIOError:
            pass
        except (OSError, WireError):
            self._cut(caller)
        self._write(caller)

    def _write(self, caller: Connection) -> None:
        try:
            if caller.is_open:
                caller.write()
        except OSError:
            self._cut(caller)

    def _let_in(self) -> None:
        assert self._listening is not None, "only who listens hears anybody"
        with contextlib.suppress(OSError):  # nobody waits; or there is no descriptor left, and then they go on waiting
            for _ in range(MOST_AT_ONCE):
                caller = Connection(self._listening.accept()[0])
                self._callers[caller.connection.fileno()] = caller
                self._write(caller)
        while len(self._callers) > MOST_CALLERS:
            self._cut(_weakest(self._callers.values()))

    def _cut(self, caller: Connection) -> None:
        if caller.is_open:
            self._callers.pop(caller.connection.fileno(), None)
            caller.close()


def _weakest(callers: Collection[Connection]) -> Connection:
    """Who has to go when there are too many: who has been silent for longest of those whom it harms least.

    Nobody who waits for an answer, where that can be; and of those who have said hello and those who have just come
    neither can keep the others out.
    """
    new = [caller for caller in callers if not caller.end.is_ready]
    idle = [caller for caller in callers if caller.end.is_ready and not caller.waits_for]
    return min(idle if idle and len(new) <= MOST_NEW else new or callers, key=lambda caller: caller.heard)
