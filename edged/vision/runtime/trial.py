"""A model's first run, in a child process: what verification cannot rule out may kill that, and nobody else.

Both runtimes die on some files that are whole: an operator that nobody here has a rule for, a number that sends a
kernel past the end of its memory, a scale that makes one call ``abort()``. Delegates die too. So a model that did not
come with edged is loaded and run once by another process. That it survived is remembered by the file's hash, with the
engine and the delegate, so that the next start does not pay for it again.
"""

from __future__ import annotations

import hashlib
import logging
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from edged.errors import DelegateError, ModelError
from edged.values import Delegate
from edged.vision.bundled import BUNDLED
from edged.vision.runtime.delegate import delegate_library
from edged.vision.runtime.disk_cache import recall, remember
from edged.vision.runtime.engine import choose_engine
from edged.vision.runtime.interpreter import AUTO
from edged.vision.runtime.trial_process import run_in_child

if TYPE_CHECKING:
    from pathlib import Path

    from edged.vision.runtime.engine import EngineName, EngineOption
    from edged.vision.specs import ModelFile

__all__ = ["ensure_survives"]

log = logging.getLogger(__name__)

PLAIN = Delegate("none")


def ensure_survives(
    model: ModelFile, *, engine: EngineOption = "auto", delegate: Delegate = AUTO, memory: Path | None = None
) -> None:
    """Run *model* once in a child process, unless it is bundled, or *memory* says that it has survived that.

    A model that the engine refuses in its own words passes: it will do so again, where the words are heard.
    *memory* is a folder, made when needed; one that cannot be written to costs a trial each time, and no more.

    Raises:
        DelegateError: the engine cannot be had; or it died, or did not come to an end, but only with the delegate.
        ModelError: the engine died of the model, or did not come to an end.
    """
    library = delegate_library(delegate)
    if library is None and model.digest in BUNDLED.values():
        return
    name = choose_engine(engine, delegate)
    mark = f"trial-{_identity(model, name, delegate)}"
    if _is_known(memory, mark):
        return
    ending = run_in_child(model, name, delegate)
    if ending.outcome == "died":
        raise _blame(model, name, delegate, ending.how)
    if ending.outcome == "survived":
        label = delegate.kind if library is None else library.label
        _remember(memory, mark, f"model {model.name} survived a run on {name} with delegate {label}\n")


def _identity(model: ModelFile, engine: EngineName, delegate: Delegate) -> str:
    """A hash of all that decides whether the run ends well, in hex."""
    try:
        release = version(engine)
    except PackageNotFoundError:  # built from source, and not by pip
        release = ""
    parts = (model.digest, engine, release, platform.machine(), repr(delegate))
    return hashlib.sha256("\n".join(parts).encode(errors="surrogateescape")).hexdigest()[:32]


def _is_known(memory: Path | None, mark: str) -> bool:
    try:
        return recall(memory, mark) is not None
    except OSError:  # such as a folder on the way that may not be searched
        return False


def _remember(memory: Path | None, mark: str, text: str) -> None:
    try:
        remember(memory, mark, text.encode(errors="replace"))
    except OSError as exc:
        log.info("%s cannot be written to, so the model will be tried again the next time: %s", memory, exc)


def _blame(model: ModelFile, engine: EngineName, delegate: Delegate, how: str) -> ModelError:
    """The error for an engine that died: of the delegate, if it lives without, or else of the model file."""
    if delegate == PLAIN or run_in_child(model, engine, PLAIN).outcome == "died":
        return ModelError(
            f"model {model.name}: {engine} {how} in a trial run of it. The file is damaged, or has what this engine "
            "or machine cannot do: get it again, or try the other engine."
        )
    library = delegate_library(delegate)
    label, cure = (delegate.kind, "choose delegate none") if library is None else (library.label, library.cure)
    return DelegateError(
        f"delegate {label}: {engine} {how} in a trial run of model {model.name} with it, and not without it: {cure}"
    )
