"""The lines of a text, and the comments that belong to what stands in them."""

from __future__ import annotations

import re
from bisect import bisect_right

__all__ = ["TextLines"]

_BREAK = re.compile(r"\r\n?|\n")


class TextLines:
    """The lines of *text* by number, from 0. Line ends are as they are: LF, CR LF or CR."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(found.end() for found in _BREAK.finditer(text))]
        first = _BREAK.search(text)
        self._usual_break = first[0] if first else "\n"

    def number(self, index: int) -> int:
        """Return the line that ``text[index]`` is in."""
        return bisect_right(self._starts, index) - 1

    def start(self, line: int) -> int:
        """Return where *line* begins; the end of the text for a line past the last."""
        return self._starts[line] if line < len(self._starts) else len(self._text)

    def content(self, line: int) -> str:
        """Return *line* without its line end."""
        return self._text[self.start(line) : self.start(line + 1)].rstrip("\r\n")

    def end(self, line: int) -> int:
        """Return where *line* ends, before its line end."""
        return self.start(line) + len(self.content(line))

    def column(self, index: int) -> int:
        """Return how far ``text[index]`` is from the begin of its line."""
        return index - self.start(self.number(index))

    def break_at(self, line: int) -> str:
        """Return the line end of *line*; that of the first line, where it has none."""
        return self._text[self.end(line) : self.start(line + 1)] or self._usual_break

    def is_comment(self, line: int, least: int = 0, most: int | None = None) -> bool:
        """Whether *line* is only a comment, whose column is *least* to *most*."""
        content = self.content(line)
        column = len(content) - len(content.lstrip(" "))
        return content[column : column + 1] == "#" and least <= column and (most is None or column <= most)

    def is_blank(self, line: int) -> bool:
        """Whether nothing stands in *line*."""
        return not self.content(line).strip()

    @property
    def count(self) -> int:
        """Count of lines; the empty one after a last line end is none."""
        return len(self._starts) - (self._starts[-1] == len(self._text))

    def own_comments_above(self, line: int, column: int) -> int:
        """Return the first of the comment lines right above *line*, at that *column*; *line*, if there are none.

        Comments that begin the text are about all of it.
        """
        first = line
        while first > 0 and self.is_comment(first - 1, column, column):
            first -= 1
        return first or line

    def own_comments_below(self, line: int, least: int, *, past_blanks: bool = False) -> int:
        """Return the last of the comment lines right below *line*, from column *least* on; *line*, if there are none.

        With *past_blanks* there may be blank lines before each.
        """
        last = line
        while line + 1 < self.count:
            line += 1
            if self.is_comment(line, least):
                last = line
            elif not (past_blanks and self.is_blank(line)):
                break
        return last
