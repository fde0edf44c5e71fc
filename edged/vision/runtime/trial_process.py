"""A model is run once in a process of its own, which may neither take all memory nor go on for ever.

That process is this same Python, started anew, so that no thread or lock of the program is in it. A program that has
its Python frozen or built into it has none to start: it is forked instead.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edged.vision.runtime.first_run import BEGUN, REFUSED, SURVIVED, first_run, write_request
from edged.vision.runtime.interpreter import RUN_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from multiprocessing.connection import Connection

    from edged.values import Delegate
    from edged.vision.runtime.engine import EngineName
    from edged.vision.specs import ModelFile

__all__ = ["Ending", "run_in_child"]

log = logging.getLogger(__name__)

# -c with the same import path, because a program that uses the library may have found it anywhere.
_CHILD = "import sys; sys.path[:] = {path!r}; from edged.vision.runtime.first_run import main; main()"

# What writes past the end of a block, and mostly gets away with it, dies of it under glibc's strict heap.
_STRICT = {"LD_PRELOAD": ("libc_malloc_debug.so.0", " "), "GLIBC_TUNABLES": ("glibc.malloc.check=3", ":")}


@dataclass(frozen=True, slots=True)
class Ending:
    """The outcome of a run: ``refused`` by the engine itself; ``untried`` if it never began.

    ``how`` continues a sentence after the engine's name: ``died of SIGSEGV``.
    """

    outcome: Literal["survived", "refused", "died", "untried"]
    how: str = ""


UNTRIED = Ending("untried")


def run_in_child(model: ModelFile, engine: EngineName, delegate: Delegate) -> Ending:
    """Load *model* and run it on a picture, in another process."""
    python = _python()
    ending = UNTRIED if python is None else _run_started(python, model, engine, delegate)
    if ending is UNTRIED:
        ending = _run_forked(model, engine, delegate)
    return ending


def _python() -> str | None:
    """A Python like this one to start; None where there is none, as in a program that was frozen."""
    if getattr(sys, "frozen", False):
        return None
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    # A server that has Python built into it says of itself that it is the executable.
    for path in (sys.executable, f"{sys.exec_prefix}/bin/{name}", f"{sys.base_exec_prefix}/bin/{name}"):
        if path and Path(path).name.startswith("python") and os.access(path, os.X_OK):
            return path
    return None


def _run_started(python: str, model: ModelFile, engine: EngineName, delegate: Delegate) -> Ending:
    try:
        child = subprocess.run(  # noqa: S603 - this Python, with a text of our own
            [python, "-c", _CHILD.format(path=[folder for folder in sys.path if isinstance(folder, str)])],
            input=write_request(model, engine, delegate),
            capture_output=True,
            timeout=RUN_SECONDS,
            check=False,
            env=_with_strict_heap(os.environ),
            start_new_session=True,  # Ctrl-C is for the program, which ends the child
        )
    except subprocess.TimeoutExpired:
        return _overdue()
    except OSError as exc:
        log.warning("%s cannot be started for a trial run of model %s: %s", python, model.name, exc)
        return UNTRIED
    said = child.stdout.decode(errors="replace")
    # An engine logs there too, such as which delegate it made: that is no cause of death.
    errors = [line for line in child.stderr.decode(errors="replace").strip().splitlines() if line[:6] != "INFO: "]
    if BEGUN not in said:
        log.warning("%s cannot try model %s: %s", python, model.name, errors[-1:])
        return UNTRIED
    return _ending(child.returncode, said, errors[-1][:200] if errors else "")


def _with_strict_heap(environ: Mapping[str, str]) -> dict[str, str]:
    given = {name: [environ[name]] if environ.get(name) else [] for name in _STRICT}
    return {**environ, **{name: mark.join([*given[name], own]) for name, (own, mark) in _STRICT.items()}}


def _run_forked(model: ModelFile, engine: EngineName, delegate: Delegate) -> Ending:
    from multiprocessing import get_context

    context = get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work_forked, args=(theirs, model, engine, delegate))
    with ours:
        try:
            process.start()
        except (OSError, AssertionError) as exc:  # multiprocessing asserts that its daemons have no children
            log.warning("model %s is used untried, no process for a trial run can be had: %s", model.name, exc)
            return UNTRIED
        finally:
            theirs.close()
        process.join(RUN_SECONDS)
        if process.exitcode is None:
            process.kill()
            process.join()
            return _overdue()
        try:
            said = ours.recv_bytes().decode() if ours.poll() else ""
        except EOFError:
            said = ""
        return _ending(process.exitcode, said)


def _overdue() -> Ending:
    return Ending("died", f"did not end within {RUN_SECONDS} s")


def _ending(code: int, said: str, last_error: str = "") -> Ending:
    if code == 0 and SURVIVED in said:
        return Ending("survived")
    if code == 0 and REFUSED in said:
        return Ending("refused")
    if code >= 0:
        how = f"ended with status {code}"
    else:
        try:
            how = f"died of {signal.Signals(-code).name}"
        except ValueError:  # one of the nameless real-time signals
            how = f"died of signal {-code}"
    return Ending("died", f"{how} ({last_error})" if last_error else how)


def _work_forked(connection: Connection, model: ModelFile, engine: EngineName, delegate: Delegate) -> None:
    # What is said while it dies would be taken for the end of the program.
    faulthandler.disable()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    connection.send_bytes(first_run(model, engine, delegate).encode())
