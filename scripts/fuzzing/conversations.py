"""What good subscribers send to a publish port: recorded from libzmq, and a few more that follow the protocol.

A conversation is a list of pieces. In clear they are what goes over the network: the greeting, READY, and each frame.
With keys they are what is sealed first: the greeting, nothing for HELLO, the properties in INITIATE, and each message
as one byte of flags and its content.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator

import zmq
from zmq.utils import z85

from edged.transport.curve import Curve, secure
from edged.transport.keys import KeyPair
from edged.transport.zmtp.commands import from_properties, split
from edged.transport.zmtp.curve import CurveServer
from edged.transport.zmtp.frames import COMMAND, MORE, FrameReader, command, frame
from edged.transport.zmtp.greeting import GREETING_BYTES, greeting
from edged.transport.zmtp.mechanism import Null

__all__ = ["SUBSCRIBER", "TOPIC", "WORDS", "Conversation", "good_conversations"]

Conversation = list[bytes]

TOPIC = b"fuzz/all"
SUBSCRIBER = from_properties({b"Socket-Type": b"SUB", b"Identity": b""})
RECORDED_TOPICS = (b"", b"fuzz/", b"fuzz/all", b"other/" + b"x" * 200)
SECONDS = 20.0

WORDS = (
    *(
        b"\x00",
        b"\x01",
        b"\x02",
        b"\x03",
        b"\x04",
        b"\x05",
        b"\x06",
        b"\x07",
        b"\x7f",
        b"\xff",
        b"\x03\x00",
        b"\x03\x01",
    ),
    *(b"\x02" + b"\xff" * 8, b"\x02" + bytes(7) + b"\x01", b"\x06" + bytes(6) + b"\x08\x00", b"\x02" + bytes(8)),
    *(
        b"\x01\x00",
        b"\x04\x01\x00",
        b"\x04\x00",
        b"\x04\xff\xff",
        b"\x00\x00",
        b"\x00\xff",
        b"NULL",
        b"CURVE",
        b"PLAIN",
    ),
    *(b"READY", b"ERROR", b"\x05ERROR\x03400", b"HELLO", b"WELCOME", b"INITIATE", b"MESSAGE", b"\x07MESSAGE"),
    *(
        b"SUBSCRIBE",
        b"\x09SUBSCRIBE",
        b"\x06CANCEL",
        b"\x04PING\xff\xff",
        b"\x04PING\x00\x00",
        b"\x04PONG",
        b"\x05JOIN",
    ),
    *(b"Socket-Type", b"\x0bSocket-Type\x00\x00\x00\x03SUB", b"\x00\x00\x00\x04XSUB", b"\x00\x00\x00\x03PUB"),
    *(b"\xff\xff\xff\xff", b"\x80\x00\x00\x00", b"x" * 511, b"x" * 512, b"x" * 513, b"x" * 3000),
)


def good_conversations(client: KeyPair, server: KeyPair, *, secured: bool) -> list[Conversation]:
    """Return conversations of good subscribers. With keys, *client* talks to *server*."""
    many = [b"\1fuzz/%d" % number for number in range(80)]
    commands = [_command(b"SUBSCRIBE", TOPIC), _command(b"PING", b"\0\x0aabc"), _command(b"CANCEL", TOPIC)]
    commands += [_command(b"SUBSCRIBE", b"fuzz/"), _command(b"PONG", b"abc")]
    after = [[b"\0\1" + TOPIC], [b"\0" + topic for topic in many] + [b"\0\1fuzz/"], commands]
    if secured:
        start = [greeting(b"CURVE", minor=1), b"", SUBSCRIBER]
    else:
        start = [greeting(b"NULL", minor=1), command(b"READY", SUBSCRIBER)]
        after = [[_in_clear(piece) for piece in pieces] for pieces in after]
    curve = Curve(client, server.public) if secured else None
    recorded = [_recorded(minor, curve, server) for minor in (0, 1)]
    return [*recorded, *([*start, *pieces] for pieces in after)]


def _command(name: bytes, content: bytes) -> bytes:
    return bytes((2, len(name))) + name + content


def _in_clear(piece: bytes) -> bytes:
    return frame(piece[1:], (COMMAND if piece[0] & 2 else 0) | piece[0] & MORE)


def _recorded(minor: int, curve: Curve | None, server: KeyPair) -> Conversation:
    """Record a SUB socket of libzmq that talks to a publisher of ZMTP 3.*minor*."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        zmq.Context() as context,
        context.socket(zmq.SUB) as subscriber,
    ):
        subscriber.set(zmq.LINGER, 0)
        secure(subscriber, curve)
        for topic in RECORDED_TOPICS:
            subscriber.subscribe(topic)
        subscriber.connect(f"tcp://127.0.0.1:{listening.getsockname()[1]}")
        listening.settimeout(SECONDS)
        connection, _ = listening.accept()
        with connection:
            connection.settimeout(SECONDS)
            pieces = _pieces(connection, minor, server if curve else None)
            conversation = [next(pieces) for _ in range((3 if curve else 2) + len(RECORDED_TOPICS))]
            subscriber.unsubscribe(RECORDED_TOPICS[1])
            return [*conversation, next(pieces)]


def _pieces(connection: socket.socket, minor: int, server: KeyPair | None) -> Iterator[bytes]:
    """Play the publisher at *connection*, and yield the pieces that come."""
    reader = FrameReader(4096)
    mechanism = CurveServer(z85.decode(server.public), z85.decode(server.secret), lambda _: True) if server else Null()
    connection.sendall(greeting(mechanism.name, minor=minor, as_server=server is not None) + mechanism.begin())
    while (came := reader.take(GREETING_BYTES)) is None:
        reader.feed(connection.recv(4096))
    yield came
    while True:
        while (next_frame := reader.next()) is None:
            reader.feed(connection.recv(4096))
        flags, body = next_frame
        if not mechanism.is_ready:
            name, content = split(body)
            connection.sendall(mechanism.answer(name, content))
            # What is in INITIATE is as large as what we put there, so the script's own properties stand for it.
            yield {b"HELLO": b"", b"INITIATE": SUBSCRIBER}.get(name, frame(body, flags))
        elif server is None:
            yield frame(body, flags)
        else:
            flags, plain = mechanism.unseal(flags, body)
            yield bytes(((1 if flags & MORE else 0) | (2 if flags & COMMAND else 0),)) + plain
