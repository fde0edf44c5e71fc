"""A model's first run, in a child process: what verification cannot rule out may kill that, and nobody else.

Both runtimes die on some files that are whole: an operator that nobody here has a rule for, a number that sends a
kernel past the end of its memory. So a model that did not come with edged is loaded and run once by another process,
which may neither take all memory nor go on for ever. That it survived is remembered by the file's hash, with the engine
and the delegate, so that the next start does not pay for it again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import platform
import resource
import signal
import subprocess
import sys
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edged.errors import InferenceError, ModelError
from edged.values import Delegate
from edged.vision.bundled import BUNDLED
from edged.vision.engine import choose_engine
from edged.vision.interpreter import AUTO, Interpreter
from edged.vision.model_file import read_model
from edged.vision.specs import Normalization

if TYPE_CHECKING:
    from edged.vision.engine import EngineName, EngineOption
    from edged.vision.specs import ModelFile

__all__ = ["ensure_survives"]

log = logging.getLogger(__name__)

TRIAL_SECONDS = 60.0
"""A model that needs longer for one picture, with the time to start Python, is of no use here."""

MEMORY = 3 << 30
"""Bytes that the model may take in its trial, by far more than an embedder needs."""

SURVIVED = "survived"
REFUSED = "refused"

# -c with the same import path, because a program that uses the library may have found it anywhere.
_CHILD = "import sys; sys.path[:] = {path!r}; from edged.vision.trial import run_trial; run_trial()"


def ensure_survives(
    model: ModelFile, *, engine: EngineOption = "auto", delegate: Delegate = AUTO, memory: Path | None = None
) -> None:
    """Run *model* once in a child process, unless it is bundled, or *memory* says that it has survived that.

    A model that the engine refuses in its own words passes: it will do so again, where the words are heard.
    *memory* is a folder, made when needed; one that cannot be written to costs a trial at each start, and no more.

    Raises:
        ModelError: the engine died of the model, or did not come to an end.
    """
    if model.digest in BUNDLED.values():
        return
    name = choose_engine(engine, delegate)
    mark = None if memory is None else memory / f"trial-{_identity(model, name, delegate)}"
    if mark is not None and _exists(mark):
        return
    outcome = _try_in_child(model, name, delegate)
    if outcome == SURVIVED and mark is not None:
        _remember(mark, f"model {model.name} survived a run on {name} with delegate {delegate.kind}\n")


def _identity(model: ModelFile, engine: EngineName, delegate: Delegate) -> str:
    """A hash of all that decides whether the run ends well, in hex."""
    try:
        release = version(engine)
    except PackageNotFoundError:  # built from source, and not by pip
        release = ""
    parts = (model.digest, engine, release, platform.machine(), repr(delegate))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _exists(mark: Path) -> bool:
    try:
        return mark.exists()
    except OSError:  # a folder on the way that may not be searched
        return False


def _remember(mark: Path, text: str) -> None:
    """Whole or not at all. A file for each model needs no lock between daemons."""
    new = mark.with_name(f"{mark.name}.{os.getpid()}.new")
    try:
        mark.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(text)
        new.replace(mark)
    except OSError as exc:
        log.info("%s cannot be written, so the model will be tried again at the next start: %s", mark, exc)


def _try_in_child(model: ModelFile, engine: EngineName, delegate: Delegate) -> str:
    command = [sys.executable, "-c", _CHILD.format(path=sys.path)]
    try:
        child = subprocess.run(  # noqa: S603 - this Python, with a text of our own
            command,
            input=_errand(model, engine, delegate),
            capture_output=True,
            timeout=TRIAL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise ModelError(
            f"model {model.name}: a trial run on {engine} did not end within {TRIAL_SECONDS:.0f} s. "
            "The file is damaged, or the model is too big for this machine."
        ) from exc
    except OSError as exc:
        log.warning("no process for a trial run of model %s can be had: %s", model.name, exc)
        return REFUSED
    if child.returncode == 0:
        return child.stdout.decode().strip()
    last = (child.stderr.decode(errors="replace").strip().splitlines() or [""])[-1]
    raise ModelError(
        f"model {model.name}: {engine} {_ending(child.returncode)} in a trial run of it"
        f"{f' ({last[:200]})' if last else ''}. The file is damaged, or has what this engine cannot do: "
        "get it again, or try the other engine."
    )


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with status {code}"
    try:
        return f"died of {signal.Signals(-code).name}"
    except ValueError:  # one of the nameless real-time signals
        return f"died of signal {-code}"


def _errand(model: ModelFile, engine: EngineName, delegate: Delegate) -> bytes:
    """What the child is told: a line of JSON, and the model file."""
    normalization = model.input.normalization
    told = {
        "name": model.name,
        "normalization": None if normalization is None else [normalization.mean, normalization.std],
        "engine": engine,
        "delegate": asdict(delegate),
    }
    return json.dumps(told).encode() + b"\n" + model.content


def _read_errand() -> tuple[ModelFile, EngineName, Delegate]:
    told = json.loads(sys.stdin.buffer.readline())
    mean_std = told["normalization"]
    normalization = None if mean_std is None else Normalization(*map(tuple, mean_std))
    model = read_model(sys.stdin.buffer.read(), name=told["name"], normalization=normalization)
    options = tuple((key, value) for key, value in told["delegate"].pop("options"))
    return model, told["engine"], Delegate(**told["delegate"], options=options)


def run_trial() -> None:
    """What the child does: run the model that comes in on stdin, and say how it went on stdout."""
    model, engine, delegate = _read_errand()
    _limit_resources()
    try:
        with Interpreter(model, engine=engine, delegate=delegate) as interpreter:
            interpreter.write(_pattern(model))
            interpreter.invoke()
            for head in model.heads:
                interpreter.read(head, np.empty(head.size, head.dtype))
    except (ModelError, InferenceError, ValueError):
        print(REFUSED)
    else:
        print(SURVIVED)


def _limit_resources() -> None:
    """No core file, no more processor time and memory than agreed, and first to go if the machine runs out of it."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    _lower(resource.RLIMIT_AS, pages * resource.getpagesize() + MEMORY)
    _lower(resource.RLIMIT_CPU, int(TRIAL_SECONDS) * (os.cpu_count() or 1))
    _lower(resource.RLIMIT_CORE, 0)


def _lower(limit: int, value: int) -> None:
    soft, hard = resource.getrlimit(limit)
    bounds = [bound for bound in (soft, hard, value) if bound != resource.RLIM_INFINITY]
    resource.setrlimit(limit, (min(bounds), hard))


def _pattern(model: ModelFile) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    """Something to look at: every value of a pixel, and in float about as large as normalised ones."""
    shape = (1, model.input.height, model.input.width, 3)
    pixels = np.resize(np.arange(256, dtype=np.uint8), shape)
    if model.input.dtype == "float32":
        return (pixels.astype(np.float32) - 127) / 128
    return pixels.view(model.input.dtype)
