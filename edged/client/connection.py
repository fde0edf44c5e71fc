"""SUB socket of a subscriber: its options with their reasons, and closing from any thread."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from math import ceil
from typing import TypeAlias

import zmq

from edged.errors import PublishError
from edged.transport.arrivals import has_arrivals
from edged.transport.curve import Curve, secure
from edged.transport.gate import Gate
from edged.transport.handshakes import Handshakes
from edged.transport.keys import Client, Key
from edged.wire import BIND, MAX_HEADER_BYTES, MAX_PAYLOAD_BYTES, is_local

__all__ = ["StreamConnection"]

Context: TypeAlias = zmq.Context["Socket"]
Socket: TypeAlias = zmq.Socket[bytes]

HANDSHAKE_SECONDS = 3  # of a peer that connects to us; with libzmq's 30 s a few silent ones fill the descriptors
LONGEST_WAIT = 3600.0  # far below the largest number of milliseconds that poll takes


class StreamConnection:
    """Connection to all *addresses* that receives messages whose topic begins with any of *prefixes*.

    The addresses need not answer yet. *curves* are the keys of those addresses that have some. Where this end is the
    server, it lets in clients that have a key of *authorized*.

    A socket of ZeroMQ belongs to one thread at a time: ``read``, ``serve_handshakes`` and ``wait`` are called inside
    ``with use()``. ``close`` may be called by any thread and by a signal handler; it ends a waiting ``wait``.

    Raises:
        PublishError: an address cannot be used.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        prefixes: Sequence[bytes],
        *,
        queue: int,
        queue_bytes: int,
        curves: Mapping[str, Curve],
        authorized: Mapping[Key, Client],
    ) -> None:
        self.closed = False
        self._curves = curves
        self._names_senders = any(curve.server is None for curve in curves.values())
        self._in_use = threading.Lock()
        with ExitStack() as opened:
            self._waker, wakened = map(opened.enter_context, socket.socketpair())
            self._waker.setblocking(False)
            context = Context()
            opened.callback(context.term)
            self._gate = Gate(context, authorized)
            opened.callback(self._gate.close)
            self._socket = opened.enter_context(context.socket(zmq.SUB))
            _set_options(self._socket, queue, queue_bytes)
            for prefix in prefixes:
                self._socket.subscribe(prefix)
            self._handshakes = Handshakes(context, self._socket, self._open)
            opened.callback(self._handshakes.close)
            for address in sorted(addresses, key=curves.__contains__):  # see `secure` for the order
                self._open(address)
            self._poller = zmq.Poller()
            self._poller.register(self._socket, zmq.POLLIN)
            self._poller.register(wakened.fileno(), zmq.POLLIN)
            self._poller.register(self._gate.socket, zmq.POLLIN)
            self._poller.register(self._handshakes.monitor, zmq.POLLIN)
            self._opened = opened.pop_all()

    @property
    def troubles(self) -> Mapping[str, str]:
        """By address, why handshakes fail there."""
        return self._handshakes.troubles

    @contextmanager
    def use(self) -> Iterator[None]:
        """Keep the socket for this thread, and release it at the end if it was closed meanwhile.

        Raises:
            RuntimeError: another thread uses it.
        """
        if not self._in_use.acquire(blocking=False):
            if self.closed:  # by another thread, at this moment: nothing is left to use
                yield
                return
            raise RuntimeError("the subscriber is in use: one thread receives, the others may only close it")
        try:
            yield
        finally:
            self._in_use.release()
            if self.closed:
                self._release()

    def read(self) -> tuple[list[bytes], str | None] | None:
        """Return the frames of the next message, and the name of its sender's key; None if no message is there now.

        Only peers that this end lets in by their keys have such a name.
        """
        if not has_arrivals(self._socket):
            return None
        if not self._names_senders:
            return self._socket.recv_multipart(zmq.NOBLOCK), None
        frames = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
        return [frame.bytes for frame in frames], _sender(frames[0])

    def serve_handshakes(self) -> None:
        """Answer and note the handshakes of new connections; never waits."""
        self._gate.answer_requests()
        self._handshakes.read_events()

    def wait(self, seconds: float) -> None:
        """Wait for a message, at most *seconds*; less if this is closed, or a handshake needs `serve_handshakes`."""
        self._poller.poll(ceil(min(seconds, LONGEST_WAIT, self._handshakes.seconds_left()) * 1000))

    def close(self) -> None:
        """Disconnect; harmless when done twice."""
        self.closed = True
        with suppress(OSError):  # the other end of the pair is closed already
            self._waker.send(b"x")
        self._release()

    def _open(self, address: str) -> None:
        # A connect takes the options as they are at that moment. On this machine, frequent attempts cost next to
        # nothing, and a subscriber that waits for a daemon misses nothing of its start; across a network the pauses
        # between attempts grow.
        local = is_local(address)
        self._socket.set(zmq.RECONNECT_IVL, 20 if local else 100)
        self._socket.set(zmq.RECONNECT_IVL_MAX, 0 if local else 2000)
        self._socket.set(zmq.CONNECT_TIMEOUT, 5000)
        self._socket.set(zmq.IPV6, int("[" in address))
        secure(self._socket, self._curves.get(address))
        try:
            if address.startswith(BIND):
                self._socket.set(zmq.HANDSHAKE_IVL, HANDSHAKE_SECONDS * 1000)
                self._socket.bind(address.removeprefix(BIND))
            else:
                self._handshakes.add_address(address)
                self._socket.connect(address)
        except zmq.ZMQError as exc:
            raise PublishError(f"cannot subscribe at {address}: {exc.strerror}") from exc

    def _release(self) -> None:
        # A thread that cannot get the lock leaves this to the one that holds it and reads `closed` after releasing it.
        if self._in_use.acquire(blocking=False):
            try:
                self._opened.close()
            finally:
                self._in_use.release()


def _sender(frame: zmq.Frame) -> str | None:
    """Return the name that `Gate` gave to the sender of *frame*; None if that came in without it."""
    try:
        name = frame.get("User-Id")
    except zmq.ZMQError:
        return None
    return name if isinstance(name, str) else None


def _set_options(subscribing: Socket, queue: int, queue_bytes: int) -> None:
    """Bound the messages that wait, the size of a message, and the time until a dead daemon is noticed.

    CONFLATE stays off: it keeps one frame of a message, not one message. IMMEDIATE stays off: with it, messages that
    are unread when a daemon disconnects are thrown away, its ``bye`` first of all.
    """
    subscribing.set(zmq.LINGER, 0)
    # These two bound the age of a message when a busy program reads it: with the defaults a thousand messages wait,
    # with twenty here and little in the kernel some fifty.
    subscribing.set(zmq.RCVHWM, queue)
    subscribing.set(zmq.RCVBUF, queue_bytes)
    subscribing.set(zmq.MAXMSGSIZE, max(MAX_HEADER_BYTES, MAX_PAYLOAD_BYTES))
    # The kernel probes the peer, so that a board that lost power is connected again after ten seconds.
    # ZeroMQ's own heartbeats must stay off. While a busy program leaves the queue full, libzmq 4.3 reads no answers to
    # them, takes the daemon for dead, and when the program goes on, aborts it: "Assertion failed: _input_stopped"
    # (libzmq issue 3937).
    subscribing.set(zmq.TCP_KEEPALIVE, 1)
    subscribing.set(zmq.TCP_KEEPALIVE_IDLE, 5)
    subscribing.set(zmq.TCP_KEEPALIVE_INTVL, 2)
    subscribing.set(zmq.TCP_KEEPALIVE_CNT, 3)
