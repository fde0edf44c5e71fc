"""Topics, and their prefixes that a subscriber subscribes to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.errors import WireError
from edged.values import NAME_PATTERN
from edged.wire import KINDS, VERSION, Topic, parse_topic, subscription, topic

NAMES = st.from_regex(NAME_PATTERN, fullmatch=True)


def test_a_topic_names_kind_node_camera_and_region() -> None:
    assert topic("vec", "porch", "street", "path") == b"edged/1/vec/porch/street/path/"
    assert topic("event", "porch", "street", "path") == b"edged/1/event/porch/street/path/"
    assert topic("state", "porch", "street", "path") == b"edged/1/state/porch/street/path/"
    assert topic("status", "porch", "street") == b"edged/1/status/porch/street/"


@given(kind=st.sampled_from(KINDS), node=NAMES, camera=NAMES, region=NAMES)
def test_a_topic_made_of_the_parts_of_a_topic_is_equal(kind: Any, node: str, camera: str, region: str) -> None:
    parts = Topic(kind, node, camera, None if kind == "status" else region)
    assert parse_topic(topic(*parts)) == parts
    assert parse_topic(memoryview(topic(*parts))) == parts


def test_the_longest_valid_topic_is_understood() -> None:
    longest = topic("status", "n" * 64, "c" * 64)
    assert parse_topic(longest).camera == "c" * 64
    longest = topic("event", "n" * 64, "c" * 64, "r" * 64)
    assert parse_topic(longest).region == "r" * 64


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        (("frame", "porch", "street", "path"), "kind must be one of vec, event, state, status"),
        (("vec", "porch", "street"), "vec, event and state have a region"),
        (("state", "porch", "street"), "vec, event and state have a region"),
        (("status", "porch", "street", "path"), "status has none"),
        (("vec", "Porch", "street", "path"), "node: must start with a letter"),
        (("vec", "porch", "cam/1", "path"), "camera: must start with a letter"),
        (("vec", "porch", "street", ""), "region: must start with a letter"),
        (("vec", "porch", "street", "p" * 65), "region: must start with a letter"),
        (("vec", "porch", "street", "path\n"), "region: must start with a letter"),
    ],
)
def test_a_topic_of_invalid_parts_is_refused(parts: Any, why: str) -> None:
    with pytest.raises(WireError, match=why):
        topic(*parts)


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (b"", "must read edged/1/"),
        (b"edged", "must read edged/1/"),
        (b"edged/1/vec/porch/street/path", "must read edged/1/"),  # no slash at the end
        (b"edged/1/vec/porch/street/", "must read edged/1/"),
        (b"edged/1/status/porch/street/path/", "must read edged/1/"),
        (b"edged/1/state/porch/street/", "must read edged/1/"),
        (b"edged/1/frame/porch/street/path/", "must read edged/1/"),
        (b"other/1/vec/porch/street/path/", "must read edged/1/"),
        (b"edged/2/vec/porch/street/path/", "understands version 1"),
        (b"edged/1/vec/porch//path/", "camera: must start"),
        (b"edged/1/vec/porch/street/p\xc3\xa4th/", "region: must start"),
        (b"edged/1/vec/porch/street/\xff/", "region: must start"),
        (b"edged/1/vec/" + 300 * b"a", "not be longer"),
    ],
)
def test_bytes_that_are_not_a_topic_are_refused(frame: bytes, why: str) -> None:
    with pytest.raises(WireError, match=why):
        parse_topic(frame)


@given(st.binary(max_size=300) | st.binary(max_size=80).map(lambda tail: b"edged/1/vec/" + tail))
def test_random_bytes_are_a_topic_or_a_wire_error(frame: bytes) -> None:
    try:
        parts = parse_topic(frame)
    except WireError:
        return
    assert topic(*parts) == frame


def test_a_subscription_is_a_prefix_of_its_topics_and_of_no_others() -> None:
    prefix = subscription("vec", "porch", "cam1")
    assert prefix == b"edged/1/vec/porch/cam1/"
    assert topic("vec", "porch", "cam1", "path").startswith(prefix)
    assert not topic("vec", "porch", "cam10", "path").startswith(prefix)
    assert not topic("event", "porch", "cam1", "path").startswith(prefix)


def test_a_subscription_ends_at_the_first_part_that_is_left_open() -> None:
    assert subscription("vec") == f"edged/{VERSION}/vec/".encode()
    assert subscription("vec", None, "street", "path") == subscription("vec")
    assert subscription("vec", "porch", None, "path") == subscription("vec", "porch")
    assert subscription("vec", "porch", "street", "path") == topic("vec", "porch", "street", "path")


def test_a_subscription_to_status_ignores_the_region() -> None:
    assert subscription("status", "porch", "street", "path") == topic("status", "porch", "street")
