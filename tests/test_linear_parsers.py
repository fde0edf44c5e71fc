"""Every parser of network text at its longest permitted input: its time grows with the input, and is short.

A parser holds the GIL, so that one peer whose text takes seconds would silence all cameras. The inputs are what regular
expressions, look-aheads and front-deleting buffers are slow at.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest

from edged.camera.http.address import Address
from edged.camera.http.auth import LONGEST_CHALLENGE, MOST_CHALLENGES, authorization
from edged.camera.http.chunks import Chunks
from edged.camera.http.content_type import boundary_of
from edged.camera.http.exchange import RECEIVED_AT_ONCE
from edged.camera.http.head import LONGEST_HEAD, LONGEST_LINE, HeadEnd, read_head
from edged.camera.http.parts import LARGEST_PART, LONGEST_HEADER, Parts
from edged.camera.http.redirects import redirected
from edged.camera.jpeg import check_jpeg
from edged.camera.onvif.xml import LONGEST_XML, read_xml
from edged.camera.rtsp.messages import LONGEST_BODY, RtspReader
from edged.camera.rtsp.sdp import video_track
from edged.config import CameraConfig
from edged.config.problems import brief, redacted
from edged.errors import EdgedError
from edged.label_text import escaped, unescaped
from edged.peer_text import peer_text
from edged.service.metrics.request import LONGEST_REQUEST, answer
from edged.transport.zmtp.frames import command
from edged.transport.zmtp.greeting import greeting
from edged.transport.zmtp.mechanism import Null
from edged.transport.zmtp.pub_end import PubEnd
from edged.transport.zmtp.router_end import MAX_MESSAGE_BYTES, RouterEnd
from edged.vision.pictures.exif import stored_orientation
from edged.vision.pictures.foreign_formats import foreign_format
from edged.vision.pictures.picture_size import claimed_size
from edged.vision.pictures.png_chunks import gray_key, without_text
from edged.wire.control import MAX_TRIAL_BYTES, read_envelope
from edged.wire.topics import parse_topic
from tests.raw_subscriber import HELLO, subscribe

ADDRESS = Address.parse("http://user:password@camera/stream")
SECONDS = 0.25  # of the processor, for the longest input
NEGLIGIBLE = 0.005
BYTE_BY_BYTE = 32_768  # of ZMTP: each byte alone takes some microseconds


def digest(text: str) -> None:
    authorization([text] * MOST_CHALLENGES, ADDRESS)


def head(text: bytes) -> None:
    for line in (text[:LONGEST_LINE], b"\r\n".join(text[at : at + 650] for at in range(0, len(text), 650))):
        read_head(b"HTTP/1.1 200 " + line + b"\r\n\r\n")


def head_byte_by_byte(text: bytes) -> None:
    end = HeadEnd()
    for until in range(len(text)):
        end.find(text, until)


def chunks(body: bytes) -> None:
    stripper = Chunks()
    for at in range(0, len(body), RECEIVED_AT_ONCE):
        stripper.strip(memoryview(bytearray(body[at : at + RECEIVED_AT_ONCE])))


def chunks_byte_by_byte(body: bytes) -> None:
    stripper = Chunks()
    for at in range(len(body)):
        stripper.strip(memoryview(bytearray(body[at : at + 1])))


def parts_in(step: int, boundary: bytes = b"b") -> Callable[[bytes], None]:
    def feed(body: bytes) -> None:
        parts = Parts(boundary)
        for at in range(0, len(body), step):
            piece = body[at : at + step]
            parts.free_space()[: len(piece)] = piece
            parts.received(len(piece))
            parts.forget()

    return feed


def rtsp_in(step: int) -> Callable[[bytes], None]:
    def feed(content: bytes) -> None:
        reader = RtspReader()
        for at in range(0, len(content), step):
            piece = content[at : at + step]
            reader.free_space()[: len(piece)] = piece
            reader.received(len(piece))
            while reader.take() is not None:
                pass

    return feed


def description(content: bytes) -> None:
    video_track(content, "rtsp://camera/")


def router_in(step: int) -> Callable[[bytes], None]:
    def feed(content: bytes) -> None:
        end = RouterEnd()
        for at in range(0, len(content), step):
            for _ in end.feed(content[at : at + step]):
                pass
            end.reply.clear()

    return feed


def publisher_in(step: int) -> Callable[[bytes], None]:
    def feed(content: bytes) -> None:
        end = PubEnd(Null())
        for at in range(0, len(content), step):
            for _ in end.feed(content[at : at + step]):
                pass
            end.reply.clear()

    return feed


def control(text: bytes) -> None:
    read_envelope(text).request()


def moved(location: str) -> None:
    redirected(ADDRESS, ADDRESS, location, "any")


def camera_url(url: str) -> None:
    CameraConfig.model_validate({"source": url})


def jpeg(content: bytes) -> None:
    check_jpeg(memoryview(content))


def xml(content: bytes) -> None:
    root = read_xml(content)
    for name in ("a", "b", "Uri"):
        root.get("a", name)
        sum(1 for _ in root.all(name))


def picture(content: bytes) -> None:
    for read in (claimed_size, stored_orientation, foreign_format):
        with suppress(ValueError):
            read(content)
    if content.startswith(b"\x89PNG"):
        with suppress(ValueError):
            without_text(content)
        gray_key(content)


def label(name: str) -> None:
    unescaped(name)
    unescaped(escaped(name))


@dataclass(frozen=True)
class Case:
    """A parser, and what it is slow at: *begin*, *unit* again and again up to *longest*, and *end*."""

    name: str
    parse: Callable[..., object]
    unit: str | bytes
    longest: int
    begin: str | bytes = ""
    end: str | bytes = ""

    def text(self, length: int) -> str | bytes:
        if isinstance(self.unit, bytes):
            begin, end = (text if isinstance(text, bytes) else text.encode() for text in (self.begin, self.end))
            return begin + (self.unit * (length // len(self.unit) + 1))[: length - len(begin) - len(end)] + end
        assert isinstance(self.begin, str)
        assert isinstance(self.end, str)
        space = length - len(self.begin) - len(self.end)
        return self.begin + (self.unit * (length // len(self.unit) + 1))[:space] + self.end

    def __str__(self) -> str:
        return f"{self.name} {self.begin!r} {self.unit!r}"[:60]


def cases() -> Iterator[Case]:
    for unit in ("w", "a=", '"', "\\", '\\"', '"\\', " ", ",", ", ", "digest ", "Digest a=b,", "=", "a =", "é"):
        for begin in ("Digest ", 'Digest realm="', 'Digest nonce="n", qop="', ""):
            yield Case("digest", digest, unit, LONGEST_CHALLENGE, begin)
    for unit in (";", ";=", ';="', '";', "=", " ", ";a=b", '"', "-", "b", ";boundary*0=c", "7", " -"):
        for begin in ("multipart/x", "multipart/x; boundary=", 'multipart/x; boundary="'):
            yield Case("boundary", boundary_of, unit, LONGEST_LINE, begin)
    for line in (b"a", b":", b" ", b"\t", b"a:", b"\r", b"a: b\r\n", b" b\r\n", b"\n", b"\x00", b"\xff", b"\r\n b"):
        yield Case("head", head, line, LONGEST_HEAD)
        yield Case("head byte by byte", head_byte_by_byte, line, LONGEST_HEAD)
    for piece in (
        b"\n",
        b"1\nx\n",
        b"1;" + b" " * 1000 + b"\nx\n",
        b"1" + b" " * 1000,
        b"20\n" + b"x" * 32 + b"\n",
        b"0",
    ):
        yield Case("chunks", chunks, piece, 16 * RECEIVED_AT_ONCE)
        yield Case("chunks byte by byte", chunks_byte_by_byte, piece, RECEIVED_AT_ONCE // 4)
    for piece in (b"-", b"--", b"--b", b"--b\n\n", b"--b\nx: y\n\n" + b"x" * 256, b"--a", bytes(99)):
        yield Case("parts", parts_in(RECEIVED_AT_ONCE), piece, LARGEST_PART // 4)
        yield Case("parts byte by byte", parts_in(1), piece, RECEIVED_AT_ONCE // 4)
    for piece in (b"\n", b"\r", b"Content-Length:", b"content-length : 1 ", b"\ncontent-length:", b"content-length\t"):
        yield Case("part header", parts_in(1), piece, LONGEST_HEADER, b"--b")
        yield Case("part header at once", parts_in(RECEIVED_AT_ONCE), piece, LONGEST_HEADER, b"--b", b"\n\n")
    for piece in (b"a", b"-", b"-a"):
        yield Case("parts with a long boundary", parts_in(RECEIVED_AT_ONCE, b"a" * 199 + b"b"), piece, LARGEST_PART)
    for piece in (
        b"\r\n",
        b"A",
        b"A /",
        b"RTSP/1.0 200 \r\n",
        b"$\0\0\0",
        b"$\0\0\1x",
        b"a:b\n",
        b"\n\r",
        b"RTSP/1.0 200\n\n",
    ):
        for first in (b"", b"RTSP/1.0 200 OK\r\n"):
            yield Case("RTSP", rtsp_in(65536), piece, LONGEST_HEAD, first)
            yield Case("RTSP byte by byte", rtsp_in(1), piece, LONGEST_HEAD // 4, first)
    video = b"m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
    for piece in (
        b"\n",
        b"m=\n",
        b"m=video 0 x 96\n",
        b"a=rtpmap:96 H264/90000\n",
        b"96 ",
        b";",
        b"=",
        b",",
        b"AAA,",
        b"%",
        b" ",
    ):
        for first in (b"", video, video + b"a=fmtp:96 sprop-parameter-sets=", video + b"a=control:", b"m=video 0 x "):
            yield Case("session description", description, piece, LONGEST_BODY, first)
    maps = b"a=rtpmap:9 X/1\n" * 900
    yield Case("session description of many types", description, b"9 ", LONGEST_BODY, b"m=video 0 x ", b"\n" + maps)
    for piece in (b"\x00\x00", b"\x01\x00", b"\x04\x00", b"\x04\x07\x04PING\x00\x00", b"\x00\x01x", b"\x02" + bytes(8)):
        yield Case("ZMTP", router_in(65536), piece, 65536, HELLO)
        yield Case("ZMTP byte by byte", router_in(1), piece, BYTE_BY_BYTE, HELLO)
    largest = b"\x02" + (MAX_MESSAGE_BYTES).to_bytes(8, "big")
    yield Case("the largest message byte by byte", router_in(1), b"x", MAX_MESSAGE_BYTES, HELLO + largest)
    for piece in (subscribe(b""), subscribe(b"x" * 500), b"\x00\x01\x00", command(b"PING", bytes(18)), command(b"A")):
        yield Case("publish port", publisher_in(4096), piece, 65536, HELLO)
        yield Case("publish port byte by byte", publisher_in(1), piece, BYTE_BY_BYTE, HELLO)
    yield Case("publish port handshake", publisher_in(1), b"\x01a\0\0\0\0", 2000, HELLO[:66] + b"\5READY")
    yield Case("ZMTP greeting", router_in(1), greeting(b"NULL", minor=0), BYTE_BY_BYTE)
    begin = '{"v": 1, "id": "x", "op": "status", '
    for text in ("[", '{"a":', '"aa":1,', "1", " ", "\\u0061", "\\", "-", '"', "1e9", "é"):
        for start in ("", begin, begin + '"a": "', begin + '"a": '):
            yield Case("control", control, text.encode(), MAX_TRIAL_BYTES, start.encode())
    many = ", ".join(f'"{number:x}":1' for number in range(400))
    yield Case("control keys", control, many.encode() + b",", MAX_TRIAL_BYTES, begin.encode(), b'"v":1}')
    for unit in (
        "/",
        "../",
        "a/../",
        "@",
        ":",
        "?",
        "#",
        "%",
        "%41",
        ".",
        "xn--",
        "é",
        "[",
        "0",
        ";",
        "&pwd=",
        "//",
        "\\",
    ):
        for begin in ("", "http://", "http://h/", "http://h:", "http://[", "https://u:p@"):
            yield Case("redirection", moved, unit, LONGEST_LINE, begin)
            yield Case("URL of the configuration", camera_url, unit, LONGEST_LINE, f"{begin or 'http://h'}")
        for show in (redacted, brief):
            yield Case(f"text shown by {show.__name__}", show, unit, LONGEST_HEAD, "http://")
    yield Case("text of a peer", peer_text, b"\x1b", LONGEST_HEAD)
    for line in (b"A", b" ", b"/", b"GET /", b"GET / HTTP/1.1\r", b"\r", b"GET / HTTP/1.1\nHost: a\n", b"Host:\n"):
        yield Case("request for metrics", lambda text: answer(text, {}, ()), line, LONGEST_REQUEST)
    for topic in (b".", b"/", b"a", b"vec", b"\xff"):
        yield Case("topic", parse_topic, topic, LONGEST_HEAD)
    for content in (b"\xff", b"\xff\xe0\x00\x02", b"\xff\xd0", b"\xff\x00", b"\x00"):
        yield Case("JPEG", jpeg, content, LARGEST_PART // 16, b"\xff\xd8")
        scan = b"\xff\xd8\xff\xdd\x00\x04\x00\x01\xff\xc0\x00\x0b\x08\x00\x10\x00\x10\x01\x01\x11\x00\xff\xda\x00\x02"
        yield Case("JPEG scan", jpeg, content, LARGEST_PART // 16, scan, b"\xff\xd9")

    for sample in (
        b"a",
        b"<",
        b"&",
        b"<b/>",
        b"<a>",
        b"&amp;",
        b"<!-- -->a",
        b" ",
        b"<a b='c'/>",
        b"\n",
        b"]]>",
        b"<![CDATA[",
    ):
        for first, last in (
            (b"", b""),
            (b"<a>", b"</a>"),
            (b"<a x='", b"'/>"),
            (b'<?xml version="1.0"?>\n<a>', b"</a>"),
        ):
            yield Case("XML", xml, sample, LONGEST_XML, first, last)
    exif = b"II\x2a\0\x08\0\0\0\xff\x0f"
    app1 = b"\xff\xd8\xff\xe1\xff\xff" + b"Exif\0\0"
    riff = b"RIFF\xff\xff\xff\0WEBPVP8X\x0a\0\0\0\x08\0\0\0\x08\0\0\x08\0\0"
    jp2 = b"\0\0\0\x0cjP  \r\n\x87\n"
    siz = b"\xff\x4f\xff\x51\0\x29\0\0" + (b"\0\0\0\x10" * 2 + bytes(8)) * 2 + b"\0\1\7\1\1"
    png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x08\0\0\0\x08\x08" + bytes(8)
    for opening in (
        exif,
        app1 + exif,
        riff,
        riff + b"EXIF\0\0\x01\0" + exif,
        jp2,
        siz,
        png,
        b"P5 ",
        b"BM",
        b"GIF8",
        b"",
    ):
        for sample in (
            b"\0",
            b"\xff",
            b"\x12\1\3\0\1\0\0\0\6\0\0\0",
            b"\xff\xe1\0\x08Exif\0\0",
            b"EXIF\0\0\0\0",
            b"\0\0\0\x08free",
            b"\xff\x64\0\2",
            b"\xff\x90\0\x0a\0\0\0\0\0\x0e\0\1\xff\x93",
            b"\0\0\0\0tRNS\0\0\0\0",
            b"ftypheic",
        ):
            yield Case("header of a picture", picture, sample, 1 << 22, opening)
    for character in ("\\", "\\x", "\\x41", "\n", "\u202e", "a", "\\U0001"):
        yield Case("label", label, character, 4096)


def seconds(case: Case, length: int) -> float:
    """The processor time that the parser takes, the shortest of three."""
    text, found = case.text(length), []
    for _ in range(3):
        begin = time.thread_time()
        with suppress(ValueError, EdgedError):  # most of them are refused
            case.parse(text)
        found.append(time.thread_time() - begin)
        if found[-1] < NEGLIGIBLE:
            break
    return min(found)


def is_linear(case: Case) -> bool:
    """Whether it takes 4 times as long for 4 times as much text: 8 times at most, where 16 are quadratic.

    A busy machine may slow either measurement down; a parser that is quadratic is so each time.
    """
    return seconds(case, case.longest) <= 8 * seconds(case, case.longest // 4)


@pytest.mark.parametrize("case", list(cases()), ids=str)
def test_a_parser_of_network_text_is_linear_and_fast(case: Case) -> None:
    longest = seconds(case, case.longest)
    if longest > NEGLIGIBLE:
        assert any(is_linear(case) for _ in range(5)), "it takes 4 times as long if it is linear"
    assert longest < SECONDS * max(1, case.longest / (1 << 20))
