"""The exit statuses of every command."""

from __future__ import annotations

__all__ = ["EXIT_CONFIG", "EXIT_FAILURE", "EXIT_INTERRUPTED"]

EXIT_FAILURE = 1
EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h: RestartPreventExitStatus in the systemd unit names it
EXIT_INTERRUPTED = 130
