"""Results of requests to a daemon: the fields of control messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from edged.regions import Polygon
from edged.values import Mirror, Rotation

__all__ = [
    "AnswerResult",
    "CameraReport",
    "EnrollResult",
    "ExampleInfo",
    "ForgetResult",
    "PictureInfo",
    "PreviewResult",
    "RecentInfo",
    "RecentResult",
    "ReferenceInfo",
    "ReferencesResult",
    "ReloadResult",
    "Result",
    "ReviewInfo",
    "ReviewResult",
    "SetReport",
    "SetResult",
    "SnapshotResult",
    "StatesResult",
    "StatusResult",
    "TryResult",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraReport:
    """A camera: its regions, its state, and the reason for the state.

    ``picture`` is that of a status message: whether it still shows what its examples of states did. ``rotation``,
    ``mirror``, ``mask`` and ``regions_at`` (left, top, right and bottom of each region, in 0…1) are those in use, which
    are those of a trial for the ``trial_s`` seconds that it still lasts; null: there is none.
    """

    name: str
    regions: tuple[str, ...]
    state: Literal["starting", "running", "lost", "frozen", "stopped"]
    reason: str | None
    picture: Literal["ok", "covered", "blurred", "dazzled", "moved", "changed"] | None = None
    rotation: Rotation = 0
    mirror: Mirror = "none"
    regions_at: Mapping[str, tuple[float, float, float, float]] = field(default_factory=dict)
    mask: tuple[Polygon, ...] = ()
    trial_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusResult:
    """State of the daemon. ``references`` counts all that are compared, ``enrolled`` those that were enrolled.

    ``sets`` are the names of the sets of states, and ``subscribers`` counts the connections to the publish ports.
    """

    node: str
    version: str
    pid: int
    uptime_s: float
    config: str
    model: str
    space_id: str
    engine: str
    delegate: str
    cameras: tuple[CameraReport, ...]
    references: int
    enrolled: int
    sets: tuple[str, ...] = ()
    subscribers: int = 0
    t_wall_us: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadResult:
    """Changes of a reload, a line for each part of the daemon; empty if nothing has changed."""

    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceInfo:
    """A reference: its origin, the places where it is compared, and the space of its vectors.

    ``places`` are cameras (``street``) and regions (``street/path``); empty: everywhere. ``thumbnail`` is the path of a
    picture of it on the daemon's machine. ``problem`` is the reason why it is not compared, if it is not. Its events
    begin at the score ``enter`` and end below ``leave``; null: it makes none. The other keys are those of enrolled
    references: when its frame was captured (in microseconds since 1970), by which camera and in which region, and the
    lowest similarity to it among the captured frames.
    """

    name: str
    origin: Literal["config", "enrolled"]
    places: tuple[str, ...]
    space_id: str | None
    thumbnail: str | None
    problem: str | None = None
    t_wall_us: int | None = None
    camera: str | None = None
    region: str | None = None
    frames: int | None = None
    similarity: float | None = None
    enter: float | None = None
    leave: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollResult:
    """The new reference. ``similarities`` are those of each frame to the one that is kept, in the order of capture.

    ``outliers`` are the numbers, from 0, of frames that show something else; they are ignored.
    """

    reference: ReferenceInfo
    replaced: bool
    similarities: tuple[float, ...]
    outliers: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetResult:
    """The reference that was forgotten."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencesResult:
    """All references, by name."""

    references: tuple[ReferenceInfo, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleInfo:
    """An enrolled example: when its frame was captured (in microseconds since 1970), by which camera, in which region.

    ``thumbnail`` is the path of its picture on the daemon's machine. ``looks_like`` is the other state that all other
    examples of the set make it, which are then more likely right than its label; null: they agree with it, or were not
    asked.
    """

    id: str
    state: str
    camera: str
    region: str
    t_wall_us: int
    thumbnail: str
    looks_like: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetReport:
    """A set of states: its origin, the places where it decides, and what it has learned.

    ``counts`` are the examples of each state, with those of the configuration, and ``examples`` the enrolled ones in
    the order of enrolment. ``learned`` is whether it decides by examples; ``objection`` is the reason why it does not
    decide by all of these. ``summary`` is what the examples prove, and ``advice`` what to do next, if anything.
    """

    name: str
    origin: Literal["config", "enrolled"]
    places: tuple[str, ...]
    states: tuple[str, ...]
    counts: Mapping[str, int]
    learned: bool
    objection: str | None
    summary: str
    advice: str | None
    examples: tuple[ExampleInfo, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetResult:
    """A set of states after a change of its examples; ``set`` is null if nothing is left of it.

    ``changed`` are the examples that were enrolled, given another state, or forgotten. After an enrolment
    ``similarities`` are those of each frame to the one that is kept, and ``outliers`` the numbers of ignored ones.
    """

    name: str
    changed: tuple[ExampleInfo, ...]
    set: SetReport | None
    similarities: tuple[float, ...] = ()
    outliers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StatesResult:
    """All sets of states: those of the configuration, and then those that were only enrolled."""

    sets: tuple[SetReport, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureInfo:
    """A PNG that follows in a frame of its own: ``street`` is the camera's frame, ``street.path`` a region's input."""

    name: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewInfo:
    """A picture to review: the most probable state with its probability, and where and when it was captured.

    ``answer`` is the state that a person has given it, if that waits for an answer of another state.
    """

    id: str
    guess: str
    p: float
    camera: str
    region: str
    t_wall_us: int
    thumbnail: str
    answer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewResult:
    """The pictures to review of a set with these ``states``, the least sure first.

    The PNG that was requested follows the reply, and is the only one of ``pictures``: its name is the id.
    """

    name: str
    states: tuple[str, ...]
    entries: tuple[ReviewInfo, ...]
    pictures: tuple[PictureInfo, ...] = ()

    @property
    def picture_count(self) -> int:
        """Count of the pictures that follow the reply."""
        return len(self.pictures)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerResult:
    """The outcome of an answer about a picture of the set ``name``; ``state`` is null if it was discarded.

    ``waiting`` counts the answers of each state that are kept and wait for one of another state, of ``waits_for``. Once
    such an answer comes, all of them become examples: these are ``changed``, and ``set`` has learned them.
    """

    name: str
    picture: str
    state: str | None
    waiting: Mapping[str, int]
    waits_for: tuple[str, ...] = ()
    changed: tuple[ExampleInfo, ...] = ()
    set: SetReport | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotResult:
    """A frame of a camera. The pictures follow the reply, in this order, each in a frame of its own."""

    camera: str
    frame_seq: int
    t_wall_us: int
    pictures: tuple[PictureInfo, ...]

    @property
    def picture_count(self) -> int:
        """Count of the pictures that follow the reply."""
        return len(self.pictures)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewResult:
    """A frame of a camera, or what the model gets of its ``region``; the picture follows the reply in a frame.

    ``t_cap_us`` and ``t_wall_us`` are when it was captured, in microseconds of CLOCK_MONOTONIC and since 1970. The size
    of the picture is ``width`` × ``height``, and that of the frame ``frame_width`` × ``frame_height``.
    """

    camera: str
    region: str | None
    frame_seq: int
    t_cap_us: int
    t_wall_us: int
    width: int
    height: int
    frame_width: int
    frame_height: int
    media_type: Literal["image/jpeg", "image/png"]

    @property
    def picture_count(self) -> int:
        """Count of the pictures that follow the reply."""
        return 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentInfo:
    """A recent view of a region: when it was captured, in microseconds since 1970, and what each set answered."""

    id: str
    t_wall_us: int
    set_states: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentResult:
    """The recent views of a region, the newest first.

    The PNG that was requested follows the reply, and is the only one of ``pictures``: its name is the id.
    """

    camera: str
    region: str
    entries: tuple[RecentInfo, ...]
    pictures: tuple[PictureInfo, ...] = ()

    @property
    def picture_count(self) -> int:
        """Count of the pictures that follow the reply."""
        return len(self.pictures)


@dataclass(frozen=True, slots=True, kw_only=True)
class TryResult:
    """A trial of a camera that lasts so many ``seconds``, 0 if it has ended; ``changes`` are as in a reload."""

    camera: str
    seconds: float
    changes: tuple[str, ...]


Result: TypeAlias = (
    StatusResult
    | ReloadResult
    | EnrollResult
    | ForgetResult
    | SetResult
    | ReferencesResult
    | StatesResult
    | ReviewResult
    | AnswerResult
    | SnapshotResult
    | PreviewResult
    | TryResult
    | RecentResult
)
