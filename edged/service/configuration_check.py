"""The check of a changed configuration: as ``edged check``, but for what the change leaves as it was."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from edged.config import Config, ConfigFileError, Loaded, Problem, load_text

__all__ = ["check_change"]


def check_change(before: str, after: str, path: Path) -> list[Problem]:
    """Check the text *after*, which is to stand at *path* in place of *before*.

    Returns problems that were there before the change in the same words, such as a key file that this user may not
    read though the daemon may: a change that has nothing to do with them is no worse for them. A model, pictures and
    clips that the change does not touch are not opened again.

    Raises:
        ConfigFileError: the change makes something wrong; the error has all that is.
    """
    old = _loaded(before, path)
    new = _loaded(after, path)
    if not isinstance(new, Loaded):
        return _known(new, old.problems if isinstance(old, ConfigFileError) else ())
    cameras = _changed_cameras(old.config, new.config) if isinstance(old, Loaded) else None
    problems = _problems_outside(new, cameras)
    if not problems:
        return []
    return _known(ConfigFileError(problems), _problems_outside(old, cameras) if isinstance(old, Loaded) else ())


def _problems_outside(loaded: Loaded, cameras: Collection[str] | None) -> list[Problem]:
    """Find problems outside the file: of these *cameras*, or of everything for None."""
    if cameras is not None and all(
        loaded.config.cameras[name].is_live for name in cameras if name in loaded.config.cameras
    ):
        return []  # they are not opened: the daemon has them open, or waits for them
    from edged.service import preflight  # here, because it loads what models and videos need

    if cameras is None:
        return preflight.errors(loaded)
    return preflight.source_problems(loaded, live=False, cameras=cameras)


def _loaded(text: str, path: Path) -> Loaded | ConfigFileError:
    try:
        return load_text(text, path)
    except ConfigFileError as exc:
        return exc


def _known(found: ConfigFileError, before: Collection[Problem]) -> list[Problem]:
    """Return the problems of *found* if all of them were there *before*; raises it if one is new."""
    known = {(problem.path, problem.rule) for problem in before}
    if any((problem.path, problem.rule) not in known for problem in found.problems):
        raise found
    return list(found.problems)


def _changed_cameras(old: Config, new: Config) -> list[str] | None:
    """Return the cameras that differ; None if something else does, too."""
    others = [name for name in Config.model_fields if name != "cameras"]
    if any(getattr(old, name) != getattr(new, name) for name in others):
        return None
    return [name for name, camera in new.cameras.items() if old.cameras.get(name) != camera]
