"""A publisher that is attacked: two ports of edged, one in clear and one with keys, and a good subscriber of each."""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable

import zmq

from edged.bell import Bell
from edged.transport.curve import Curve, secure
from edged.transport.keys import Client, new_pair
from edged.transport.poller import Poller
from edged.transport.pub.peers import REASONS, Peers
from edged.transport.pub.port import Port
from edged.transport.refusals import Refusals
from scripts.fuzzing.campaign import SLACK, Finding, check_text
from scripts.fuzzing.conversations import TOPIC

__all__ = ["MOST_CONNECTIONS", "AttackedPublisher"]

MOST_CONNECTIONS = 64
PERIOD = 0.002
LONGEST_TURN = 0.25  # seconds of the processor in which no other peer is served
LONGEST_SILENCE = 1.0
PAYLOAD = bytes(5000)


class CheckedRefusals(Refusals):
    """Refusals whose texts are all looked at, also those that are not logged."""

    def note(self, reason: str, kind: str, line: str) -> None:
        check_text(line)
        super().note(reason, kind, line)


class AttackedPublisher:
    """Serves the ports in a thread, and publishes a numbered message every `PERIOD`.

    Attributes:
        addresses: of the port in clear, and of the one with keys.
        client, server: the keys of both ends; the client's are authorized.
    """

    def __init__(self) -> None:
        self.client, self.server = new_pair(), new_pair()
        self._poller = Poller()
        self._peers = Peers(self._poller)
        self._peers.refusals = CheckedRefusals(REASONS)
        self._peers.queue, self._peers.max_connections = 5000, MOST_CONNECTIONS
        self._peers.authorized = {self.client.public: Client("fuzz")}
        self._ports = [
            Port("bind", "tcp://127.0.0.1:*", peers=self._peers, poller=self._poller, curve=curve, queue_bytes=1 << 20)
            for curve in (None, Curve(self.server))
        ]
        self.addresses = [port.address for port in self._ports]
        self._sent = 0
        self._longest_turn = 0.0
        self._error: BaseException | None = None
        self._bell = Bell()
        self._thread = threading.Thread(target=self._run, name="publisher")
        self._thread.start()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._good = [
            GoodSubscriber(self._context, port.address, Curve(self.client, self.server.public) if port.curve else None)
            for port in self._ports
        ]

    def check(self) -> None:
        """Check what has happened since the last call, and wait until both good subscribers get a new message.

        Raises:
            Finding: a message was lost or late, a turn took too long, or the thread has ended.
        """
        sent = self._sent + 1  # that is sent after a whole turn
        for subscriber in self._good:
            subscriber.follow(sent, self._check_thread)
        if self._longest_turn > LONGEST_TURN:
            took, self._longest_turn = self._longest_turn, 0.0
            raise Finding(f"a turn takes the processor {took:.2f} s")

    def check_left(self) -> None:
        """Check that nothing is left of peers that have hung up; wait for that.

        Raises:
            Finding: something is.
        """
        deadline = time.monotonic() + SLACK
        wanted = len(self._good)
        while (len(self._peers), self._peers.subscribed) != (wanted, wanted):
            if time.monotonic() > deadline:
                raise Finding(f"{len(self._peers)} peers and {self._peers.subscribed} subscriptions are left")
            self.check()

    def close(self) -> None:
        """End the thread, and close everything."""
        for subscriber in self._good:
            subscriber.close()
        self._context.term()
        self._bell.ring()
        self._thread.join()
        self._bell.close()
        for port in self._ports:
            port.close()
        self._peers.close()
        self._poller.close()

    def _check_thread(self) -> None:
        if self._error is not None:
            raise Finding(f"{type(self._error).__name__}: {self._error}") from self._error

    def _run(self) -> None:
        try:
            self._serve()
        except Exception as exc:  # noqa: BLE001 - any is a finding, and its case is known in the main thread
            self._error = exc

    def _serve(self) -> None:
        poll, due = select.poll(), time.monotonic()
        poll.register(self._bell, select.POLLIN)
        poll.register(self._poller, select.POLLIN)
        while self._bell.fileno() not in dict(poll.poll(max(0.0, due - time.monotonic()) * 1000)):
            begin = time.thread_time()
            self._poller.serve()
            self._peers.sweep()
            self._peers.newcomers()
            for port in self._ports:
                port.attend()
            if time.monotonic() >= due:
                due = time.monotonic() + PERIOD
                self._sent += 1
                self._peers.send([TOPIC, b"%d %f" % (self._sent, time.monotonic()), PAYLOAD])
            self._longest_turn = max(self._longest_turn, time.thread_time() - begin)


class GoodSubscriber:
    """A SUB socket of libzmq that takes everything."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], address: str, curve: Curve | None) -> None:
        self._socket = context.socket(zmq.SUB)
        self._socket.set(zmq.RCVHWM, 0)
        self._socket.set(zmq.LINGER, 0)
        secure(self._socket, curve)
        self._socket.subscribe(TOPIC)
        self._socket.connect(address)
        self._number, self._time = 0, 0.0

    def follow(self, number: int, look: Callable[[], None]) -> None:
        """Take messages until one after *number* comes; *look* is called meanwhile, and may raise.

        Raises:
            Finding: one is missing, or there was a silence.
        """
        deadline = time.monotonic() + LONGEST_SILENCE + SLACK
        while self._number <= number:
            look()
            if self._socket.poll(20):
                self._take(*self._socket.recv_multipart())
            elif time.monotonic() > deadline:
                raise Finding(f"a good subscriber gets nothing for {LONGEST_SILENCE + SLACK:g} s")

    def _take(self, _: bytes, stamp: bytes, __: bytes) -> None:
        number, sent = (float(field) for field in stamp.split())
        before, self._number = self._number, int(number)
        silence, self._time = sent - (self._time or sent), sent
        if before and self._number != before + 1:
            raise Finding(f"a good subscriber gets message {self._number} after {before}")
        if silence > LONGEST_SILENCE + SLACK:
            raise Finding(f"nothing is published for {silence:.1f} s")

    def close(self) -> None:
        self._socket.close()
