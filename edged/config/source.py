"""Where a camera's frames come from, as the config says it: ``file:street.mp4``, ``usb:/dev/video0``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edged.config.paths import absolute
from edged.config.problems import redacted, shown

__all__ = ["SOURCE_KINDS", "SourceKind", "SourceSpec"]

SourceKind = Literal["file", "usb"]

SOURCE_KINDS: tuple[SourceKind, ...] = ("file", "usb")

_PATHS = {"file", "usb"}  # their targets are paths, which hold no password


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A kind of source and what it opens.

    ``target`` is the path of a video for ``file`` and of a device for ``usb``. ``str()`` and ``repr()`` are for people:
    a kind that takes a URL shows no password there.
    """

    kind: SourceKind
    target: str

    @property
    def is_live(self) -> bool:
        """Do frames come whether or not anybody reads them?"""
        return self.kind != "file"

    def __str__(self) -> str:
        text = f"{self.kind}:{self.target}"
        return text if self.kind in _PATHS else redacted(text)

    def __repr__(self) -> str:
        return f"SourceSpec({redacted(str(self))!r})"

    @classmethod
    def parse(cls, text: str, folder: Path) -> SourceSpec:
        """The source that *text* names; a relative path of a file starts at *folder*.

        Raises:
            ValueError: *text* names none.
        """
        kind, colon, target = text.partition(":")
        match kind if colon else "":
            case "file":
                return cls("file", _video(target, text, folder))
            case "usb":
                if not target.startswith("/"):
                    raise ValueError(f"must name a device file, such as usb:/dev/video0 (got {shown(text)})")
                return cls("usb", target)
            case _:
                kinds = " or ".join(f"{kind}:" for kind in SOURCE_KINDS)
                raise ValueError(f"must begin with {kinds} and go on with a path (got {shown(text)})")


def _video(target: str, text: str, folder: Path) -> str:
    if not target or target.startswith("//"):
        raise ValueError(f"must name a video file by its path, such as file:street.mp4 (got {shown(text)})")
    return str(absolute(target, folder))
