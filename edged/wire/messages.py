"""Messages. Their fields are the keys of the header, in this order; ``docs/wire.md`` defines them.

Times end in ``_us``: whole microseconds (nanoseconds since 1970 exceed 2^53 and lose digits in JavaScript
and jq). ``t_cap_us`` is on CLOCK_MONOTONIC of the daemon's host, the others are on its wall clock.

A field with a default may be absent from a header: this is how keys are added within a version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from edged.errors import WireError
from edged.values import Rotation, StreamClock, TimeSource
from edged.wire.topics import Kind, topic

__all__ = [
    "Drops",
    "Event",
    "Frame",
    "FrameFormat",
    "Latency",
    "Match",
    "Message",
    "SetInfo",
    "SetState",
    "State",
    "Status",
    "Vec",
    "Vector",
]

# A program that wants no vectors does without numpy, which takes some 25 MiB of memory and, on a small board, a second.
if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vector: TypeAlias = npt.NDArray[np.float32] | npt.NDArray[np.int8]
else:
    Vector = Any

Frame: TypeAlias = bytes | memoryview
"""A part of a message as ZeroMQ has it."""

ITEM_BYTES = {"<f4": 4, "|i1": 1}
"""Bytes of one number of a vector, by its ``dtype``."""


@dataclass(frozen=True, slots=True)
class Match:
    """Score of a reference: ``s`` is the cosine, from minus one to one.

    ``label`` is the name of the picture of the reference; None: its pictures have no names. One reference can have
    several scores.
    """

    ref: str
    s: float
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Latency:
    """Duration of each step of a frame, in microseconds.

    ``wait`` is from capture to inference, ``pre`` crop to normalised input, ``infer`` the model, ``sim`` the
    comparison and ``total`` from capture to the hand-over to the socket, waits included. ``decode`` is the part of
    ``wait`` in which the frame was decoded to pixels; None where a daemon does not report it.
    """

    wait: int
    pre: int
    infer: int
    sim: int
    total: int
    decode: int | None = None


@dataclass(frozen=True, slots=True)
class Drops:
    """Frames and messages that were dropped since the start of the daemon, by place.

    ``publish`` is the daemon's own hand-over. Messages that ZeroMQ drops for one slow subscriber are visible only to
    that subscriber, by ``seq``.
    """

    capture: int
    ring: int
    publish: int


@dataclass(frozen=True, slots=True)
class FrameFormat:
    """Format of a camera's frames, as it was negotiated.

    ``width`` and ``height`` are in pixels, and ``pixels`` is how they lie in memory. ``codec`` is the compression in
    which frames come, and ``decoder`` what decodes them; None for frames that come uncompressed.
    """

    width: int
    height: int
    fps: float | None
    pixels: str
    codec: str | None
    decoder: str | None


@dataclass(frozen=True, slots=True)
class SetState:
    """Answer of a set of states for one frame.

    ``state`` is the most probable state, or ``unknown`` where none is probable enough; ``p`` has the probability of
    each state, from 0 to 1. ``novelty`` is how far the frame is from the nearest example: 1 is as far as examples are
    from each other at most; None: the set has no examples.
    """

    set: str
    state: str
    p: Mapping[str, float]
    novelty: float | None


@dataclass(frozen=True, slots=True)
class SetInfo:
    """A set of states that applies to a camera, or to a region of it.

    ``examples`` is how many each of the ``states`` has. ``learned`` is whether it decides by these examples; until
    then it decides by the references that it groups, or not at all.
    """

    name: str
    states: tuple[str, ...]
    examples: Mapping[str, int]
    learned: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vec:
    """One embedding of one region of one frame, and its similarities to the references.

    ``payload`` has the bytes of the vector, one row of little-endian ``float32`` or ``int8``; ``dtype`` and ``shape``
    describe it.

    Raises:
        WireError: the payload is of another kind, or does not match ``dtype`` and ``shape``.
    """

    kind: ClassVar[Kind] = "vec"

    run: str
    seq: int
    node: str
    camera: str
    region: str
    frame_seq: int
    t_cap_us: int
    t_wall_us: int
    ts_source: TimeSource
    ts_from: StreamClock | None = None
    clock_synced: bool | None
    lat_us: Latency
    dropped: Drops
    rotation: Rotation
    roi: tuple[float, float, float, float]
    model: str
    space_id: str
    delegate: str
    unchanged: bool
    engine: str
    head: int
    head_name: str | None
    dtype: Literal["<f4", "|i1"]
    shape: tuple[int]
    norm: Literal["l2", "none"]
    scale: float | None
    sims: tuple[Match, ...]
    refs: int
    states: tuple[SetState, ...] = ()
    payload: Frame = field(repr=False)

    def __post_init__(self) -> None:
        item, payload = ITEM_BYTES.get(self.dtype), memoryview(self.payload)
        if item is None or not payload.c_contiguous or payload.ndim != 1 or payload.itemsize != 1:
            raise WireError(f"vector: must be the bytes of one row of little-endian float32 or int8 (got {self.dtype})")
        count, rest = divmod(len(payload), item)
        if not payload:
            raise WireError("vector: must have a number at least")
        if rest:
            raise WireError(f"payload: must be a row of {self.dtype} (got {len(payload)} bytes)")
        if self.shape != (count,):
            raise WireError(f"vector: must match dtype and shape, {self.dtype} and {self.shape} (got shape {(count,)})")

    @property
    def vector(self) -> Vector:
        """The vector: a read-only array that shares the bytes of the payload. It loads numpy."""
        import numpy as np  # here only: see `Vector`

        vector: Vector = np.frombuffer(self.payload, dtype=self.dtype)
        vector.flags.writeable = False
        return vector

    @property
    def topic(self) -> bytes:
        """Topic of this message."""
        return topic(self.kind, self.node, self.camera, self.region)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A reference appeared, is still there, or has left. Two thresholds and a minimum time decide when.

    An event of a set of states has the name of the set as its ``ref``, and its ``state`` is the one that it is about;
    None: the event is one of a reference.
    """

    kind: ClassVar[Kind] = "event"

    run: str
    seq: int
    node: str
    camera: str
    region: str
    event_id: str
    phase: Literal["begin", "update", "end"]
    ref: str
    state: str | None = None
    s: float
    peak: float
    reason: Literal["left", "camera-lost", "stopped", "reference-removed"] | None
    t_begin_us: int
    t_cap_us: int
    t_wall_us: int
    frame_seq: int
    space_id: str

    @property
    def topic(self) -> bytes:
        """Topic of this message."""
        return topic(self.kind, self.node, self.camera, self.region)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Decided state of a set in a region: at once on a change, and repeated. ``reason`` is why the message was sent.

    It is ``unknown`` where nothing is decided. ``was`` is the state before it, and ``t_since_us`` is when the frames
    began to look so.
    """

    kind: ClassVar[Kind] = "state"

    run: str
    seq: int
    node: str
    camera: str
    region: str
    set: str
    state: str
    was: str
    p: float
    novelty: float | None
    t_since_us: int
    t_cap_us: int
    t_wall_us: int
    frame_seq: int
    space_id: str
    reason: Literal["changed", "camera-lost", "stopped", "set-removed", "relearned", "repeat"]

    @property
    def topic(self) -> bytes:
        """Topic of this message, which all sets of the region share."""
        return topic(self.kind, self.node, self.camera, self.region)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """State of a camera: every two seconds and at once on a change. None: unknown on this machine."""

    kind: ClassVar[Kind] = "status"

    run: str
    seq: int
    node: str
    camera: str
    state: Literal["starting", "running", "lost", "frozen", "stopped"]
    reason: str | None
    since_us: int
    t_wall_us: int
    fps_captured: float | None
    fps_published: float | None
    dropped: Drops
    reopens: int
    format: FrameFormat | None = None
    picture: Literal["ok", "covered", "blurred", "dazzled", "moved", "changed"] | None = None
    slowed_to: float | None = None
    sets: tuple[SetInfo, ...] = ()
    engine: str | None
    delegate: str | None
    model: str | None
    space_id: str | None
    config_hash: str | None
    config_problem: str | None = None
    uptime_s: float
    rss_bytes: int | None
    temp_c: float | None
    throttled: int | None
    cma_free_bytes: int | None = None
    insecure: bool
    bye: bool

    @property
    def topic(self) -> bytes:
        """Topic of this message."""
        return topic(self.kind, self.node, self.camera)


Message: TypeAlias = Vec | Event | State | Status
