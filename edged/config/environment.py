"""What the machine and its environment say: the only place that asks them."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

__all__ = ["default_endpoints", "default_node", "default_num_threads", "runtime_folder"]

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
    given = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]  # systemd separates several by ':'
    if Path(given).is_absolute():
        return Path(given)
    session = os.environ.get("XDG_RUNTIME_DIR", "")
    return Path(session) / "edged" if Path(session).is_absolute() else None


def default_endpoints() -> list[str]:
    """Where messages are published unless the file says otherwise: a socket file, and TCP on this machine only."""
    folder = runtime_folder()
    tcp = "pub+bind:tcp://127.0.0.1:5556"
    return [tcp] if folder is None else [f"pub+bind:ipc://{folder / 'pub.sock'}", tcp]
