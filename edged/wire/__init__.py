"""The wire format, version 1: what a daemon and its subscribers agree on. ``docs/wire.md`` is its manual.

``encode`` and ``decode`` stand between typed messages and three ZeroMQ frames; ``topic`` and ``subscription``
between names and what is subscribed to.
"""

from __future__ import annotations

from edged.wire.codec import MAX_HEADER_BYTES, MAX_PAYLOAD_BYTES, Frame, Frames, decode, encode
from edged.wire.endpoints import (
    BIND,
    DEFAULT_SOCKET_NAME,
    DEFAULT_TCP_ADDRESS,
    check_address,
    default_address,
    is_local,
)
from edged.wire.messages import Drops, Event, Latency, Match, Message, Status, Vec, Vector
from edged.wire.topics import KINDS, VERSION, Kind, Topic, parse_topic, subscription, topic

__all__ = [
    "BIND",
    "DEFAULT_SOCKET_NAME",
    "DEFAULT_TCP_ADDRESS",
    "KINDS",
    "MAX_HEADER_BYTES",
    "MAX_PAYLOAD_BYTES",
    "VERSION",
    "Drops",
    "Event",
    "Frame",
    "Frames",
    "Kind",
    "Latency",
    "Match",
    "Message",
    "Status",
    "Topic",
    "Vec",
    "Vector",
    "check_address",
    "decode",
    "default_address",
    "encode",
    "is_local",
    "parse_topic",
    "subscription",
    "topic",
]
