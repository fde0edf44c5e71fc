"""A subscribing socket: why each of its options is as it is, and how any thread may close it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from math import ceil
from typing import TypeAlias

import zmq

from edged.errors import PublishError
from edged.wire import BIND, MAX_HEADER_BYTES, MAX_PAYLOAD_BYTES, is_local

__all__ = ["Connection"]

Context: TypeAlias = zmq.Context["Socket"]
Socket: TypeAlias = zmq.Socket[bytes]

LONGEST_WAIT = 3600.0  # far below the largest number of milliseconds that poll takes


class Connection:
    """Connects to all *addresses*, of which none need answer yet, and gets what begins with any of *prefixes*.

    A socket of ZeroMQ belongs to one thread at a time: ``read`` and ``wait`` are called inside ``with use()``.
    ``close`` may be called by any thread and by a signal handler; it ends a waiting ``wait``.

    Raises:
        PublishError: an address cannot be used.
    """

    def __init__(self, addresses: Sequence[str], prefixes: Sequence[bytes], *, queue: int, queue_bytes: int) -> None:
        self.closed = False
        self._in_use = threading.Lock()
        with ExitStack() as opened:
            self._bell, bell = map(opened.enter_context, socket.socketpair())
            self._bell.setblocking(False)
            context = Context()
            opened.callback(context.term)
            self._socket = opened.enter_context(context.socket(zmq.SUB))
            _set_options(self._socket, queue, queue_bytes)
            for prefix in prefixes:
                self._socket.subscribe(prefix)
            for address in addresses:
                _connect(self._socket, address)
            self._poller = zmq.Poller()
            self._poller.register(self._socket, zmq.POLLIN)
            self._poller.register(bell.fileno(), zmq.POLLIN)
            self._opened = opened.pop_all()

    @contextmanager
    def use(self) -> Iterator[None]:
        """Keep the socket to this thread, and let go of it in the end if it was closed meanwhile.

        Raises:
            RuntimeError: another thread has it.
        """
        if not self._in_use.acquire(blocking=False):
            if self.closed:  # by another thread, at this moment: there is nothing left to use
                yield
                return
            raise RuntimeError("the subscriber is in use: one thread receives, the others may only close it")
        try:
            yield
        finally:
            self._in_use.release()
            if self.closed:
                self._let_go()

    def read(self) -> list[bytes] | None:
        """The frames of the next message, or None if there is none now."""
        try:
            return self._socket.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return None

    def wait(self, seconds: float) -> None:
        """Wait for a message, at most *seconds*; less if it is closed."""
        self._poller.poll(ceil(min(seconds, LONGEST_WAIT) * 1000))

    def close(self) -> None:
        """Disconnect. Twice is fine."""
        self.closed = True
        with suppress(OSError):  # nobody is behind the bell any more
            self._bell.send(b"x")
        self._let_go()

    def _let_go(self) -> None:
        # Who cannot have the lock leaves this to who has it, who looks at `closed` after giving it back.
        if self._in_use.acquire(blocking=False):
            try:
                self._opened.close()
            finally:
                self._in_use.release()


def _set_options(subscribing: Socket, queue: int, queue_bytes: int) -> None:
    """Bound what may wait, what may come, and how long a dead daemon is believed in.

    CONFLATE stays off: it keeps one frame of a message, not one message. IMMEDIATE stays off: with it, what is still
    unread when a daemon hangs up is thrown away, its ``bye`` first of all.
    """
    subscribing.set(zmq.LINGER, 0)
    # These two bound how old a message can be when a busy program gets to it: with the defaults a thousand wait, with
    # twenty here and little in the kernel some fifty.
    subscribing.set(zmq.RCVHWM, queue)
    subscribing.set(zmq.RCVBUF, queue_bytes)
    subscribing.set(zmq.MAXMSGSIZE, max(MAX_HEADER_BYTES, MAX_PAYLOAD_BYTES))
    # The kernel asks whether the peer lives, so that a board without power is dialled again after ten seconds.
    # ZeroMQ's own heartbeats must stay off. While a busy program leaves the queue full, libzmq 4.3 reads no answers to
    # them, takes the daemon for dead, and when the program goes on, aborts it: "Assertion failed: _input_stopped"
    # (libzmq issue 3937).
    subscribing.set(zmq.TCP_KEEPALIVE, 1)
    subscribing.set(zmq.TCP_KEEPALIVE_IDLE, 5)
    subscribing.set(zmq.TCP_KEEPALIVE_INTVL, 2)
    subscribing.set(zmq.TCP_KEEPALIVE_CNT, 3)


def _connect(subscribing: Socket, address: str) -> None:
    # A connect takes the options as they are at that moment. On this machine, dialling often costs next to nothing,
    # and who waits for a daemon misses nothing of its start; across a network it is done with growing pauses.
    near = is_local(address)
    bind = address.startswith(BIND)
    subscribing.set(zmq.RECONNECT_IVL, 20 if near else 100)
    subscribing.set(zmq.RECONNECT_IVL_MAX, 0 if near else 2000)
    subscribing.set(zmq.CONNECT_TIMEOUT, 5000)
    subscribing.set(zmq.IPV6, int("[" in address))
    try:
        (subscribing.bind if bind else subscribing.connect)(address.removeprefix(BIND))
    except zmq.ZMQError as exc:
        raise PublishError(f"cannot subscribe at {address}: {exc.strerror}") from exc
