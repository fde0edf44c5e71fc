"""Pictures found in a multipart stream, wherever it is cut."""

from __future__ import annotations

import random

import pytest

from edged.camera.http.parts import LARGEST_PART, MOST_PARTS, MOST_PARTS_AT_ONCE, Parts
from tests.allocated import allocated


def feed(parts: Parts, received: bytes) -> bool:
    """Hand *received* over as fast as there is space."""
    found = False
    while received:
        space = parts.free_space()
        piece, received = received[: len(space)], received[len(space) :]
        space[: len(piece)] = piece
        found |= parts.received(len(piece))
    return found


def newest(parts: Parts) -> bytes:
    view = parts.newest
    assert view is not None
    return bytes(view)


def part(content: bytes, length: bool = True) -> bytes:
    header = b"Content-Type: image/jpeg\r\n" + (b"Content-LENGTH : %d \r\n" % len(content) if length else b"")
    return b"--cut\r\n" + header + b"\r\n" + content + b"\r\n"


@pytest.mark.parametrize("length", [True, False])
def test_parts_are_found_byte_by_byte_and_at_every_cut(length: bool) -> None:
    rng = random.Random(1)
    contents = [rng.randbytes(rng.randrange(200)) + b"-" for _ in range(50)]
    stream = b"preamble\r\n" + b"".join(part(content, length) for content in contents) + b"--cut--\r\n"
    for longest in (1, 2, 7, 100, 5000):
        parts, at, found = Parts(b"cut"), 0, []
        while at < len(stream):
            count = rng.randint(1, longest)
            if feed(parts, stream[at : at + count]):
                found.append(newest(parts).rstrip(b"\r\n"))
                parts.forget()
            at += count
        assert found[-1] == contents[-1]
        assert [content for content in contents if content in found] == found
        assert longest > 2 or found == contents


def test_parts_of_no_said_length_are_whole_although_the_buffer_moves() -> None:
    rng = random.Random(2)
    contents = [rng.randbytes(rng.randrange(30_000, 120_000)) + b"-" for _ in range(80)]
    stream = b"".join(part(content, length=False) for content in contents) + b"--cut--\r\n"
    parts, at, found = Parts(b"cut"), 0, []
    while at < len(stream):
        count = rng.randint(1, 25_000)  # less than any part, so that none is passed over for a newer one
        if feed(parts, stream[at : at + count]):
            found.append(newest(parts).removesuffix(b"\r\n"))
            parts.forget()
        at += count
    assert len(found) == 80
    assert found == contents


def test_of_several_parts_the_newest_is_kept() -> None:
    parts = Parts(b"cut")
    assert feed(parts, part(b"one") + part(b"two") + b"--cut\r\nContent-Length: 5\r\n\r\nthr")
    assert newest(parts) == b"two"
    assert not feed(parts, b"e")
    assert newest(parts) == b"two"
    assert feed(parts, b"e")
    assert newest(parts) == b"three"


def test_a_part_stays_as_it_is_while_the_next_ones_come_in_until_it_is_forgotten() -> None:
    parts = Parts(b"cut")
    content = bytes(range(256)) * 1000
    assert feed(parts, part(content))
    assert not feed(parts, part(bytes(3_000_000))[:2_500_000])  # the buffer has to grow
    assert newest(parts) == content
    parts.forget()
    assert parts.newest is None


def test_a_long_stream_needs_no_more_memory_than_its_largest_part() -> None:
    parts = Parts(b"cut")
    stream = memoryview(b"".join(part(bytes(100_000)) for _ in range(5)))
    feed(parts, bytes(stream))

    def receive() -> None:
        for _ in range(7):
            for at in range(0, len(stream), 9_999):
                piece = stream[at : at + 9_999]
                parts.free_space()[: len(piece)] = piece
                parts.received(len(piece))
                parts.forget()

    assert allocated(receive).peak < 4096


def test_a_delimiter_that_is_cut_is_still_found() -> None:
    parts = Parts(b"cut")
    stream = part(b"a--cu-t--cut", length=False)[:-2] + b"\r\n--cut\r\n"
    found = [newest(parts) for byte in stream if feed(parts, bytes([byte]))]
    # A delimiter inside a part without a length ends it: nobody could tell.
    assert found == [b"a--cu-t"]


def test_a_wrong_length_costs_that_part_and_not_the_next() -> None:
    parts = Parts(b"cut")
    assert feed(parts, b"--cut\r\nContent-Length: 2\r\n\r\nlonger than two\r\n" + part(b"good"))
    assert newest(parts) == b"good"


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (b"--cut\r\n" + b"X: y\r\n" * 2000, "header"),
        (b"--cut\r\nContent-Length: %d\r\n\r\n" % (LARGEST_PART + 1), f"{LARGEST_PART + 1} bytes"),
        (b"--cut\r\n\r\n" + bytes(LARGEST_PART + 200_000), f"more than {LARGEST_PART} bytes"),
    ],
)
def test_what_would_grow_without_end_is_refused(stream: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        feed(Parts(b"cut"), stream)


def test_what_never_is_a_part_does_not_pile_up() -> None:
    parts = Parts(b"cut")
    for _ in range(100):
        assert not feed(parts, bytes(1_000_000))
    assert len(parts.free_space()) < 1_000_000


def test_parts_that_are_too_small_for_pictures_are_refused() -> None:
    feed(Parts(b"c"), b"--c\n\n" * MOST_PARTS_AT_ONCE)
    with pytest.raises(ValueError, match="too small for pictures"):
        feed(Parts(b"c"), b"--c\n\n" * (MOST_PARTS_AT_ONCE + 2))


def test_a_server_that_sends_too_many_parts_a_second_is_refused() -> None:
    parts, piece = Parts(b"cut", b"\xff\xd8"), part(b"\xff\xd8" + b"x" * 1000)

    def flood() -> None:
        for _ in range(10 * MOST_PARTS):
            feed(parts, piece)

    with pytest.raises(ValueError, match=f"^it sends more than {MOST_PARTS} parts a second$"):
        flood()


def test_the_parts_of_each_second_are_counted_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    parts, piece = Parts(b"cut"), part(b"x" * 240) * 100
    for _ in range(3):
        for _ in range(MOST_PARTS // 100):
            feed(parts, piece)
        now += 1.0
