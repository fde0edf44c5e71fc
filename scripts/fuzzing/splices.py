"""Random damage of bytes, as pieces that are replaced."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Splice", "random_splice", "spliced"]

MOST_BYTES = 2 << 20


@dataclass(frozen=True, slots=True)
class Splice:
    """A damage: the bytes from *start* to *end* become *content*."""

    start: int
    end: int
    content: bytes


def random_splice(
    whole: bytes, chance: random.Random, words: Sequence[bytes], others: Sequence[bytes], before: int | None = None
) -> Splice:
    """Return a damage of *whole* that starts in its first *before* bytes: it may put in one of *words*, which mean
    something there, or a piece of one of *others*."""
    start = chance.randrange(max(1, min(len(whole) if before is None else before, len(whole))))
    end = min(len(whole), start + chance.choice((1, 2, 7, 50, 500)))
    hit = whole[start:end]
    match chance.randrange(8):
        case 0:
            return Splice(start, end, bytes(byte ^ 1 << chance.randrange(8) for byte in hit[:2]))
        case 1:
            return Splice(start, end, chance.randbytes(end - start))
        case 2:
            return Splice(start, end, b"")
        case 3:
            return Splice(start, end, hit + hit)
        case 4:
            times = chance.choice((2, 100, 5000, 65536 // (end - start + 1)))
            return Splice(start, end, (hit * times)[:MOST_BYTES])
        case 5:
            other = chance.choice(others)
            begin = chance.randrange(max(1, len(other)))
            return Splice(start, end, other[begin : begin + chance.choice((10, 300, 3000))])
        case 6:
            return Splice(start, len(whole), b"")
        case _:
            return Splice(start, chance.choice((start, end)), chance.choice(words))


def spliced(whole: bytes, splice: Splice) -> bytes:
    """Return *whole* with that damage, cut to 2 MiB."""
    return (whole[: splice.start] + splice.content + whole[splice.end :])[:MOST_BYTES]
