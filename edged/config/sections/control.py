"""The section ``control``: the socket by which commands such as ``edged enroll`` reach the running daemon."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from edged.config.environment import runtime_folder
from edged.config.problems import shown
from edged.config.sections.endpoint import LONGEST_SOCKET_PATH, Endpoint
from edged.config.sections.fields import Read, Section

__all__ = ["ControlConfig"]

SOCKET_NAME = "control.sock"


def _default() -> str | None:
    folder = runtime_folder()
    if folder is None or len(bytes(folder / SOCKET_NAME)) > LONGEST_SOCKET_PATH:
        return None
    return f"ipc://{folder / SOCKET_NAME}"


def _parse(text: str, folder: Path) -> Endpoint:
    if not text.startswith("ipc://"):
        raise ValueError(
            "must be ipc:// and the path of a socket file, because everybody who reaches it controls edged and sees "
            f"its pictures (got {shown(text)})"
        )
    return Endpoint.parse(f"pub+bind:{text}", folder)


class ControlConfig(Section):
    """The socket by which commands such as 'edged enroll' and 'edged reload' reach the running daemon."""

    endpoint: (
        Annotated[
            Endpoint,
            Read(str, _parse, lambda endpoint: endpoint.address),
            Field(json_schema_extra={"pattern": "^ipc://."}),
        ]
        | None
    ) = Field(
        default_factory=_default,
        validate_default=True,
        description="A socket file, for edged's own user and group only; null: none. Default: "
        "ipc://$RUNTIME_DIRECTORY/control.sock, else ipc://$XDG_RUNTIME_DIR/edged/control.sock.",
    )

    @property
    def is_chosen(self) -> bool:
        """True where the file names the socket; else it is the default."""
        return "endpoint" in self.model_fields_set
