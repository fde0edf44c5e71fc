"""Requests to a daemon: the fields of control messages, and their limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from edged.errors import WireError, map_exceptions
from edged.regions import Polygon
from edged.values import UNKNOWN, Rotation, check_name

__all__ = [
    "DEFAULT_FRAMES",
    "DEFAULT_QUALITY",
    "DEFAULT_TRIAL_SECONDS",
    "DEFAULT_WIDTH",
    "EXAMPLE_PATTERN",
    "LONGEST_SECONDS",
    "MOST_FRAMES",
    "QUALITIES",
    "REQUESTS",
    "TRIAL_SECONDS",
    "WIDTHS",
    "Answer",
    "Enroll",
    "Forget",
    "GetStatus",
    "ListRecent",
    "ListReferences",
    "ListReview",
    "ListStates",
    "Preview",
    "Relabel",
    "Reload",
    "Request",
    "Snapshot",
    "Try",
]

DEFAULT_FRAMES = 5
MOST_FRAMES = 50
LONGEST_SECONDS = 86_400

WIDTHS = (64, 1920)
"""The least and the most pixels that the width of a preview may be limited to."""
DEFAULT_WIDTH = 640

QUALITIES = (20, 95)
"""The least and the best quality of a JPEG."""
DEFAULT_QUALITY = 75

TRIAL_SECONDS = (5, 600)
"""The shortest and the longest trial."""
DEFAULT_TRIAL_SECONDS = 30

EXAMPLE_PATTERN = "[0-9a-f]{16}"
"""The id of an example, of a recent view, and of a picture to review, which keeps its id when it becomes an example."""


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

    With ``state`` the picture becomes an example of that state of the set ``name`` instead, beside its others. With
    ``picture`` it is a recent view of the region and not one of the next frames.
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
    picture: str | None = None

    def __post_init__(self) -> None:
        _check_names(name=self.name, camera=self.camera, region=self.region)
        if self.picture is not None:
            _check_picture(self.picture, "'recent'")
            if self.state is None:
                raise WireError("picture: does nothing without state")
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
            _check_picture(self.picture, "'edged review'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Answer which ``state`` a picture to review shows; or, with ``discard``, that nothing can be learned from it."""

    op: ClassVar = "answer"

    picture: str
    state: str | None = None
    discard: bool = False

    def __post_init__(self) -> None:
        _check_picture(self.picture, "'edged review'")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Request the next frame of a camera as a JPEG of at most ``width`` pixels a line, never enlarged.

    With ``region`` it is a PNG of what the model gets of that region instead, and ``width`` and ``quality`` do nothing.
    """

    op: ClassVar = "preview"

    camera: str
    width: int = DEFAULT_WIDTH
    quality: int = DEFAULT_QUALITY
    region: str | None = None

    def __post_init__(self) -> None:
        _check_names(camera=self.camera, region=self.region)
        _check_range("width", self.width, *WIDTHS)
        _check_range("quality", self.quality, *QUALITIES)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRecent:
    """Request the views of a region of the last two minutes, and of one of them, ``picture``, the PNG.

    They are kept from the first such request on, until 60 s after the last one.
    """

    op: ClassVar = "recent"

    camera: str
    region: str | None = None
    picture: str | None = None

    def __post_init__(self) -> None:
        _check_names(camera=self.camera, region=self.region)
        if self.picture is not None:
            _check_picture(self.picture, "'recent'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """Request that a camera runs with other settings for some ``seconds``; 0 ends its trial. Null: as configured.

    ``regions`` are the edges of all regions by name, and ``mask`` has all polygons, as in the configuration.
    """

    op: ClassVar = "try"

    camera: str
    regions: Mapping[str, Mapping[str, float]] | None = None
    mask: tuple[Polygon, ...] | None = None
    rotation: Rotation | None = None
    seconds: float = DEFAULT_TRIAL_SECONDS

    def __post_init__(self) -> None:
        _check_names(camera=self.camera)
        if self.seconds:
            _check_range("seconds", self.seconds, *TRIAL_SECONDS)
        elif self.settings:
            raise WireError("regions, mask, rotation: do nothing with seconds 0")

    @property
    def settings(self) -> Mapping[str, object]:
        """The settings that are tried, by their keys in the configuration."""
        settings = {"regions": self.regions, "mask": self.mask, "rotation": self.rotation}
        return {key: value for key, value in settings.items() if value is not None}


Request: TypeAlias = (
    GetStatus
    | Reload
    | Enroll
    | Forget
    | Relabel
    | ListReferences
    | ListStates
    | ListReview
    | Answer
    | Snapshot
    | Preview
    | Try
    | ListRecent
)

REQUESTS: Mapping[str, type[Request]] = {
    cls.op: cls
    for cls in (
        GetStatus,
        Reload,
        Enroll,
        Forget,
        Relabel,
        ListReferences,
        ListStates,
        ListReview,
        Answer,
        Snapshot,
        Preview,
        Try,
        ListRecent,
    )
}


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


def _check_picture(picture: str, listing: str) -> None:
    if not re.fullmatch(EXAMPLE_PATTERN, picture, re.ASCII):
        raise WireError(f"picture: must be 16 digits from 0-9a-f, as {listing} lists them (got {picture[:40]!r})")


def _check_range(key: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise WireError(f"{key}: must be in {least:g}…{most:g} (got {value:g})")
