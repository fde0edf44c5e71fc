"""The source of a camera's frames, as the configuration spells it: ``file:street.mp4``, ``usb:/dev/video0``, ``rtsp://…``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edged.config.problems import redacted, shown
from edged.config.sections.camera_kinds import CAMERA_KINDS, CameraKind, listed

__all__ = ["SOURCE_PATTERN", "SourceSpec"]

SOURCE_PATTERN = f"^({'|'.join(kind.prefix + '.' * kind.needs_target for kind in CAMERA_KINDS)})"
"""The beginning of a source, as a regular expression for editors."""


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A kind of camera and what it opens.

    ``target`` is the path of a video for ``file`` and of a folder for ``dir``, a device's path or a part of its name
    for ``usb``, a number, Id or model for ``picamera``, nothing or ``WIDTHxHEIGHT`` for ``pattern``, and the whole URL
    for the others. ``str()`` and ``repr()`` are for people, and show no user and password of a URL.
    """

    kind: CameraKind
    target: str

    def __str__(self) -> str:
        return redacted(self.target) if self.kind.is_url else f"{self.kind.prefix}{self.target}"

    def __repr__(self) -> str:
        return f"SourceSpec({redacted(str(self))!r})"

    @classmethod
    def parse(cls, text: str, folder: Path) -> SourceSpec:
        """Return the source that *text* names; a relative path of a file or folder starts at *folder*.

        Raises:
            ValueError: *text* does not name a source.
        """
        for kind in CAMERA_KINDS:
            if text.startswith(kind.prefix):
                return cls(kind, kind.read_target(text, folder))
        prefixes = listed([kind.prefix for kind in CAMERA_KINDS], "or")
        raise ValueError(f"must begin with {prefixes} (got {shown(text)})")
