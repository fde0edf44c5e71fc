"""What can be asked of a daemon, and what comes of it: the fields of control messages, and what they may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from edged.errors import WireError
from edged.values import check_name

__all__ = [
    "DEFAULT_FRAMES",
    "LONGEST_SECONDS",
    "MOST_FRAMES",
    "REQUESTS",
    "CameraReport",
    "Enroll",
    "EnrollResult",
    "Forget",
    "ForgetResult",
    "ListReferences",
    "PictureInfo",
    "ReferenceInfo",
    "ReferencesResult",
    "Reload",
    "ReloadResult",
    "Request",
    "Result",
    "Snapshot",
    "SnapshotResult",
    "Status",
    "StatusResult",
]

DEFAULT_FRAMES = 5
MOST_FRAMES = 50
LONGEST_SECONDS = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Ask how the daemon is doing."""

    op: ClassVar = "status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reload:
    """Ask it to read its configuration again, as SIGHUP does."""

    op: ClassVar = "reload"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enroll:
    """Ask it to give what a region of a camera looks like now a name, and to compare with it from then on.

    ``region`` may be None where the camera has only one. ``frames`` are looked at within some two seconds, and the one
    most like the others is kept. A reference of that name is replaced only with ``replace``. With ``enter`` it makes
    events, as ``references.NAME.enter`` of the configuration does; ``leave`` is 0.03 less where it is None.
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

    def __post_init__(self) -> None:
        _check_names(name=self.name, camera=self.camera, region=self.region)
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
    """Ask it to forget an enrolled reference."""

    op: ClassVar = "forget"

    name: str

    def __post_init__(self) -> None:
        _check_names(name=self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListReferences:
    """Ask for all references."""

    op: ClassVar = "references"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Ask for a frame of a camera, with its regions drawn on it, and what the model is given of each."""

    op: ClassVar = "snapshot"

    camera: str

    def __post_init__(self) -> None:
        _check_names(camera=self.camera)


Request: TypeAlias = Status | Reload | Enroll | Forget | ListReferences | Snapshot

REQUESTS: Mapping[str, type[Request]] = {
    cls.op: cls for cls in (Status, Reload, Enroll, Forget, ListReferences, Snapshot)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraReport:
    """A camera: its regions, its state, and why."""

    name: str
    regions: tuple[str, ...]
    state: Literal["starting", "running", "lost", "frozen", "stopped"]
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusResult:
    """How the daemon is doing. ``references`` are all that are compared, ``enrolled`` those that were enrolled."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadResult:
    """What a reload has changed, a line for each part of the daemon; nothing if there was nothing new."""

    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceInfo:
    """A reference: where it comes from, where it is compared, and in which space its vectors are.

    ``places`` are cameras (``street``) and regions (``street/path``); empty: everywhere. ``thumbnail`` is the path of a
    picture of it on the daemon's machine. ``problem`` says why it is not compared, where it is not. The rest is known
    of enrolled ones only: when its frame was captured (in microseconds since 1970), through which camera and region,
    and how like it the least like of the frames was that were looked at.
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

    ``outliers`` are the numbers, from 0, of those frames that show something else; they do not count.
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
class PictureInfo:
    """A PNG that follows in a frame of its own: ``street`` is the camera's frame, ``street.path`` a region's input."""

    name: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotResult:
    """A look through a camera. The pictures follow the answer, in this order, each in a frame of its own."""

    camera: str
    frame_seq: int
    t_wall_us: int
    pictures: tuple[PictureInfo, ...]


Result: TypeAlias = StatusResult | ReloadResult | EnrollResult | ForgetResult | ReferencesResult | SnapshotResult


def _check_names(**names: str | None) -> None:
    for key, name in names.items():
        try:
            if name is not None:
                check_name(name)
        except ValueError as exc:
            raise WireError(f"{key}: {exc}") from exc


def _check_range(key: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise WireError(f"{key}: must be in {least:g}…{most:g} (got {value:g})")
