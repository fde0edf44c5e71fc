"""Wire format, version 1, of the messages from a daemon to its subscribers. ``docs/wire.md`` is its manual.

``encode`` and ``decode`` convert between typed messages and three frames; ``topic`` and ``subscription`` make topics
and prefixes of topics from names.
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
from edged.wire.messages import (
    Drops,
    Event,
    FrameFormat,
    Latency,
    Match,
    Message,
    SetInfo,
    SetState,
    State,
    Status,
    Vec,
    Vector,
)
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
    "FrameFormat",
    "Frames",
    "Kind",
    "Latency",
    "Match",
    "Message",
    "SetInfo",
    "SetState",
    "State",
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
