"""The newest message of each topic and set: order, replacements, and the room for those that wait."""

from __future__ import annotations

import pytest

from edged.client.delivery import Delivery
from edged.client.newest import NewestDeliveries
from edged.wire import State, Vec, encode
from tests.publishing import state, vec


def delivery(region: str, seq: int = 0) -> Delivery:
    message = vec(seq, region=region)
    topic, header, payload = map(bytes, encode(message))
    return Delivery(message, (topic, header, payload))


def taken(newest: NewestDeliveries) -> list[tuple[str, int]]:
    """Take all, and return region and number of each."""
    found = []
    while (one := newest.take()) is not None:
        assert isinstance(one.message, Vec)
        found.append((one.message.region, one.message.seq))
    return found


def test_nothing_is_taken_where_nothing_waits() -> None:
    assert NewestDeliveries().take() is None


def test_a_newer_delivery_takes_the_place_of_the_one_before_it() -> None:
    newest = NewestDeliveries()
    for region, seq in (("a", 0), ("b", 0), ("a", 1), ("c", 0), ("a", 2)):
        newest.put(delivery(region, seq))
    assert newest.superseded == 2
    assert taken(newest) == [("a", 2), ("b", 0), ("c", 0)]


def test_each_set_of_a_topic_keeps_its_newest_state() -> None:
    newest = NewestDeliveries()
    for seq, (name, decided) in enumerate((("bay", "empty"), ("door", "open"), ("bay", "truck"))):
        message = state(seq=seq, set=name, state=decided)
        topic, header, payload = map(bytes, encode(message))
        newest.put(Delivery(message, (topic, header, payload)))
    assert newest.superseded == 1
    waiting = [one.message for one in iter(newest.take, None)]
    assert [(each.set, each.state) for each in waiting if isinstance(each, State)] == [
        ("bay", "truck"),
        ("door", "open"),
    ]


def test_a_topic_that_was_taken_waits_behind_the_others() -> None:
    newest = NewestDeliveries()
    newest.put(delivery("a"))
    newest.put(delivery("b"))
    newest.take()
    newest.put(delivery("a", 1))
    assert taken(newest) == [("b", 0), ("a", 1)]
    assert newest.superseded == 0


def test_the_size_is_that_of_the_frames_that_wait() -> None:
    newest = NewestDeliveries()
    old, new, other = delivery("a", 9), delivery("a", 10), delivery("b")
    assert old.size != new.size
    for one, size in ((old, old.size), (new, new.size), (other, new.size + other.size)):
        newest.put(one)
        assert newest.size == size
    newest.take()
    assert newest.size == other.size == sum(map(len, other.frames))
    newest.take()
    assert (newest.size, len(newest)) == (0, 0)


def test_it_is_full_at_its_number_of_topics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edged.client.newest.MAX_SUBJECTS", 2)
    newest = NewestDeliveries()
    newest.put(delivery("a"))
    newest.put(delivery("a", 1))
    assert not newest.is_full
    newest.put(delivery("b"))
    assert newest.is_full


def test_it_is_full_at_its_number_of_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = delivery("a"), delivery("b")
    monkeypatch.setattr("edged.client.newest.MAX_BYTES", first.size + second.size)
    newest = NewestDeliveries()
    newest.put(first)
    assert not newest.is_full
    newest.put(second)
    assert newest.is_full
