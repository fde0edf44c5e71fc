"""Chunked bodies, wherever they are cut."""

from __future__ import annotations

import random

import pytest

from edged.camera.http.chunks import MOST_LINES_AT_ONCE, Chunks


def unchunked(body: bytes, longest: int, rng: random.Random) -> tuple[bytes, bool]:
    """What is in *body*, and whether its end has come."""
    chunks, found, at = Chunks(), b"", 0
    while at < len(body):
        piece = bytearray(body[at : at + rng.randint(1, longest)])
        at += len(piece)
        kept = chunks.strip(memoryview(piece))
        found += piece[:kept]
    return found, chunks.ended


@pytest.mark.parametrize("longest", [1, 3, 20, 10_000])
def test_what_was_cut_in_chunks_is_put_together(longest: int) -> None:
    rng = random.Random(longest)
    content = [rng.randbytes(rng.randrange(1, 500)) for _ in range(40)]
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in content)
    assert unchunked(body, longest, rng) == (b"".join(content), False)
    assert unchunked(body + b"0\r\n\r\n", longest, rng) == (b"".join(content), True)


def test_extensions_capitals_and_bare_line_ends_are_taken() -> None:
    assert unchunked(b"A;name=value\n0123456789\n 0b \r\n0123456789a\r\n00\r\n", 5, random.Random(1))[0] == (
        b"01234567890123456789a"
    )


@pytest.mark.parametrize(
    "line", [b"xyz\r\n", b"-5\r\n", b"0x5\r\n", b"5_0\r\n", b"\r\n", b"1\nx\n\n", b"123456789\r\n", b"5" * 1100]
)
def test_what_is_no_size_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="the size of a chunk is"):
        Chunks().strip(memoryview(bytearray(line)))


def test_chunks_that_are_too_small_to_be_worth_reading_are_refused() -> None:
    body = b"1\nx\n" * (MOST_LINES_AT_ONCE // 2)
    assert Chunks().strip(memoryview(bytearray(body))) == MOST_LINES_AT_ONCE // 2
    with pytest.raises(ValueError, match="its chunks are too small"):
        Chunks().strip(memoryview(bytearray(body + b"1\nx\n")))
