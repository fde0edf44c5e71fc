"""Messages out of frames: those that are selected are decoded and counted, all others skipped."""

from __future__ import annotations

from typing import Any

from edged.client.message_filter import MessageFilter
from edged.client.senders import Senders
from edged.errors import WireError
from edged.wire import Message, encode
from tests.publishing import status, vec


def frames(message: Message) -> list[bytes]:
    return list(map(bytes, encode(message)))


def filtered(*, sender: str | None = None, **parts: str) -> Any:
    """Return a filter for *parts* that knows no nodes, and a call that decodes a message of *sender* with it."""
    messages = MessageFilter(parts, Senders({}))
    return messages, lambda message: messages.decode(frames(message), sender)


def test_a_message_comes_with_its_frames() -> None:
    came = frames(vec(7))
    delivery = MessageFilter({"node": None, "camera": None, "region": None}, Senders({})).decode(came, None)
    assert delivery is not None
    assert delivery.message.seq == 7
    assert delivery.frames == tuple(came)


def test_every_part_that_is_given_must_be_that_of_the_message() -> None:
    messages, decode = filtered(node="porch", camera="street", region="path")
    others = (vec(8, node="yard"), vec(8, camera="street2"), vec(8, region="door"))
    assert [decode(message) for message in others] == [None] * 3
    assert decode(vec(0)) is not None
    assert decode(status()) is not None, "a status is about every region of its camera"
    assert messages.malformed == 0


def test_malformed_messages_are_counted_and_the_last_error_is_kept() -> None:
    messages, decode = filtered()
    topic, header, payload = frames(vec())
    assert messages.decode([topic], None) is None
    assert messages.decode([topic, header.replace(b'"v":1', b'"v":2'), payload], None) is None
    assert decode(vec()) is not None
    assert messages.malformed == 2
    assert isinstance(messages.last_malformed, WireError)
    assert "version 1" in str(messages.last_malformed)


def test_a_key_speaks_for_its_own_node_only() -> None:
    messages, decode = filtered(sender="porch-client")
    assert decode(vec(0, node="porch")) is not None
    assert decode(vec(5, node="yard")) is None
    assert messages.continuity.gaps.total() == 0


def test_only_messages_that_are_delivered_are_counted_as_a_stream() -> None:
    messages, decode = filtered(region="path")
    for message in (vec(0), vec(3), vec(0, region="door"), vec(9, region="door")):
        decode(message)
    assert messages.continuity.gaps == {vec().topic: 2}
