"""Memory, file descriptors and threads of a process, as the kernel counts them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Vitals", "vitals"]

_KIB = 1024


@dataclass(frozen=True, slots=True)
class Vitals:
    """The figures of one moment. ``seconds`` since the beginning; memory in bytes.

    ``resident`` (RSS) counts pages of files too, which the kernel takes and gives back as it likes; ``own`` is what the
    process itself has asked for.
    """

    seconds: float
    resident: int
    own: int
    fds: int
    threads: int


def vitals(pid: int, seconds: float) -> Vitals:
    """Look at the process *pid*.

    Raises:
        OSError: it is gone.
    """
    process = Path("/proc", str(pid))
    fields = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    if "VmRSS" not in fields:
        raise ProcessLookupError(f"process {pid} has ended")
    fds = sum(1 for _ in (process / "fd").iterdir())
    return Vitals(seconds, _bytes(fields["VmRSS"]), _bytes(fields["RssAnon"]), fds, int(fields["Threads"]))


def _bytes(field: str) -> int:
    return int(field.split()[0]) * _KIB
