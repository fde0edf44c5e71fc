"""Text that a peer has sent, made fit for a log, a status message and a terminal."""

from __future__ import annotations

__all__ = ["LONGEST_PEER_TEXT", "peer_text"]

LONGEST_PEER_TEXT = 200


def peer_text(text: str | bytes, longest: int = LONGEST_PEER_TEXT) -> str:
    """Return *text* on one line, printable, and of at most *longest* characters; bytes are read as Latin-1.

    Every text of a peer that is shown passes through here: a camera's answer, an error of a library that quotes one, a
    broker's reason, a word of a caller. It may hold escape sequences, line ends, and a megabyte.
    """
    start = text[: longest + 1]
    shown = start if isinstance(start, str) else start.decode("latin-1")
    safe = "".join(character if character.isprintable() else " " if character.isspace() else "?" for character in shown)
    return safe if len(safe) <= longest else f"{safe[: longest - 1]}…"
