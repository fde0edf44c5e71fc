"""Attack a publish port with damaged conversations: a good subscriber beside them must lose nothing.

The conversations are those of good subscribers, recorded from libzmq: handshakes in clear and with keys, subscriptions,
commands. Pieces of them are flipped, cut out, doubled, repeated, swapped, mixed, and replaced by words that mean
something, before they are encrypted and after it; they are sent over one connection or forty, cut where chance wants
it, and the connections are closed, reset, or left open. Case number n of a seed is always the same.

A finding is an exception in the publisher, a message that a good subscriber does not get, a silence, a turn that takes
too much of the processor, a text that is long or not printable, a peer or a subscription that is left when its
connection is closed, memory that grows, or a descriptor that is left. Its case is kept in a file of --save, for
tests/cases/zmtp. The exit status is 1 if there is one, or if no case subscribes.
"""

from __future__ import annotations

import json
import random
import select
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from zmq.utils import z85

from edged.errors import PeerError
from edged.transport.zmtp.commands import split
from edged.transport.zmtp.curve import CurveClient
from edged.transport.zmtp.frames import COMMAND, FrameReader
from edged.transport.zmtp.greeting import GREETING_BYTES
from scripts.fuzzing import campaign
from scripts.fuzzing.campaign import Finding
from scripts.fuzzing.conversations import WORDS, Conversation, good_conversations
from scripts.fuzzing.publisher import MOST_CONNECTIONS, AttackedPublisher
from scripts.fuzzing.splices import Splice, random_splice, spliced

__all__ = ["Case", "PublishPort", "Talk", "from_bytes"]

ANSWER_SECONDS = 0.3  # that a client waits for the other end in a handshake
HEAR_SECONDS, TURNS = 0.04, 4  # and for a message, with the others in between
AT_ONCE = 50  # pieces after the handshake
MOST_LEFT_OPEN = MOST_CONNECTIONS + 20
CUTS = (1, 60, 1400, 1 << 20)
MOST_SENDS = 100  # of a piece: a longer one does not go byte by byte


@dataclass(frozen=True, slots=True)
class Talk:
    """One connection: the pieces that the client sends, and one that is damaged as it goes out, or sent twice."""

    secured: bool
    pieces: list[bytes]
    damaged: int
    damage: Splice
    again: int
    ending: str


@dataclass(frozen=True, slots=True)
class Case:
    """The connections, and the seed of the places where what they send is cut."""

    talks: list[Talk]
    cuts: int


class Sealing(CurveClient):
    """A client that seals anything."""

    def sealed(self, piece: bytes) -> bytes:
        """Return *piece*, one byte of flags and a content, as a message."""
        return self._sealed(piece[:1], piece[1:])


class Attacker:
    """A client that sends the pieces of a talk, one at each step."""

    def __init__(self, talk: Talk, publisher: AttackedPublisher, chance: random.Random) -> None:
        self.outcome = "open"
        self._talk, self._chance = talk, chance
        host, _, port = publisher.addresses[talk.secured].removeprefix("tcp://").rpartition(":")
        self._connection = socket.create_connection((host, int(port)))
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        keys = (publisher.client.public, publisher.client.secret, publisher.server.public)
        self._client = Sealing(*(z85.decode(key) for key in keys)) if talk.secured else None
        self._reader = FrameReader(1 << 20)
        self._has_greeting = False

    def steps(self) -> Iterator[None]:
        """Send everything, and wait a moment for a message."""
        try:
            for together in self._groups():
                self._send(b"".join(self._on_the_wire(number) for number in together))
                yield
            for _ in range(TURNS):
                if self._await_frame(b"", HEAR_SECONDS / TURNS) is not None:
                    self.outcome = "keys" if self._client else "clear"
                    return
                yield
        except (PeerError, TimeoutError):
            pass
        except OSError:
            self.outcome = "cut"

    def end(self) -> None:
        """Hang up, in the way of the talk."""
        with suppress(OSError):
            if self._talk.ending == "reset":
                self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()

    def _groups(self) -> Iterator[range]:
        """Return the pieces that are sent together: those of the handshake one by one, and then some at once."""
        count = len(self._talk.pieces)
        yield from (range(number, number + 1) for number in range(min(3, count)))
        yield from (range(number, min(number + AT_ONCE, count)) for number in range(3, count, AT_ONCE))

    def _on_the_wire(self, number: int) -> bytes:
        content = self._sealed(number, self._talk.pieces[number])
        if number == self._talk.damaged:
            content = spliced(content, self._talk.damage)
        return content * 2 if number == self._talk.again else content

    def _sealed(self, number: int, piece: bytes) -> bytes:
        client = self._client
        if client is None or number == 0:
            return piece
        if number == 1:
            return client.begin()
        if number == 2:
            client.properties = piece
            welcome = self._await_frame(b"WELCOME", ANSWER_SECONDS)
            if welcome is None:
                raise PeerError("handshake", "there is no answer")
            return client.answer(*split(welcome))
        return client.sealed(piece)

    def _send(self, content: bytes) -> None:
        left, most = memoryview(content), self._chance.choice(CUTS)
        most = max(most, len(content) // MOST_SENDS)
        self._connection.settimeout(ANSWER_SECONDS)
        while left:
            left = left[self._connection.send(left[:most]) :]

    def _await_frame(self, name: bytes, seconds: float) -> bytes | None:
        """Return the command *name*, or without a name the first message; None if it does not come."""
        deadline = time.monotonic() + seconds
        while True:
            if not self._has_greeting:
                self._has_greeting = self._reader.take(GREETING_BYTES) is not None
            while self._has_greeting and (next_frame := self._reader.next()) is not None:
                flags, body = next_frame
                of_command = split(body)[0] if flags & COMMAND or self._client else b""
                if of_command == name or (not name and of_command == b"MESSAGE"):
                    return body
            if (left := deadline - time.monotonic()) <= 0 or not self._poll(left):
                return None
            content = self._connection.recv(1 << 16)
            if not content:
                raise ConnectionResetError
            self._reader.feed(content)

    def _poll(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._connection, select.POLLIN)
        return bool(poll.poll(seconds * 1000))


class PublishPort:
    """A publish port and its attackers."""

    suffix = ".json"
    wanted: tuple[str, ...] = ("clear", "keys", "cut")

    def __init__(self) -> None:
        self._publisher = AttackedPublisher()
        keys = self._publisher.client, self._publisher.server
        self._good = [good_conversations(*keys, secured=secured) for secured in (False, True)]
        self._others = [piece for each in self._good for conversation in each for piece in conversation]
        self._left_open: deque[Attacker] = deque()

    def make(self, chance: random.Random) -> Case:
        talks = [self._talk(chance) for _ in range(chance.choice((1, 1, 1, 1, 2, 4, 40)))]
        return Case(talks, chance.randrange(1 << 32))

    def run(self, case: Case) -> str:
        chance = random.Random(case.cuts)  # noqa: S311 - no secret
        try:
            outcomes = self._attack(case.talks, chance)
            self._publisher.check()
        except Finding:
            self._start_anew()
            raise
        return next(each for each in ("keys", "clear", "cut", "open") if each in outcomes)

    def to_bytes(self, case: Case) -> bytes:
        return json.dumps(asdict(case), default=bytes.hex).encode()

    def settle(self) -> None:
        while self._left_open:
            self._left_open.popleft().end()
        self._publisher.check_left()

    def close(self) -> None:
        """Close everything."""
        while self._left_open:
            self._left_open.popleft().end()
        self._publisher.close()

    def _attack(self, talks: Sequence[Talk], chance: random.Random) -> set[str]:
        attackers = [Attacker(talk, self._publisher, chance) for talk in talks]
        try:
            going = [attacker.steps() for attacker in attackers]
            while going:  # in turns, so that many handshakes are under way at once
                going = [steps for steps in going if next(steps, self) is not self]
        finally:
            for attacker, talk in zip(attackers, talks, strict=True):
                self._left_open.append(attacker) if talk.ending == "stay" else attacker.end()
            while len(self._left_open) > MOST_LEFT_OPEN:
                self._left_open.popleft().end()
        return {attacker.outcome for attacker in attackers}

    def _start_anew(self) -> None:
        self.close()
        self._publisher = AttackedPublisher()

    def _talk(self, chance: random.Random) -> Talk:
        secured = chance.random() < 0.5
        pieces = list(chance.choice(self._good[secured]))
        for _ in range(chance.choice((0, 1, 1, 2, 4))):
            self._damage(pieces, 3 if secured else 1, chance)
        damage = Splice(0, 0, b"")
        if chance.random() < 0.3:
            damage = random_splice(bytes(chance.choice((10, 64, 200))), chance, WORDS, self._others)
        again = chance.randrange(len(pieces)) if chance.random() < 0.1 else -1
        ending = chance.choice(("close", "reset", "stay"))
        return Talk(secured, pieces, chance.randrange(len(pieces)), damage, again, ending)

    def _damage(self, pieces: Conversation, first: int, chance: random.Random) -> None:
        """Damage *pieces*; those before the *first* stay in their order."""
        at = chance.randrange(len(pieces))
        if at < first or chance.random() < 0.6:
            pieces[at] = spliced(pieces[at], random_splice(pieces[at], chance, WORDS, self._others))
            return
        match chance.randrange(3):
            case 0:
                pieces[at:at] = [pieces[at]] * chance.choice((1, 1, 10, 10, 100, 2500))
            case 1:
                del pieces[at]
            case _:
                pieces[at] = chance.choice(self._others)


def from_bytes(content: bytes) -> Case:
    """Return the case of a file."""
    fields: dict[str, Any] = json.loads(content)
    talks = []
    for each in fields["talks"]:
        damage = Splice(**each["damage"] | {"content": bytes.fromhex(each["damage"]["content"])})
        pieces = [bytes.fromhex(piece) for piece in each["pieces"]]
        talks.append(Talk(**each | {"damage": damage, "pieces": pieces}))
    return Case(talks, fields["cuts"])


def main() -> int:
    """Attack until the time is up."""
    port = PublishPort()
    try:
        return campaign.run("scripts/fuzz-zmtp", __doc__, port)
    finally:
        port.close()


if __name__ == "__main__":
    sys.exit(main())
