"""Another library in a process, and an environment, of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from tests.peers.framing import Array, receive, send

ROOT = Path(__file__).parent.parent.parent
ENVIRONMENTS = ROOT / ".venv-peers"
PICTURES = ENVIRONMENTS / "pictures"
MADE = "edged-peer"
"""The file that scripts/peers leaves behind where it has finished."""


class PeerError(Exception):
    """What the peer raised: its class is ``kind``."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Peer:
    """Starts the peer *name* and asks it; ends it on ``close``."""

    def __init__(self, name: str) -> None:
        python = ENVIRONMENTS / name / "bin" / "python"
        module = f"tests.peers.{name.replace('-', '_')}_peer"
        self._process = subprocess.Popen(
            [python, "-m", module], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._calls, self._answers = self._process.stdin, self._process.stdout

    @staticmethod
    def exists(name: str) -> bool:
        return (ENVIRONMENTS / name / MADE).exists()

    def ask(self, call: str, *arrays: Array, **settings: Any) -> tuple[dict[str, Any], list[Array]]:
        """What the function *call* of the peer answers.

        Raises:
            EOFError: the peer died.
            PeerError: the function raised.
        """
        send(self._calls, {"call": call, **settings}, list(arrays))
        header, answered = receive(self._answers)
        if "error" in header:
            raise PeerError(header["error"], header["message"])
        return header, answered

    def load(self, model: bytes, **settings: bool) -> int:
        """The number of an embedder with *model*, for further calls."""
        header, _ = self.ask("load", np.frombuffer(model, np.uint8), **settings)
        number: int = header["number"]
        return number

    def embed(self, number: int, image: Array, **settings: Any) -> list[Array]:
        """The vectors of *image*, one for each head."""
        return self.ask("embed", image, number=number, **settings)[1]

    def close(self) -> None:
        self._calls.close()
        self._process.wait(10)
        self._answers.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
