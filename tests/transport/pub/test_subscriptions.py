"""The topic prefixes of a peer, as far as it may have them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.errors import PeerError
from edged.transport.pub.subscriptions import MAX_SUBSCRIPTIONS, Subscriptions, narrowed

texts = st.text("ab", max_size=4).map(str.encode)


@given(st.lists(texts, max_size=5), st.none() | st.lists(texts, max_size=4), texts)
def test_a_message_is_for_a_peer_that_wants_it_and_may_have_it(
    wanted: list[bytes], allowed: list[bytes] | None, topic: bytes
) -> None:
    subscriptions = Subscriptions()
    subscriptions.allow(None if allowed is None else tuple(allowed))
    for prefix in wanted:
        subscriptions.add(prefix)
    may = allowed is None or any(topic.startswith(each) for each in allowed)
    wants = any(topic.startswith(each) for each in wanted)
    assert topic.startswith(subscriptions.effective) == (may and wants)


def test_what_is_cancelled_counts_no_more_however_often_it_was_subscribed_to() -> None:
    subscriptions = Subscriptions()
    for prefix in (b"a/", b"a/", b"b/"):
        subscriptions.add(prefix)
    assert len(subscriptions) == 2
    subscriptions.remove(b"a/")
    subscriptions.remove(b"c/")
    assert subscriptions.effective == (b"b/",)


def test_another_list_counts_for_what_is_subscribed_to_already() -> None:
    subscriptions = Subscriptions()
    subscriptions.add(b"")
    subscriptions.allow((b"a/",))
    assert list(subscriptions.effective) == [b"a/"]
    subscriptions.allow(())
    assert not subscriptions.effective
    subscriptions.allow(None)
    assert set(subscriptions.effective) == {b""}


def test_a_subscription_too_many_ends_the_connection() -> None:
    subscriptions = Subscriptions()
    for number in range(MAX_SUBSCRIPTIONS):
        subscriptions.add(b"%d" % number)
    assert subscriptions.add(b"0") == (b"0",)
    with pytest.raises(PeerError, match="more than 1000") as raised:
        subscriptions.add(b"one more")
    assert raised.value.reason == "subscriptions"
    assert len(subscriptions) == MAX_SUBSCRIPTIONS


def test_a_prefix_is_narrowed_to_the_longer_of_the_two() -> None:
    allowed = (b"edged/1/event/", b"edged/1/status/", b"edged/2/", b"other/")
    assert narrowed(b"edged/1/", allowed) == allowed[:2]
    assert narrowed(b"edged/1/event/porch/", allowed) == (b"edged/1/event/porch/",)
    assert narrowed(b"edged/3/", allowed) == ()


def test_a_change_costs_little_however_long_the_lists_are() -> None:
    subscriptions = Subscriptions()
    allowed = tuple(b"edged/1/vec/porch/cam%03d/" % number for number in range(500))
    subscriptions.allow(allowed)
    for number in range(MAX_SUBSCRIPTIONS - 1):
        subscriptions.add(allowed[number % 500] + b"%d" % number)
    begin = time.thread_time()
    for _ in range(100):
        subscriptions.add(b"edged/")
        assert len(subscriptions.effective) == MAX_SUBSCRIPTIONS - 1 + 500
        subscriptions.remove(b"edged/")
        assert len(subscriptions.effective) == MAX_SUBSCRIPTIONS - 1
    assert time.thread_time() - begin < 2  # of which it needs a tenth
