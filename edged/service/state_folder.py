"""The folder in which a service keeps state between its runs."""

from __future__ import annotations

import logging
import os
from pathlib import Path

__all__ = ["warn_if_read_only"]

log = logging.getLogger(__name__)


def warn_if_read_only(folder: Path | None) -> None:
    """Log one warning if *folder* cannot be written to, such as on a memory card that is worn out."""
    if folder is not None and os.access(folder, os.F_OK) and not os.access(folder, os.W_OK | os.X_OK):
        log.warning("%s cannot be written to: edged runs, but does not remember what it learns", folder)
