"""A booted Debian with edged in it, as tests see it: its units, its files and its journal."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable

from tests.fakes import eventually
from tests.service.debian import Debian

__all__ = ["CONFIG", "UNITS", "Board"]

UNITS = "/etc/systemd/system"
CONFIG = "/etc/edged/edged.yaml"


class Board:
    """A booted Debian with edged in it."""

    def __init__(self, debian: Debian) -> None:
        self.ask = debian.ask
        self.network = debian.network

    def sh(self, script: str) -> str:
        return self.ask("sh", "-ec", script)

    def show(self, name: str, unit: str = "edged") -> str:
        """A property of the service, or of another *unit*."""
        return self.ask("systemctl", "show", "--value", f"--property={name}", unit).strip()

    def set_up(self, drop_in: str = "", config: str | None = None) -> None:
        """Start with a fresh journal, a drop-in, and a configuration other than the one to begin with."""
        folder = f"{UNITS}/edged.service.d"
        self.sh(f"systemctl stop edged; systemctl reset-failed edged 2>/dev/null || true; mkdir -p {folder}")
        self.write(f"{folder}/test.conf", f"[Service]\n{drop_in}\n")
        if config is not None:
            self.write(CONFIG, config)
        self.sh("journalctl --rotate --vacuum-time=1s 2>/dev/null; systemctl daemon-reload; date +%s.%N >/run/since")
        self.ask("systemctl", "start", "edged", check=config is None)

    def write(self, path: str, text: str) -> None:
        self.sh(f"printf %s {shlex.quote(text)} >{path}")

    def journal(self, unit: str = "edged") -> str:
        """What the service, or another *unit*, and systemd have said of it since the service was set up."""
        return self.sh(f"journalctl --unit={unit} --output=cat --no-pager --since=@$(cat /run/since)")

    def wait(self, condition: Callable[[], bool], what: str, seconds: float = 60.0) -> float:
        begin = time.monotonic()
        try:
            eventually(condition, what, seconds)
        except AssertionError:
            print(self.journal())
            raise
        return time.monotonic() - begin

    def wait_for_another(self, pid: str) -> float:
        """Wait until the service runs as another process; returns how many seconds that took."""

        def runs() -> bool:
            shown = self.ask("systemctl", "show", "--property=MainPID,SubState", "edged").split()
            return "SubState=running" in shown and f"MainPID={pid}" not in shown and "MainPID=0" not in shown

        return self.wait(runs, "another process")
