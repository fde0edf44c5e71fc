"""The publishing end of ZMTP: whatever comes is subscriptions, or the end of the connection, and never much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.bindings import crypto_box_keypair

from edged.errors import PeerError
from edged.transport.zmtp import curve as curve_module
from edged.transport.zmtp.commands import from_properties, to_properties
from edged.transport.zmtp.curve import CurveClient, CurveServer
from edged.transport.zmtp.frames import COMMAND, MORE, FrameReader, command, frame, to_bytes
from edged.transport.zmtp.greeting import greeting
from edged.transport.zmtp.mechanism import Mechanism, Null
from edged.transport.zmtp.pub_end import MAX_HANDSHAKE_BYTES, MAX_TOPIC_BYTES, PubEnd
from tests.raw_subscriber import HELLO, READY, subscribe

KEYS = [crypto_box_keypair() for _ in range(3)]
SERVER, CLIENT, STRANGER = KEYS


def hears(*pieces: bytes, mechanism: Mechanism | None = None) -> list[tuple[bool, bytes]]:
    end = PubEnd(mechanism or Null())
    return [each for piece in pieces for each in end.feed(piece)]


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    places = sorted(place % (len(stream) + 1) for place in places)
    return [stream[start:end] for start, end in zip([0, *places], [*places, len(stream)], strict=True)]


topics = st.binary(max_size=MAX_TOPIC_BYTES)
wishes = st.lists(st.tuples(st.booleans(), topics), max_size=6)


@given(wishes, st.booleans(), st.lists(st.integers(0, 1 << 16), max_size=6))
def test_subscriptions_come_out_as_they_went_in_however_they_are_cut(
    wanted: list[tuple[bool, bytes]], as_commands: bool, places: list[int]
) -> None:
    stream = HELLO + b"".join(
        command(b"SUBSCRIBE" if begins else b"CANCEL", topic)
        if as_commands and len(topic) < 200
        else frame(bytes((begins,)) + topic)
        for begins, topic in wanted
    )
    assert hears(*cut(stream, places)) == wanted


def test_the_stream_may_be_cut_at_every_byte() -> None:
    stream = HELLO + subscribe(b"a/") + command(b"PING", b"\0\0abc") + command(b"CANCEL", b"a/")
    for place in range(len(stream)):
        assert hears(stream[:place], stream[place:]) == [(True, b"a/"), (False, b"a/")]
    assert hears(*(bytes((each,)) for each in stream)) == [(True, b"a/"), (False, b"a/")]


@given(st.binary(max_size=400), st.sampled_from([b"", greeting(b"NULL", minor=1), HELLO]))
def test_whatever_bytes_come_it_is_subscriptions_or_the_end(content: bytes, before: bytes) -> None:
    end, reason = PubEnd(Null()), ""
    try:
        for begins, topic in end.feed(before + content):
            assert isinstance(begins, bool)
            assert len(topic) <= MAX_TOPIC_BYTES
    except PeerError as error:
        reason = error.reason
    assert reason in ("protocol", "size", "message", "key", "")
    assert len(end._reader) <= max(MAX_HANDSHAKE_BYTES, len(before + content))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"GET / HTTP/1.1\r\n", "protocol"),
        (b"\xff" + bytes(8) + b"\x7f\x01", "protocol"),  # ZMTP 2
        (greeting(b"CURVE", minor=1), "protocol"),
        (greeting(b"NULL", minor=1) + subscribe(b"before READY"), "protocol"),
        (greeting(b"NULL", minor=1) + command(b"READY", from_properties({b"Socket-Type": b"PUB"})), "protocol"),
        (greeting(b"NULL", minor=1) + command(b"READY", b"\x0bSocket-Type\xff\xff\xff\xff"), "protocol"),
        (greeting(b"NULL", minor=1) + b"\x06" + (MAX_HANDSHAKE_BYTES + 1).to_bytes(8, "big"), "size"),
        (HELLO + READY, "protocol"),
        (HELLO + frame(b"a message"), "message"),
        (HELLO + frame(b""), "message"),
        (HELLO + frame(b"\1topic", MORE), "message"),
        (HELLO + b"\x02" + (1 << 20).to_bytes(8, "big"), "size"),
        (HELLO + b"\x02" + b"\xff" * 8, "size"),
        (HELLO + subscribe(bytes(MAX_TOPIC_BYTES + 1)), "size"),
        (HELLO + b"\x08\x00", "protocol"),
        (HELLO + b"\x04\x00", "protocol"),  # a command without a name
        (HELLO + command(b"ERROR", b"\x03400"), "key"),
        (HELLO + command(b"ERROR", b"\x03nay"), "protocol"),
    ],
)
def test_everything_else_ends_the_connection_for_its_reason(content: bytes, reason: str) -> None:
    with pytest.raises(PeerError) as raised:
        hears(content)
    assert raised.value.reason == reason


def test_a_size_is_checked_before_anything_of_the_frame_has_come() -> None:
    end = PubEnd(Null())
    assert list(end.feed(HELLO)) == []
    with pytest.raises(PeerError, match="at most"):
        list(end.feed(b"\x02" + (1 << 40).to_bytes(8, "big")))


def test_it_introduces_itself_and_answers_a_ping_with_its_context() -> None:
    end = PubEnd(Null())
    assert bytes(end.reply) == greeting(b"NULL", minor=1)
    list(end.feed(HELLO))
    assert end.is_ready
    assert command(b"READY", from_properties({b"Socket-Type": b"PUB"})) in end.reply
    end.reply.clear()
    list(end.feed(command(b"PING", b"\0\x0aabcd" + bytes(40))))
    assert bytes(end.reply) == command(b"PONG", b"abcd" + bytes(12))
    assert end.ttl_seconds == 1.0


@given(st.dictionaries(st.binary(min_size=1, max_size=20).map(bytes.lower), st.binary(max_size=300), max_size=5))
def test_properties_come_out_as_they_went_in(properties: dict[bytes, bytes]) -> None:
    assert to_properties(from_properties(properties)) == properties


@given(st.binary(max_size=200))
def test_damaged_properties_are_refused_and_nothing_else_happens(content: bytes) -> None:
    with suppress(PeerError):
        to_properties(content)


# -- CURVE ------------------------------------------------------------------------------------------------------------


class Talk:
    """A server and a client of CURVE, and what they say to each other."""

    def __init__(self, client: tuple[bytes, bytes] = CLIENT, server: bytes = SERVER[0]) -> None:
        self.asked: list[bytes] = []
        self.server = CurveServer(*SERVER, self._admit)
        self.client = CurveClient(*client, server)

    def _admit(self, key: bytes) -> bool:
        self.asked.append(key)
        return key == CLIENT[0]

    def commands(self) -> Iterator[bytes]:
        """What they say in turn, the client first, until both are ready; each is heard when the next one is taken."""
        said, at = self.client.begin(), 0
        ends: tuple[Mechanism, Mechanism] = self.server, self.client
        while said:
            yield said
            said = ends[at].answer(*_command(said))
            at = 1 - at


def _command(content: bytes) -> tuple[bytes, bytes]:
    reader = FrameReader(4096)
    reader.feed(content)
    taken = reader.next()
    assert taken is not None
    assert taken[0] & COMMAND
    return taken[1][1 : 1 + taken[1][0]], taken[1][1 + taken[1][0] :]


@pytest.fixture(autouse=True)
def both_subscribe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ends are ours here, and each wants the other one to be a subscriber."""
    subscriber = from_properties({b"Socket-Type": b"SUB"})
    monkeypatch.setattr(curve_module, "PUBLISHER", subscriber)
    monkeypatch.setattr(CurveClient, "properties", subscriber)


def shaken(talk: Talk) -> Talk:
    for _ in talk.commands():
        pass
    assert talk.server.is_ready
    assert talk.client.is_ready
    return talk


def carried(sender: Mechanism, receiver: Mechanism, frames: list[bytes]) -> list[bytes]:
    reader, came, flags = FrameReader(1 << 20), [], MORE
    reader.feed(sender.seal(frames))
    while (taken := reader.next()) is not None:
        assert flags & MORE
        flags, body = receiver.unseal(*taken)
        came.append(body)
    assert not flags & MORE
    return came


@settings(max_examples=20)
@given(st.lists(st.lists(st.binary(max_size=600), min_size=1, max_size=4), max_size=4))
def test_messages_come_through_curve_in_both_directions(messages: list[list[bytes]]) -> None:
    talk = shaken(Talk())
    assert talk.asked == [CLIENT[0]]
    for message in messages:
        assert carried(talk.server, talk.client, message) == message
        assert carried(talk.client, talk.server, message) == message


@pytest.mark.parametrize(("number", "read_by_nobody"), [(0, range(9, 82)), (1, ()), (2, ()), (3, ())])
def test_a_handshake_that_is_changed_at_any_byte_comes_to_nothing(number: int, read_by_nobody: Sequence[int]) -> None:
    """Only what HELLO is filled up with counts for nothing, and its minor version."""
    first = 2 if number != 2 else 9  # after the flags and the size: a frame of another size is waited for
    size = len(list(Talk().commands())[number])
    for place in set(range(first, size)) - set(read_by_nobody):
        talk = Talk()
        end = PubEnd(talk.client if number % 2 else talk.server)
        list(end.feed(greeting(b"CURVE", minor=1)))
        said = talk.commands()
        changed = bytearray(next(islice(said, number, None)))
        changed[place] ^= 0x10
        with pytest.raises(PeerError):
            list(end.feed(bytes(changed)))
        assert not end.is_ready


def test_a_client_that_is_not_authorized_is_answered_with_the_status_that_libzmq_knows() -> None:
    talk = Talk(client=STRANGER)
    with pytest.raises(PeerError, match="is not authorized") as raised:
        list(talk.commands())
    assert raised.value.reason == "key"
    assert raised.value.answer == command(b"ERROR", b"\x03400")
    with pytest.raises(PeerError) as refused:
        talk.client.answer(b"ERROR", b"\x03400")
    assert refused.value.reason == "key"


def test_a_public_key_is_of_no_use_without_its_secret() -> None:
    with pytest.raises(PeerError, match="cannot be decrypted"):
        list(Talk(client=(CLIENT[0], STRANGER[1])).commands())


def test_a_vouch_for_another_connection_does_not_count() -> None:
    """Else a hostile server could pass on what a client has sent to it."""
    talk = Talk()
    welcome = talk.server.answer(*_command(talk.client.begin()))
    talk.client._short_public = STRANGER[0]
    initiate = talk.client.answer(*_command(welcome))
    with pytest.raises(PeerError, match="vouches for other keys"):
        talk.server.answer(*_command(initiate))


def test_a_wrong_key_of_the_server_is_found_at_the_first_command() -> None:
    talk = Talk(server=STRANGER[0])
    with pytest.raises(PeerError, match="HELLO cannot be decrypted"):
        list(talk.commands())


def test_keys_that_are_none_end_the_connection_only() -> None:
    """Points of small order, for which libsodium refuses to work."""
    with pytest.raises(PeerError):
        Talk(server=bytes(32)).client.begin()
    hello = b"\1\0" + bytes(72) + bytes(32) + (1).to_bytes(8, "big") + bytes(80)
    with pytest.raises(PeerError, match="HELLO"):
        Talk().server.answer(b"HELLO", hello)


def test_nothing_counts_twice() -> None:
    talk = shaken(Talk())
    message = talk.client.seal([b"\1a/"])
    reader = FrameReader(4096)
    reader.feed(message + message)
    first, second = reader.next(), reader.next()
    assert first is not None
    assert second is not None
    assert talk.server.unseal(*first) == (0, b"\1a/")
    with pytest.raises(PeerError, match="number"):
        talk.server.unseal(*second)


def test_nothing_is_taken_in_clear_after_the_handshake() -> None:
    talk = shaken(Talk())
    for body in (b"\1a/", b"\x09SUBSCRIBEa/", b"\x07MESSAGE" + bytes(30)):
        with pytest.raises(PeerError):
            talk.server.unseal(0, body)


def test_initiate_of_another_connection_does_not_count() -> None:
    """The cookie holds the keys of its own connection only."""
    one, other = Talk(), Talk()
    commands = one.commands()
    hello, _, initiate = next(commands), next(commands), next(commands)
    other.server.answer(*_command(hello))
    with pytest.raises(PeerError, match="INITIATE cannot be decrypted"):
        other.server.answer(*_command(initiate))


@given(st.binary(max_size=600), st.integers(0, 2))
def test_whatever_comes_to_curve_is_refused(content: bytes, steps: int) -> None:
    talk = Talk()
    end = PubEnd(talk.server)
    said = talk.commands()
    if steps == 2:
        shaken(talk)
    list(end.feed(greeting(b"CURVE", minor=1)))
    if steps == 1:
        list(end.feed(next(said)))
    with suppress(PeerError):
        assert list(end.feed(content)) == []


def test_a_message_is_the_same_bytes_for_every_connection_in_clear() -> None:
    assert PubEnd(Null()).encode([b"a", b"b"]) == to_bytes([b"a", b"b"])
