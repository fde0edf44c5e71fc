"""A copy of the work tree in which a mutant lives while tests run, so that the work tree is never touched."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["Run", "ScratchTree"]

LOOK_SECONDS = 0.2
UNWANTED = "not (peer or board or v4l2)"  # what takes another machine, or much of this one


End = Literal["passed", "failed", "broken", "late", "stopped"]
ENDS: dict[int, End] = {0: "passed", 1: "failed", 5: "passed"}  # pytest's exit status; 5: it has chosen no test
FAILURE = re.compile(r"^(?:FAILED|ERROR) (\S+?(?:\[.*\])?)(?: - .*)?$", re.MULTILINE)
OUTPUT = ".mutation-output"
SOON = 20.0


@dataclass(frozen=True, slots=True)
class Run:
    """One run of pytest: its end, how long it took, and the tests that failed.

    ``broken`` is an end of pytest that is about no test: a module that cannot be imported, an internal error.
    """

    end: End
    seconds: float
    failures: tuple[str, ...] = ()


class ScratchTree:
    """A copy of the files that git knows in *root*, made in *folder*."""

    def __init__(self, root: Path, folder: Path, stop: threading.Event) -> None:
        self._folder = folder
        self._stop = stop
        listing = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listing, check=True, capture_output=True, timeout=60).stdout.decode().split("\0")
        for name in filter(None, names):
            if (root / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, folder / name)
        if (root / ".venv").exists() and not (folder / ".venv").exists():
            (folder / ".venv").symlink_to((root / ".venv").resolve())
        self._warm = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).with_name("warm.py"))],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # what is waited for with select() must not lie in a buffer
            start_new_session=True,  # Ctrl-C is for the one who asks
        )

    @contextlib.contextmanager
    def holding(self, module: Path, source: str) -> Iterator[None]:
        """Have *source* in the place of *module* for a while."""
        file = self._folder / module
        before = file.read_text()
        for cached in file.parent.glob(f"__pycache__/{file.stem}.*.pyc"):
            cached.unlink()  # nothing distinguishes it from another of this second and length
        file.write_text(source)
        try:
            yield
        finally:
            file.write_text(before)

    def test(self, tests: Sequence[str], limit: float, *, leave_out: Sequence[str] = (), first: bool = True) -> Run:
        """Run *tests* but *leave_out* for at most *limit* seconds, to the *first* failure or to the end."""
        arguments = ["-q", "--tb=no", "-rfE", "-p", "no:cacheprovider", "-m", UNWANTED, *tests]
        arguments += [*(["-x"] if first else []), *(f"--deselect={name}" for name in leave_out)]
        output = self._folder / OUTPUT
        request = {"arguments": arguments, "output": str(output), "bytecode": not first}  # no mutant's bytecode stays
        begin = time.monotonic()
        end = self._run(json.dumps(request), begin + limit)
        failures = FAILURE.findall(output.read_text(errors="replace")) if output.exists() else []
        return Run(end, time.monotonic() - begin, tuple(failures))

    def close(self) -> None:
        """End the process that runs tests."""
        self._warm.communicate(timeout=SOON)

    def _run(self, request: str, deadline: float) -> End:
        """Have *request* run to its end or to *deadline*; then its process is ended with all that it has started."""
        assert self._warm.stdin is not None
        self._warm.stdin.write(request.encode() + b"\n")
        pid = int(self._answer())
        end: End = "stopped"
        try:
            while not self._stop.is_set():
                if self._has_answered():
                    status = int(self._answer())
                    return ENDS.get(status, "broken")
                if time.monotonic() > deadline:
                    end = "late"
                    break
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        self._answer()  # that it was killed
        return end

    def _answer(self) -> bytes:
        assert self._warm.stdout is not None
        if not (line := self._warm.stdout.readline()):
            raise RuntimeError("the process that runs tests has ended")
        return line

    def _has_answered(self) -> bool:
        assert self._warm.stdout is not None
        return bool(select.select([self._warm.stdout], [], [], LOOK_SECONDS)[0])
