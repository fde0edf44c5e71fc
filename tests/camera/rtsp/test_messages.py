"""RTSP messages and the packets between them, however they are cut."""

from __future__ import annotations

import pytest

from edged.camera.rtsp.messages import LONGEST_BODY, Interleaved, RtspMessage, RtspReader, request
from tests.camera.rtsp.clips import rtp
from tests.camera.rtsp.server import interleaved

STREAM = (
    b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 5\r\n\r\nv=0\r\n"
    b"$\x00\x00\x03abc"
    b"\r\n"
    b"$\x01\x00\x00"
    b"RTSP/1.0 401 Unauthorized\nCSeq: 2\n\n"
    b"OPTIONS rtsp://host/ RTSP/1.0\r\nCSeq: 7\r\n\r\n"
    b"$\x00\x00\x01\r"
)


def read(content: bytes, step: int) -> list[object]:
    """What comes out, with payloads and bodies as bytes, where *step* bytes arrive at a time."""
    reader, items = RtspReader(), list[object]()
    for at in range(0, len(content), step):
        piece = content[at : at + step]
        reader.free_space()[: len(piece)] = piece
        reader.received(len(piece))
        while (item := reader.take()) is not None:
            if isinstance(item, Interleaved):
                items.append((item.channel, bytes(item.payload)))
            else:
                items.append((item.method or item.status, item.headers.get("CSeq"), item.body))
    return items


@pytest.mark.parametrize("step", [1, 2, 3, 7, 50, 1000])
def test_messages_and_packets_are_found_wherever_they_are_cut(step: int) -> None:
    assert read(STREAM, step) == [
        (200, "1", b"v=0\r\n"),
        (0, b"abc"),
        (1, b""),
        (401, "2", b""),
        ("OPTIONS", "7", b""),
        (0, b"\r"),
    ]


def test_the_buffer_is_used_again_and_again() -> None:
    packets = b"".join(b"$\0" + size.to_bytes(2) + bytes(size) for size in range(0, 65_536, 1111))
    items = read(packets * 3, 40_000)
    assert items == 3 * [(0, bytes(size)) for size in range(0, 65_536, 1111)]


def test_the_largest_head_with_the_largest_body_fits() -> None:
    head = b"RTSP/1.0 200 OK\r\n" + b"".join(b"a%d: %s\r\n" % (n, b"x" * 8000) for n in range(8))
    content = head + b"Content-Length: %d\r\n\r\n" % LONGEST_BODY + b"y" * LONGEST_BODY
    assert read(content, 1000) == [(200, "", b"y" * LONGEST_BODY)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", "it does not answer as an RTSP server does"),
        (b"\x00", "it does not answer as an RTSP server does"),
        (b"\r\n" * 33, "it sends line ends only"),
        (b"RTSP/1.0 2000 OK\r\n\r\n", "it does not answer as an RTSP server does"),
        (b"RTSP/1.0 200 OK\r\nContent-Length: 65537\r\n\r\n", "an answer of 65537 bytes; edged takes 65536"),
        (
            b"RTSP/1.0 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
            "the length of its answer is not a number",
        ),
        (b"RTSP/1.0 200 OK\r\nContent-Length: 1e3\r\n\r\n", "the length of its answer is not a number"),
        (b"RTSP/1.0 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n", "more than 100 headers"),
        (b"RTSP/1.0 200 OK\r\na: " + b"b" * 8200 + b"\r\n\r\n", "a line of more than 8192 bytes"),
        (b"RTSP/1.0 200 OK\r\n" + b"a: b\r\n" * 11_000, "a head of more than 65536 bytes"),
    ],
)
def test_what_is_not_rtsp_or_too_long_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read(content, 1000)


def test_a_request_is_one_line_a_header_and_an_empty_line() -> None:
    assert request("PLAY", "rtsp://h/", {"CSeq": "3"}) == b"PLAY rtsp://h/ RTSP/1.0\r\nCSeq: 3\r\n\r\n"


def test_a_response_has_its_reason() -> None:
    reader = RtspReader()
    content = b"RTSP/1.0 454 Session Not Found\r\n\r\n"
    reader.free_space()[: len(content)] = content
    reader.received(len(content))
    message = reader.take()
    assert isinstance(message, RtspMessage)
    assert (message.status, message.reason) == (454, "Session Not Found")


@pytest.mark.parametrize("step", [1, 5, 16, 61, 1000])
def test_packets_of_one_time_are_passed_over_and_nothing_else(step: int) -> None:
    def packet(channel: int, number: int, timestamp: int) -> bytes:
        return interleaved(channel, rtp(b"x" * (number % 7), number, timestamp))

    content = b"".join(packet(0, number, 7) for number in range(65_530, 65_540))
    content += packet(1, 1, 7) + packet(0, 2, 7) + interleaved(0, b"short") + packet(0, 3, 8) + packet(0, 4, 7)
    content += b"RTSP/1.0 200 OK\r\n\r\n" + packet(0, 5, 7)
    reader, taken, skipped = RtspReader(), list[bytes | int](), list[int]()
    for at in range(0, len(content), step):
        piece = content[at : at + step]
        reader.free_space()[: len(piece)] = piece
        reader.received(len(piece))
        while True:
            packets, last = reader.skip(0, 7)
            skipped += [last - packets + 1 + n & 0xFFFF for n in range(packets)]
            item = reader.take()
            if item is None:
                break
            taken.append(bytes(item.payload[1:8]) if isinstance(item, Interleaved) else item.status)
    assert skipped == [number & 0xFFFF for number in (*range(65_530, 65_540), 2, 4, 5)]
    assert taken == [rtp(b"", 1, 7)[1:8], b"hort", rtp(b"", 3, 8)[1:8], 200]
