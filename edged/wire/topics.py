"""Topics: the first frame of a message, which subscribers filter by.

::

    edged/1/vec/<node>/<camera>/<region>/
    edged/1/event/<node>/<camera>/<region>/
    edged/1/state/<node>/<camera>/<region>/
    edged/1/status/<node>/<camera>/

ZeroMQ filters by prefix. The kind comes first, so that a hub can subscribe to the events of every board without
receiving their vectors; the ``/`` at the end keeps ``cam1`` apart from ``cam10``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple, get_args

from edged.errors import WireError, map_exceptions
from edged.values import check_name

__all__ = ["KINDS", "VERSION", "Kind", "Topic", "parse_topic", "subscription", "topic"]

VERSION = 1

Kind = Literal["vec", "event", "state", "status"]

KINDS: tuple[Kind, ...] = get_args(Kind)

MAX_TOPIC_BYTES = len("edged/1/status////") + 3 * 64


class Topic(NamedTuple):
    """The parts of a topic. A ``status`` is about a camera as a whole: its ``region`` is None."""

    kind: Kind
    node: str
    camera: str
    region: str | None = None


@lru_cache(maxsize=1024)  # needed again for every message
def topic(kind: Kind, node: str, camera: str, region: str | None = None) -> bytes:
    """Return the topic of the messages of one *kind* about one region of a camera, or about the camera (``status``).

    Raises:
        WireError: a name is not valid, or the region is missing, or a ``status`` was given one.
    """
    if kind not in KINDS:
        raise WireError(f"topic: the kind must be one of {', '.join(KINDS)} (got {kind!r})")
    if (region is None) != (kind == "status"):
        raise WireError(f"topic: vec, event and state have a region, status has none (got {kind} with {region!r})")
    return subscription(kind, node, camera, region)


def subscription(kind: Kind, node: str | None = None, camera: str | None = None, region: str | None = None) -> bytes:
    """Return the longest prefix of all topics of *kind* from *node*, *camera* and *region*; None stands for any.

    A prefix ends at the first part that is None; the subscriber compares the parts behind it. A ``status`` is about a
    whole camera, so that the region makes no difference.

    Raises:
        WireError: a name is not valid.
    """
    path = f"edged/{VERSION}/{kind}/"
    for part, name in (("node", node), ("camera", camera), ("region", None if kind == "status" else region)):
        if name is None:
            break
        path += _checked(part, name) + "/"
    return path.encode("ascii")


def parse_topic(frame: bytes | memoryview) -> Topic:
    """Return the parts of a topic; ``topic(*parse_topic(frame)) == frame``.

    Raises:
        WireError: it is not a topic of this version.
    """
    if len(frame) > MAX_TOPIC_BYTES:
        raise WireError(f"topic: must not be longer than {MAX_TOPIC_BYTES} bytes (got {len(frame)})")
    return _parsed(bytes(frame))


@lru_cache(maxsize=1024)  # the same few come again and again
def _parsed(raw: bytes) -> Topic:
    match raw.decode("ascii", "replace").split("/"):
        case ["edged", "1", "vec" | "event" | "state" as kind, node, camera, region, ""]:
            return Topic(kind, _checked("node", node), _checked("camera", camera), _checked("region", region))
        case ["edged", "1", "status", node, camera, ""]:
            return Topic("status", _checked("node", node), _checked("camera", camera))
        case ["edged", version, _, *_] if version != str(VERSION):
            raise WireError(f"topic: this subscriber understands version {VERSION} (got {raw!r})")
    raise WireError(f"topic: must read edged/{VERSION}/<kind>/<node>/<camera>/[<region>/] (got {raw!r})")


def _checked(part: str, name: str) -> str:
    with map_exceptions({ValueError: WireError}, f"topic: {part}"):
        return check_name(name)
