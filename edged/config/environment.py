"""What the machine and its environment say: the only place that asks them."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

__all__ = [
    "default_endpoints",
    "default_node",
    "default_num_threads",
    "journal_stream",
    "notify_address",
    "runtime_folder",
    "state_folder",
    "watchdog_seconds",
]

MOST_THREADS = 4


def default_node() -> str:
    """The host name made to fit a topic: its first label, other characters than a-z, 0-9, '_' and '-' replaced."""
    label = socket.gethostname().partition(".")[0].lower()
    fitting = re.sub(r"[^a-z0-9_-]", "-", label).lstrip("-_")[:64]
    return fitting or "edged"


def default_num_threads() -> int:
    """One thread fewer than there are cores for this process, in 1…4.

    TFLite's pool spins while it waits: on every core of a busy machine it slows itself down several times over.
    """
    return max(1, min(MOST_THREADS, len(os.sched_getaffinity(0)) - 1))


def runtime_folder() -> Path | None:
    """Where sockets live: ``$RUNTIME_DIRECTORY`` (from systemd), else ``$XDG_RUNTIME_DIR/edged``, else None.

    The folder need not exist yet.
    """
    if (given := _service_folder("RUNTIME_DIRECTORY")) is not None:
        return given
    session = os.environ.get("XDG_RUNTIME_DIR", "")
    return Path(session) / "edged" if Path(session).is_absolute() else None


def default_endpoints() -> list[str]:
    """Where messages are published unless the file says otherwise: a socket file, and TCP on this machine only."""
    folder = runtime_folder()
    tcp = "pub+bind:tcp://127.0.0.1:5556"
    return [tcp] if folder is None else [f"pub+bind:ipc://{folder / 'pub.sock'}", tcp]


def state_folder() -> Path | None:
    """Where what is learnt is kept for the next start. It need not exist yet; None for a user without a home.

    ``$STATE_DIRECTORY`` (from systemd), else ``$XDG_STATE_HOME/edged``, else ``~/.local/state/edged``.
    """
    if (given := _service_folder("STATE_DIRECTORY")) is not None:
        return given
    state = Path(os.environ.get("XDG_STATE_HOME", ""))
    try:
        return (state if state.is_absolute() else Path.home() / ".local" / "state") / "edged"
    except RuntimeError:
        return None


def notify_address() -> str | None:
    """Where a service manager hears of this process: ``$NOTIFY_SOCKET``, see sd_notify(3); None where there is none."""
    return os.environ.get("NOTIFY_SOCKET") or None


def journal_stream() -> tuple[int, int] | None:
    """Device and inode of the stream by which what a service prints gets into the journal: ``$JOURNAL_STREAM``."""
    given = re.fullmatch(r"([0-9]{1,20}):([0-9]{1,20})", os.environ.get("JOURNAL_STREAM", ""))
    return (int(given[1]), int(given[2])) if given else None


def watchdog_seconds() -> float | None:
    """The longest time without a sign of life that the service manager bears; None if it does not watch this process.

    From ``$WATCHDOG_USEC``, unless ``$WATCHDOG_PID`` names another process; see sd_watchdog_enabled(3).
    """
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    given = os.environ.get("WATCHDOG_USEC", "")
    return int(given) / 1e6 if re.fullmatch("0*[1-9][0-9]{0,18}", given) else None


def _service_folder(variable: str) -> Path | None:
    given = os.environ.get(variable, "").partition(":")[0]  # systemd separates several by ':'
    return Path(given) if Path(given).is_absolute() else None
