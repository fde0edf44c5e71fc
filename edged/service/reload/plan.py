"""The plan of a reload: a comparison of two configurations, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edged.config import CameraConfig, Config
from edged.config.sections.fields import Section

__all__ = ["ReloadPlan", "compare", "compare_trial"]

LIVE = frozenset(
    {
        "changed_levels",
        "fps",
        "frozen_seconds",
        "max_reopens",
        "on_demand",
        "refresh_seconds",
        "regions",
        "retry_max_seconds",
        "retry_seconds",
        "rotation",
        "settle_frames",
        "skip_unchanged",
        "stall_seconds",
    }
)
"""The settings of a camera that change while it runs; any other one restarts it."""

USUAL_FPS = 30.0  # of a live camera that is not asked for a rate

PARTS = frozenset(
    {
        "version",
        "node",
        "model",
        "cameras",
        "references",
        "states",
        "max_pixels",
        "background",
        "slow_when_hot",
        "publish",
        "log",
    }
)
"""The sections that a reload applies; any other one takes effect at the next start."""


@dataclass(frozen=True, slots=True)
class ReloadPlan:
    """Differences of two configurations, and the steps that they need.

    ``live`` are the cameras of which only settings change that need no restart, and these settings. ``restarts`` are
    those that are captured anew, and the reason. A changed file of a reference or a key counts too. ``later`` are
    sections that take effect at the next start.
    """

    model: str | None = None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    restarts: tuple[tuple[str, str], ...] = ()
    live: tuple[tuple[str, str], ...] = ()
    references: bool = False
    states: bool = False
    publish: bool = False
    keys: bool = False
    node: bool = False
    log_level: bool = False
    later: tuple[str, ...] = ()

    @property
    def captured_anew(self) -> tuple[str, ...]:
        """The cameras with a new capture."""
        return (*self.added, *(name for name, _ in self.restarts))

    def changes(self) -> tuple[str, ...]:
        """Return the changes, a line for each part of the daemon; empty if nothing differs."""
        return tuple(self._changes())

    def _changes(self) -> Iterator[str]:
        if self.model:
            yield f"model: opened anew ({self.model})"
        for name in self.removed:
            yield f"camera {name}: removed"
        for name in self.added:
            yield f"camera {name}: added"
        for name, why in self.restarts:
            yield f"camera {name}: restarted ({why})"
        for name, what in self.live:
            yield f"camera {name}: {what}"
        for part in ("references", "states", "node", "publish", "keys"):
            if getattr(self, part):
                yield f"{part}: changed"
        if self.log_level:
            yield "log: level changed"


def compare(old: Config, new: Config, *, model_file: bool = False, model_input: bool = False) -> ReloadPlan:
    """Compare *old* and *new*.

    Args:
        model_file: whether the content of the model's file differs, or of its fallback's.
        model_input: whether the size of the model's input differs.
    """
    model = ", ".join(_different(old.model, new.model)) or ("its file" if model_file else None)
    stay = {name: camera for name, camera in new.cameras.items() if name in old.cameras}
    decode = new.model.decode != old.model.decode
    restarts, live = [], []
    for name, camera in stay.items():
        before = old.cameras[name]
        different = _different(before, camera)
        why = _why_restart(before, camera, different, new.model.decode == "reduced")
        if decode or (model_input and _suits_model(camera, new.model.decode == "reduced")):
            why = why or "for the model"
        if new.max_pixels != old.max_pixels:
            why = why or "max_pixels"
        if new.background != old.background and camera.source.kind.shows_pictures:
            why = why or "background"
        if why:
            restarts.append((name, why))
        elif different:
            live.append((name, ", ".join(different)))
    return ReloadPlan(
        model=model,
        added=tuple(new.cameras.keys() - old.cameras.keys()),
        removed=tuple(old.cameras.keys() - new.cameras.keys()),
        restarts=tuple(restarts),
        live=tuple(live),
        references=old.references != new.references or old.background != new.background,
        states=old.states != new.states or (bool(new.states) and old.background != new.background),
        publish=old.publish != new.publish or old.slow_when_hot != new.slow_when_hot,
        node=old.node != new.node,
        log_level=old.log != new.log,
        later=tuple(name for name in _different(old, new) if name not in PARTS),
    )


def compare_trial(old: Config, new: Config) -> ReloadPlan:
    """Compare the cameras of *old* and *new*, of which only settings differ that a trial may change, all of them live.

    Frames stay as large as they are, also where the camera would deliver others for these regions.
    """
    different = {name: _different(old.cameras[name], camera) for name, camera in new.cameras.items()}
    return ReloadPlan(live=tuple((name, ", ".join(what)) for name, what in different.items() if what))


def _why_restart(old: CameraConfig, new: CameraConfig, different: list[str], reduced: bool) -> str | None:
    """Return the settings that need a restart; None if none does."""
    if "source" in different:
        return "source"  # from which defaults of others follow
    hard = [name for name in different if name not in LIVE]
    if "fps" in different and not _is_mere_cap(old, new):
        hard.append("fps")
    if _suits_model(new, reduced):  # the size of its frames was chosen for the regions
        hard += [name for name in different if name in ("regions", "rotation")]
    return ", ".join(hard) or None


def _suits_model(camera: CameraConfig, reduced: bool) -> bool:
    """Whether the camera delivers frames as large as the model and the regions need."""
    return reduced or camera.scaler_crop or (camera.source.kind.chooses_size and camera.width is None)


def _is_mere_cap(old: CameraConfig, new: CameraConfig) -> bool:
    """Whether it is enough for the new rate to drop some of the frames that come anyway."""
    if not new.is_live:
        return False
    if new.source.kind.is_url:
        return True
    return new.fps is not None and new.fps <= (old.fps or USUAL_FPS)


def _different(old: Section, new: Section) -> list[str]:
    return [name for name in type(old).model_fields if getattr(old, name) != getattr(new, name)]
