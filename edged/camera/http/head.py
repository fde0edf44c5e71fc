"""The head of an answer: its status line and its header lines (RFC 9112), each within a limit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["LONGEST_HEAD", "LONGEST_LINE", "MOST_LINES", "Head", "HeadEnd", "Headers", "read_head", "read_headers"]

LONGEST_HEAD = 65536
LONGEST_LINE = 8192
MOST_LINES = 100

_STATUS = re.compile(rb"(?:HTTP/1\.[01]|ICY) ([0-9]{3})(?: ([^\r\n]*+))?\r?")
_END = re.compile(rb"\n\r?\n")
_CONTROLS = dict.fromkeys(range(32), " ")  # a bare CR, above all, which must not come back in a request


class Headers:
    """Header lines by name, in any case."""

    def __init__(self, values: Mapping[str, Sequence[str]] | None = None) -> None:
        self._values = values or {}

    def get(self, name: str) -> str:
        """Return the first value of *name*; empty where there is none."""
        return self.all(name)[0] if self.all(name) else ""

    def all(self, name: str) -> Sequence[str]:
        """Return every value of *name*, in their order."""
        return self._values.get(name.lower(), ())


@dataclass(frozen=True, slots=True)
class Head:
    """A status, its reason as the server sent it, and the headers."""

    status: int
    reason: str
    headers: Headers


class HeadEnd:
    """Finds the end of a head, or of the header of a part, as bytes arrive: each byte is looked at once."""

    def __init__(self, start: int = 0) -> None:
        self._searched = start

    def find(self, received: bytes | bytearray, until: int) -> int | None:
        """Return where the empty line ends, within the first *until* bytes of *received*; None if that is to come."""
        found = _END.search(received, self._searched, until)
        if found is None:
            self._searched = max(self._searched, until - 2)
            return None
        return found.end()

    def moved(self, by: int) -> None:
        """Take note that the bytes stand *by* bytes further to the front now."""
        self._searched = max(0, self._searched - by)


def read_head(content: bytes) -> Head:
    """Take a whole head apart. Lines without a colon are passed over; one that begins with a space goes on the last.

    Raises:
        ValueError: this is not the head of an answer, or too much of one.
    """
    first, *lines = content.split(b"\n")
    status = _STATUS.fullmatch(first)
    if status is None:
        raise ValueError("it does not answer as a web server does")
    return Head(int(status[1]), (status[2] or b"").decode("latin-1").strip(), read_headers(lines, len(first)))


def read_headers(lines: Sequence[bytes], longest: int) -> Headers:
    """Take the lines after the first apart, which was *longest* bytes long.

    Raises:
        ValueError: they are too many or too long.
    """
    if len(lines) > MOST_LINES + 2:  # the empty line, and what follows its end
        raise ValueError(f"its answer has more than {MOST_LINES} headers")
    values: dict[str, list[str]] = {}
    last: list[str] = []
    for line in lines:
        longest = max(longest, len(line))
        text = line.decode("latin-1").translate(_CONTROLS)
        name, colon, value = text.partition(":")
        if text[:1] == " " and last:
            last[-1] = f"{last[-1]} {text.strip()}".strip()
            longest = max(longest, len(last[-1]))
        elif colon:
            last = values.setdefault(name.strip().lower(), [])
            last.append(value.strip())
        if longest > LONGEST_LINE:
            raise ValueError(f"its answer has a line of more than {LONGEST_LINE} bytes")
    return Headers(values)
