"""Requests to a daemon and their results: the fields of control messages, and their limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from edged.errors import WireError, map_exceptions
from edged.values import UNKNOWN, check_name

__all__ = [
    "DEFAULT_FRAMES",
    "EXAMPLE_PATTERN",
    "LONGEST_SECONDS",
    "MOST_FRAMES",
    "REQUESTS",
    "Answer",
    "AnswerResult",
    "CameraReport",
    "Enroll",
    "EnrollResult",
    "ExampleInfo",
    "Forget",
    "ForgetResult",
    "GetStatus",
    "ListReferences",
    "ListReview",
    "ListStates",
    "PictureInfo",
    "ReferenceInfo",
    "ReferencesResult",
    "Relabel",
    "Reload",
    "ReloadResult",
    "Request",
    "Result",
    "ReviewInfo",
    "ReviewResult",
    "SetReport",
    "SetResult",
    "Snapshot",
    "SnapshotResult",
    "StatesResult",
    "StatusResult",
]

DEFAULT_FRAMES = 5
MOST_FRAMES = 50
LONGEST_SECONDS = 86_400

EXAMPLE_PATTERN = "[0-9a-f]{16}"
"""The id of an example, and of a picture to review, which keeps its id when it becomes one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetStatus:
    """Request the state of the daemon and its cameras."""

    op: ClassVar = "status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reload:
    """Request that the daemon reads its configuration again, as SIGHUP does."""

    op: ClassVar = "reload"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enroll:
    """Request that the present picture of a region becomes a reference with a name, and is compared from then on.

    ``region`` may be None where the camera has only one. ``frames`` are captured within some two seconds, and the one
    most similar to the others is kept. A reference of that name is replaced only with ``replace``. With ``enter`` it
    makes events, as ``references.NAME.enter`` of the configuration does; ``leave`` is 0.03 less where it is None.

    With ``state`` the picture becomes an example of that state of the set ``name`` instead, beside its others.
    """

    op: ClassVar = "enroll"

    name: str
    camera: str
    region: str | None = None
    frames: int = DEFAULT_FRAMES
    replace: bool = False
    enter: float | None = None
    leave: float | None = None
    min_seconds: float = 0.0
    cooldown_seconds: float = 0.0
    state: str | None = None

    def __post_init__(self) -> None:
        _check_names(name=self.name, camera=self.camera, region=self.region)
        _check_state(self.state)
        if self.state is not None and (self.replace or self.enter is not None):
            raise WireError("replace, enter: are for references, and do nothing with state")
        _check_range("frames", self.frames, 1, MOST_FRAMES)
        _check_range("min_seconds", self.min_seconds, 0, LONGEST_SECONDS)
        _check_range("cooldown_seconds", self.cooldown_seconds, 0, LONGEST_SECONDS)
        if self.enter is None:
            if self.leave is not None or self.min_seconds or self.cooldown_seconds:
                raise WireError("leave, min_seconds, cooldown_seconds: do nothing without enter")
            return
        _check_range("enter", self.enter, -1, 1)
        if self.leave is not None:
            _check_range("leave", self.leave, -1, self.enter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """Request that an enrolled reference, or enrolled examples of a set of states, are forgotten.

    Of the set ``name`` that is the ``example`` with that id, or all of ``state``, or all; with ``last`` only the newest
    of these.
    """

    op: ClassVar = "forget"

    name: str
    state: str | None = None
    last: bool = False
    example: str | None = None

    def __post_init__(self) -> None:
        _check_names(name=self.name)
        _check_state(self.state)
        if self.example is not None:
            _check_example(self.example)
            if self.state is not None or self.last:
                raise WireError("state, last: do nothing with example")

    @property
    def is_of_a_set(self) -> bool:
        """Whether it can only mean examples of a set."""
        return self.state is not None or self.last or self.example is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Relabel:
    """Request that an enrolled example becomes one of another state of its set."""

    op: ClassVar = "relabel"

    example: str
    state: str

    def __post_init__(self) -> None:
        _check_example(self.example)
        _check_state(self.state)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListReview:
    """Request the pictures that the set ``name`` was least sure of, and of one of them, ``picture``, the PNG."""

    op: ClassVar = "review"

    name: str
    picture: str | None = None

    def __post_init__(self) -> None:
        _check_names(name=self.name)
        if self.picture is not None:
            _check_picture(self.picture)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Answer which ``state`` a picture to review shows; or, with ``discard``, that nothing can be learned from it."""

    op: ClassVar = "answer"

    picture: str
    state: str | None = None
    discard: bool = False

    def __post_init__(self) -> None:
        _check_picture(self.picture)
        _check_state(self.state)
        if (self.state is not None) == self.discard:
            raise WireError("state, discard: one of them must be given, and not both")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListStates:
    """Request all sets of states."""

    op: ClassVar = "states"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListReferences:
    """Request all references."""

    op: ClassVar = "references"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Request a frame of a camera with its regions drawn on it, and the model input of each region."""

    op: ClassVar = "snapshot"

    camera: str

    def __post_init__(self) -> None:
        _check_names(camera=self.camera)


Request: TypeAlias = (
    GetStatus | Reload | Enroll | Forget | Relabel | ListReferences | ListStates | ListReview | Answer | Snapshot
)

REQUESTS: Mapping[str, type[Request]] = {
    cls.op: cls
    for cls in (GetStatus, Reload, Enroll, Forget, Relabel, ListReferences, ListStates, ListReview, Answer, Snapshot)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraReport:
    """A camera: its regions, its state, and the reason for the state.

    ``picture`` is that of a status message: whether it still shows what its examples of states did.
    """

    name: str
    regions: tuple[str, ...]
    state: Literal["starting", "running", "lost", "frozen", "stopped"]
    reason: str | None
    picture: Literal["ok", "covered", "blurred", "dazzled", "moved", "changed"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusResult:
    """State of the daemon. ``references`` counts all that are compared, ``enrolled`` those that were enrolled.

    ``sets`` are the names of the sets of states.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadResult:
    """Changes of a reload, a line for each part of the daemon; empty if nothing has changed."""

    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceInfo:
    """A reference: its origin, the places where it is compared, and the space of its vectors.

    ``places`` are cameras (``street``) and regions (``street/path``); empty: everywhere. ``thumbnail`` is the path of a
    picture of it on the daemon's machine. ``problem`` is the reason why it is not compared, if it is not. The
    other keys are those of enrolled references: when its frame was captured (in microseconds since 1970), by which
    camera and in which region, and the lowest similarity to it among the captured frames.
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

    ``thumbnail`` is the path of its picture on the daemon's machine.
    """

    id: str
    state: str
    camera: str
    region: str
    t_wall_us: int
    thumbnail: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerResult:
    """What has become of an answer about a picture of the set ``name``; ``state`` is null if it was discarded.

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
)


def _check_names(**names: str | None) -> None:
    for key, name in names.items():
        if name is not None:
            with map_exceptions({ValueError: WireError}, key):
                check_name(name)


def _check_state(state: str | None) -> None:
    _check_names(state=state)
    if state == UNKNOWN:
        raise WireError(f"state: must not be {UNKNOWN}, because that is the answer of a set that is not sure")


def _check_example(example: str) -> None:
    if not re.fullmatch(EXAMPLE_PATTERN, example, re.ASCII):
        raise WireError(f"example: must be 16 digits from 0-9a-f, as 'edged states' lists them (got {example[:40]!r})")


def _check_picture(picture: str) -> None:
    if not re.fullmatch(EXAMPLE_PATTERN, picture, re.ASCII):
        raise WireError(f"picture: must be 16 digits from 0-9a-f, as 'edged review' lists them (got {picture[:40]!r})")


def _check_range(key: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise WireError(f"{key}: must be in {least:g}…{most:g} (got {value:g})")
