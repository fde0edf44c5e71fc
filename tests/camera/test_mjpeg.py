"""Streams of JPEGs over HTTP, from a real server that fails in every way a network camera does."""

from __future__ import annotations

import base64
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edged.camera.http.redirects import Follow
from edged.camera.mjpeg import MjpegSource, NotMjpegError
from edged.errors import DamagedFrame, SourceError
from edged.values import Format, Stamp
from tests.camera.leaks import leaves_nothing_behind
from tests.camera.servers import MjpegServer, answering, flooding, free_port, jpeg, number, serving
from tests.fakes import eventually
from tests.stopwatch import stopwatch

LIMIT = 5.0  # seconds; what has to be noticed is noticed long before
SHORT = 0.3
CREDENTIALS = "us%20er:p:ss%2Fw%C3%B6rd%40"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"


@contextmanager
def opened(
    url: str, timeout: float = LIMIT, reduce: Callable[[int, int], int] | None = None
) -> Iterator[tuple[MjpegSource, NDArray[np.uint8]]]:
    """A source, and a slot for its frames."""
    source = MjpegSource(url, timeout=timeout, reduce=reduce)
    try:
        yield source, np.zeros(source.open().shape, np.uint8)
    finally:
        source.close()
        source.close()


def next_stamp(source: MjpegSource) -> Stamp:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        stamp = source.grab(0.25)
        if stamp is not None:
            return stamp
    raise AssertionError("no frame in 20 s")


def next_number(source: MjpegSource, slot: NDArray[np.uint8]) -> int:
    next_stamp(source)
    source.retrieve(slot)
    return number(slot)


def loss(source: MjpegSource, slot: NDArray[np.uint8]) -> str:
    """How a stream that is going to be lost is lost."""
    with pytest.raises(SourceError) as caught:
        read_for_ever(source, slot)
    assert not isinstance(caught.value, DamagedFrame)
    return str(caught.value)


def read_for_ever(source: MjpegSource, slot: NDArray[np.uint8]) -> None:
    while True:
        if source.grab(0.05) is not None:
            source.retrieve(slot)


def refusal(url: str, timeout: float = LIMIT) -> str:
    """How opening *url* fails."""
    source = MjpegSource(url, timeout=timeout)
    try:
        source.open()
    except SourceError as exc:
        return str(exc)
    raise AssertionError("it is open")


@pytest.mark.parametrize("framing", ["length", "delimiter", "chunks"])
@pytest.mark.parametrize("boundary", ["frame", "--frame", '"a frame"'])
def test_pictures_arrive_whole_and_in_order_however_the_camera_frames_them(framing: str, boundary: str) -> None:
    with serving(MjpegServer(framing=framing, boundary=boundary)) as server:
        source = MjpegSource(server.url(), timeout=LIMIT)
        assert source.open() == Format(width=320, height=240)
        slot = np.zeros((240, 320, 3), np.uint8)
        seen = [next_number(source, slot) for _ in range(10)]
        source.close()
    assert seen == sorted(set(seen))


def test_the_newest_picture_wins_and_those_before_it_are_dropped() -> None:
    with serving(MjpegServer(fps=50)) as server, opened(server.url()) as (source, slot):
        next_number(source, slot)
        # Nobody looks for a while; meanwhile pictures pile up in the socket.
        before = server.sent
        eventually(lambda: server.sent >= before + 20, "20 more pictures")
        # What the kernel is still passing on comes with the next look; one by one it would take 20 looks.
        assert max(next_number(source, slot) for _ in range(3)) >= before + 20


def test_a_frame_has_the_time_of_its_arrival() -> None:
    with serving(MjpegServer()) as server, opened(server.url()) as (source, _):
        next_stamp(source)
        begin = time.monotonic_ns()
        stamp = next_stamp(source)
        assert begin <= stamp.t_cap_ns <= time.monotonic_ns()
        assert stamp.source == "arrival"


def test_waiting_for_a_picture_takes_no_longer_than_the_timeout() -> None:
    with serving(MjpegServer()) as server, opened(server.url()) as (source, _):
        next_stamp(source)
        server.mode = "hang"
        eventually(lambda: source.grab(0.02) is None, "silence")
        with stopwatch() as watch:
            assert source.grab(0.1) is None
        assert watch.elapsed > 0.09
        assert watch.seconds < 3


def test_a_camera_that_falls_silent_is_lost_after_the_timeout() -> None:
    with serving(MjpegServer()) as server, opened(server.url()) as (source, slot):
        with stopwatch() as watch:
            next_stamp(source)
            server.mode = "hang"
            source._longest = SHORT  # not before: a pause of the machine would be a silence of the camera
            assert (
                "/stream: no whole picture for 0.3 s; if it sends one that rarely, set stall_seconds to more"
                in loss(source, slot)
            )
        assert watch.elapsed >= SHORT
        assert watch.seconds < SHORT + 2


def test_a_stream_that_ends_gives_its_last_picture_and_is_lost() -> None:
    body = b"".join(b"--frame\r\nContent-Length: %d\r\n\r\n" % len(jpeg(n)) + jpeg(n) for n in (7, 8))
    with answering(HEAD + body) as url, opened(url) as (source, slot):
        assert next_number(source, slot) in (7, 8)
        assert "the server has ended the stream" in loss(source, slot)


def test_a_camera_that_loses_its_power_and_comes_back_can_be_opened_again() -> None:
    server = MjpegServer()
    source = MjpegSource(server.url(), timeout=LIMIT)
    slot = np.zeros(source.open().shape, np.uint8)
    next_number(source, slot)
    server.stop()
    with stopwatch() as watch:
        loss(source, slot)
    assert watch.seconds < 3
    source.close()
    with pytest.raises(SourceError, match="nobody listens there"):
        source.open()
    with serving(MjpegServer(port=server.port)):
        source.open()
        next_number(source, slot)
        source.close()


def test_a_damaged_picture_is_one_damaged_frame() -> None:
    with serving(MjpegServer()) as server, opened(server.url()) as (source, slot):
        server.mode = "damage"
        eventually(lambda: is_damaged(source, slot), "a damaged picture")
        server.mode = "run"
        eventually(lambda: not is_damaged(source, slot), "an undamaged picture")


def is_damaged(source: MjpegSource, slot: NDArray[np.uint8]) -> bool:
    next_stamp(source)
    try:
        source.retrieve(slot)
    except DamagedFrame as exc:
        return "/stream: " in str(exc)
    return False


def test_a_stream_that_begins_with_damaged_pictures_opens_with_the_first_whole_one() -> None:
    good = b"--frame\r\n\r\n" + jpeg(5) + b"\r\n--frame\r\n"
    with (
        answering(HEAD + b"--frame\r\n\r\n\r\n--frame\r\n\r\nno JPEG\r\n" + good) as url,
        opened(url) as (source, slot),
    ):
        assert next_number(source, slot) == 5


def test_a_stream_of_damaged_pictures_only_is_refused_in_time() -> None:
    with serving(MjpegServer()) as server:
        server.mode = "cut"
        with stopwatch() as watch:
            told = refusal(server.url(), SHORT)
            assert "no whole picture within 0.3 s: " in told
            assert told.endswith("it is cut short")
        assert watch.seconds < 3


def test_pictures_of_another_size_are_a_loss_after_which_the_new_size_holds() -> None:
    with serving(MjpegServer()) as server, opened(server.url()) as (source, slot):
        next_number(source, slot)
        server.mode = "large"
        assert "its pictures are 640×480 now instead of 320×240" in loss(source, slot)
        source.close()
        frame_format = source.open()
        assert (frame_format.width, frame_format.height) == (640, 480)
        next_number(source, np.zeros(frame_format.shape, np.uint8))


@pytest.mark.parametrize(("reduce", "size"), [(2, (160, 120)), (4, (80, 60)), (8, (40, 30))])
def test_pictures_are_decoded_at_the_fraction_of_their_size_that_is_asked_for_when_it_is_known(
    reduce: int, size: tuple[int, int]
) -> None:
    told = []

    def choose(width: int, height: int) -> int:
        told.append((width, height))
        return reduce

    with serving(MjpegServer()) as server, opened(server.url(), reduce=choose) as (source, slot):
        assert told == [(320, 240)]
        assert slot.shape == (size[1], size[0], 3)
        first = next_number(source, slot)
        assert next_number(source, slot) > first


def test_a_wait_is_ended_from_another_thread_at_once() -> None:
    with serving(MjpegServer()) as server, opened(server.url(), timeout=60) as (source, _):
        server.mode = "hang"
        eventually(lambda: source.grab(0.02) is None, "silence")
        timer = threading.Timer(0.05, source.wake)
        timer.start()
        with stopwatch() as watch:
            assert source.grab(60) is None
        assert watch.seconds < 5
        timer.join()


def test_an_opening_that_waits_is_ended_from_another_thread_at_once() -> None:
    with serving(MjpegServer()) as server:
        source = MjpegSource(server.url("/silent"), timeout=60)
        timer = threading.Timer(0.05, source.wake)
        timer.start()
        with stopwatch() as watch, pytest.raises(SourceError, match="told to stop"):
            source.open()
        assert watch.seconds < 5
        timer.join()
    with pytest.raises(SourceError, match="told to stop"):
        source.open()
    source.wake()


def test_a_server_that_never_answers_is_given_up_in_time() -> None:
    with serving(MjpegServer()) as server:
        with stopwatch() as watch:
            assert refusal(server.url("/silent"), SHORT).endswith("/silent: no answer within 0.3 s")
        assert watch.seconds < 3


def test_a_server_that_answers_byte_by_byte_is_given_up_in_time() -> None:
    with answering(HEAD * 10, pace=0.05) as url:
        with stopwatch() as watch:
            assert refusal(url, SHORT).endswith("no answer within 0.3 s")
        assert watch.seconds < 3


def test_a_stream_that_never_brings_a_whole_picture_is_given_up_in_time() -> None:
    with answering(b"--frame\r\n\r\n" + jpeg(1) * 100, head=HEAD, pace=0.001) as url:
        with stopwatch() as watch:
            assert "no whole picture within 0.3 s" in refusal(url, SHORT)
        assert watch.seconds < 3


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "it does not answer as a web server does"),
        (b"HTTP/1.1 OK\r\n\r\n", "it does not answer as a web server does"),
        (b"x" * 100_000, "it does not answer as a web server does"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: multi", "it closes the connection without an answer"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n", "more than 100 headers"),
        (b"HTTP/1.1 200 OK\r\na: " + b"b" * 8190 + b"\r\n\r\n", "a line of more than 8192 bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x; boundary=" + b"b" * 201 + b"\r\n\r\n", "more than 200 char"),
        (HEAD + b"--frame\n\n" * 1000, "its parts are too small for pictures"),
        (HEAD[:-2] + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\nx\n" * 4000, "its chunks are too small"),
        (HEAD[:-2] + b"Transfer-Encoding: chunked\r\n\r\n" + b"\n" * 100, "the size of a chunk is no number"),
        (b"HTTP/1.1 302 Found\r\nLocation: ftp://there/\r\n\r\n", "it redirects to what is no address"),
        (HEAD, "the server has ended the stream"),
        (HEAD + b"--frame\r\n" + b"x" * 10_000, "a part of it has no header that ends"),
        (HEAD + b"--frame\r\nContent-Length: 999999999\r\n\r\n", "a part of it is said to have 999999999 bytes"),
        (HEAD[:-2] + b"Transfer-Encoding: chunked\r\n\r\nhello\r\n", "the size of a chunk is no number"),
        (HEAD[:-2] + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n", "the size of a chunk is no number"),
        (HEAD[:-2] + b"Transfer-Encoding: chunked\r\n\r\n" + b"5" * 2000, "the size of a chunk is missing"),
        (HEAD[:-2] + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "the server has ended the stream"),
    ],
)
def test_a_server_that_speaks_nonsense_is_refused(answer: bytes, reason: str) -> None:
    with answering(answer) as url:
        assert reason in refusal(url)


def test_a_part_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    with answering(HEAD + b"--frame\r\n\r\n" + bytes(20 << 20)) as url:
        assert "a part of it has more than 16777216 bytes" in refusal(url)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/nowhere", "it has nothing there (it says 404 Not Found)"),
        ("/busy", "it is not available now, or serves as many viewers as it can (it says 503 Service Unavailable)"),
        ("/round", "it is redirected again and again"),
    ],
)
def test_a_refusal_of_the_server_is_reported_with_its_reason(path: str, reason: str) -> None:
    with serving(MjpegServer()) as server:
        assert refusal(server.url(path)) == f"http://127.0.0.1:{server.port}{path}: {reason}"


@pytest.mark.parametrize(("path", "kind"), [("/page", "text/html"), ("/picture", "image/jpeg"), ("/video", "video/")])
def test_what_is_no_stream_of_jpegs_is_refused_with_its_media_type(path: str, kind: str) -> None:
    with serving(MjpegServer()) as server:
        with pytest.raises(NotMjpegError, match=f"not a stream of JPEGs, but {kind}") as caught:
            MjpegSource(server.url(path)).open()
        assert caught.value.content_type.startswith(kind)


def test_an_address_where_nobody_listens_and_an_unknown_name_are_refused() -> None:
    assert refusal(f"http://127.0.0.1:{free_port()}/").endswith("/: nobody listens there")
    assert "the name no-camera.invalid is not known: " in refusal("http://no-camera.invalid/")


@pytest.mark.parametrize("auth", ["basic", "digest", "digest-old", "digest-sha256"])
def test_user_and_password_are_sent_to_a_server_that_asks(auth: str) -> None:
    with (
        serving(MjpegServer(auth=auth)) as server,
        opened(server.url("/stream?size=2 x", CREDENTIALS)) as (source, slot),
    ):
        next_number(source, slot)
        assert [path for path, _ in server.requests] == ["/stream?size=2%20x"] * 2
        first, second = (said for _, said in server.requests)
        assert first is None
        assert (second or "").startswith("Basic " if auth == "basic" else "Digest ")


@pytest.mark.parametrize("auth", ["basic", "digest", "other"])
@pytest.mark.parametrize("credentials", ["", "us%20er:wrong-secret", "somebody:p%3Ass"])
def test_wrong_or_missing_credentials_are_refused_and_not_shown(auth: str, credentials: str) -> None:
    with serving(MjpegServer(auth=auth)) as server:
        told = refusal(server.url(credentials=credentials))
        assert "it asks for a user and password that it knows" in told
        assert "(it says 401 Unauthorized)" in told
        assert all(secret not in told for secret in ("us%20er", "us er:", "wrong-secret", "somebody", "p%3A", "p:ss"))
        assert len(server.requests) <= 2  # nobody is locked out by being asked again and again


def test_a_redirection_is_followed_to_any_port_of_the_same_host_with_user_and_password() -> None:
    with serving(MjpegServer(auth="basic")) as other, serving(MjpegServer(auth="basic")) as server:
        with opened(server.url("/moved", CREDENTIALS)) as (source, slot):
            next_number(source, slot)
            assert server.requests[-1][0] == "/stream?moved=1"
        server.elsewhere = other.url()
        with opened(server.url("/elsewhere", CREDENTIALS)) as (source, slot):
            next_number(source, slot)
        assert [path for path, _ in other.requests] == ["/stream", "/stream"]
        assert (other.requests[-1][1] or "").startswith("Basic ")


def test_a_redirection_to_another_host_is_refused_with_its_cure_unless_it_is_allowed() -> None:
    with serving(MjpegServer(auth="basic")) as other, serving(MjpegServer(auth="basic")) as server:
        server.elsewhere = other.url(host="localhost")
        url = server.url("/elsewhere", CREDENTIALS)
        assert refusal(url).endswith(
            f"/elsewhere: it redirects to another host ({server.elsewhere}); write that address as the source, or "
            "allow every host with follow_redirects: any"
        )
        assert other.requests == []
        source = MjpegSource(url, timeout=LIMIT, follow_redirects="any")
        with pytest.raises(SourceError, match="it asks for a user and password"):
            source.open()
        assert other.requests == [("/stream", None)], "they were not written for it"


def test_user_and_password_go_to_their_host_again_when_a_redirection_comes_back() -> None:
    with serving(MjpegServer()) as other, serving(MjpegServer(auth="basic")) as server:
        server.elsewhere, other.elsewhere = other.url("/elsewhere", host="localhost"), server.url()
        source = MjpegSource(server.url("/elsewhere", CREDENTIALS), timeout=LIMIT, follow_redirects="any")
        source.open()
        source.close()
        assert other.requests == [("/elsewhere", None)]


@pytest.mark.parametrize("follow", ["same-host", "any"])
def test_a_redirection_from_https_to_clear_text_is_never_followed(follow: Follow, certificate: Path) -> None:
    with serving(MjpegServer()) as other, serving(MjpegServer(certificate=str(certificate))) as server:
        server.elsewhere = other.url()
        source = MjpegSource(server.url("/elsewhere"), timeout=LIMIT, verify_tls=False, follow_redirects=follow)
        with pytest.raises(
            SourceError, match=r"it redirects to clear text \(http://.*write that address as the source"
        ):
            source.open()
        assert other.requests == []


@pytest.mark.parametrize("head", [b"HTTP/1.1 404 ", b"HTTP/1.1 200 OK\r\nContent-Type: "])
def test_the_text_of_a_server_is_shown_short_and_printable_and_without_the_password(head: bytes) -> None:
    login = base64.b64encode(b"us er:secret")
    with answering(head + b"\x1b[31mno\x07 secret " + login + b"x" * 8000 + b"\r\n\r\n") as url:
        told = refusal(url.replace("//", "//us%20er:secret@")).partition("/stream: ")[2]
    assert told.isprintable()
    assert re.search(r"\[31mno[? ] \*\*\* \*\*\*xxx", told)
    assert len(told) < 250


def test_a_boundary_with_dashes_after_it_is_the_one_of_a_known_camera() -> None:
    picture = jpeg(3)
    part = (
        b"--video boundary--Content-length: %d\r\nContent-type: image/jpeg\r\n\r\n" % len(picture) + picture + b"\r\n"
    )
    head = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=video boundary--\r\n\r\n"
    with answering(part * 3, head=head) as url, opened(url) as (source, slot):
        assert next_number(source, slot) == 3


@pytest.mark.parametrize("garbage", [b"\n", b"x\r\n", b"--frame\r\n\r\n", bytes(997)])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_flood_of_anything_holds_up_neither_a_deadline_nor_a_stop(garbage: bytes, chunked: bool) -> None:
    """It comes faster than it can be read, and so there is always one more byte."""
    picture = b"--frame\r\nContent-Length: %d\r\n\r\n" % len(jpeg(1)) + jpeg(1) + b"\r\n"
    flood = garbage * (65536 // len(garbage))
    head = HEAD
    if chunked:
        head = HEAD[:-2] + b"Transfer-Encoding: chunked\r\n\r\n"
        picture, flood = (b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (picture, flood))
    with flooding(head + picture, flood) as url:
        source = MjpegSource(url, timeout=60)
        with suppress(SourceError):
            source.open()
            with stopwatch() as watch:
                source.grab(0.2)
                source.grab(0.2)
            assert watch.seconds < 2
            timer = threading.Timer(0.1, source.wake)
            timer.start()
            with stopwatch() as watch, suppress(SourceError):
                source.grab(30)
            assert watch.seconds < 2
            timer.join()
        source.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://",
        "rtsp://host/",
        "http://host:port/",
        "http://user:pa/ss@host/",
        "http://[::1/",
        f"http://{'a' * 64}.de/",
    ],
)
def test_what_is_no_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"must be http://HOST/… or https://HOST/…") as caught:
        MjpegSource(url)
    assert "pa/ss" not in str(caught.value)
    assert "//user" not in str(caught.value)


def test_line_ends_in_an_address_cannot_add_headers() -> None:
    with serving(MjpegServer()) as server, opened(server.url("/stream?a\r\nX-Evil: 1")) as (source, slot):
        next_number(source, slot)
        assert [path for path, _ in server.requests] == ["/stream?aX-Evil:%201"]


def test_a_certificate_that_nobody_trusts_is_refused_unless_that_is_wanted(certificate: Path) -> None:
    with serving(MjpegServer(certificate=str(certificate))) as server:
        assert "its certificate is not trusted: self-signed certificate" in refusal(server.url())
        source = MjpegSource(server.url(), timeout=LIMIT, verify_tls=False)
        slot = np.zeros(source.open().shape, np.uint8)
        first = next_number(source, slot)
        assert next_number(source, slot) > first
        source.close()


def test_a_trusted_certificate_is_taken_for_its_own_host_only(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(MjpegServer(certificate=str(certificate))) as server:
        with opened(server.url()) as (source, slot):
            next_number(source, slot)
        assert "its certificate is not trusted: " in refusal(server.url(host="localhost"))


def test_a_server_without_encryption_behind_https_is_refused() -> None:
    with serving(MjpegServer()) as server:
        assert "no encrypted connection can be made" in refusal(server.url().replace("http:", "https:"))


def test_opening_and_closing_leaves_nothing_behind() -> None:
    with serving(MjpegServer()) as server:
        source = MjpegSource(server.url(), timeout=LIMIT)

        def one_round() -> None:
            slot = np.zeros(source.open().shape, np.uint8)
            next_number(source, slot)
            source.close()
            source.close()

        leaves_nothing_behind(one_round)


def test_failing_to_open_leaves_nothing_behind() -> None:
    with serving(MjpegServer(auth="digest")) as server:

        def one_round() -> None:
            for path in ("/stream", "/nowhere", "/page"):
                refusal(server.url(path, "a:b"))
            refusal(f"http://127.0.0.1:{free_port()}/")

        leaves_nothing_behind(one_round)


def test_a_source_of_its_own_thread_survives_a_storm_of_wakes() -> None:
    with serving(MjpegServer()) as server:
        for _ in range(10):
            source = MjpegSource(server.url(), timeout=LIMIT)
            waker = threading.Thread(target=lambda source=source: [source.wake() for _ in range(2000)])
            waker.start()
            with suppress(SourceError):
                source.open()
                source.grab(0.01)
            source.close()
            waker.join()


# What cameras send beside pictures, and in their place.

MULTIPART = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"


def as_part(content: bytes, kind: bytes = b"image/jpeg", *, length: bool = True) -> bytes:
    size = b"Content-Length: %d\r\n" % len(content) if length else b""
    return b"--frame\r\nContent-Type: " + kind + b"\r\n" + size + b"\r\n" + content + b"\r\n"


@pytest.mark.parametrize("length", [True, False])
def test_parts_that_are_no_jpeg_are_passed_over(length: bool) -> None:
    text = as_part(b'{"motion": 1}', b"application/json", length=length)
    picture = as_part(b"\r\n" + jpeg(7), length=length)
    for answer in (text + picture + text, picture + text, text * 3 + picture + text * 3):
        with answering(answer + b"--frame", head=MULTIPART) as url, opened(url) as (source, slot):
            next_stamp(source)
            source.retrieve(slot)
            assert number(slot) == 7


def test_a_stream_of_other_parts_is_refused_with_the_cure() -> None:
    with flooding(MULTIPART, as_part(b"[%s]" % (b"0, " * 700_000), b"application/json")) as url:
        reason = refusal(url, 1.0)
    assert re.search(r"none of its \d+ parts is a JPEG; write another address of the camera as the source", reason)


def test_a_boundary_that_never_comes_is_named_with_the_cure() -> None:
    head = MULTIPART.replace(b"=frame", b"=wrong")
    with flooding(head, as_part(jpeg(1))) as url:
        told = refusal(url, 1.0)
    assert "the boundary that it announces (wrong) is not in what it sends; write another address" in told


def test_parts_without_a_boundary_are_named_with_the_cure() -> None:
    head = MULTIPART.replace(b"; boundary=frame", b"")
    with answering(as_part(jpeg(1)), head=head) as url:
        assert "its answer announces parts, but no boundary of these; write another address" in refusal(url, 5.0)


def test_an_answer_without_a_content_type_is_named_with_the_cure() -> None:
    with answering(jpeg(1) * 2, head=b"HTTP/1.0 200 OK\r\n\r\n") as url:
        told = refusal(url, 5.0)
    assert "its answer has no Content-Type, so nothing says what it sends; write another address of the camera" in told


def test_a_camera_that_is_slower_than_stall_seconds_is_lost_with_the_cure() -> None:
    with serving(MjpegServer(fps=0.01)) as server:
        source = MjpegSource(server.url(), timeout=5, stall_seconds=0.2)
        frame_format = source.open()
        try:
            next_stamp(source)
            assert (
                "no whole picture for 0.2 s; if it sends one that rarely, set stall_seconds to more, up to 30"
                in loss(source, np.zeros(frame_format.shape, np.uint8))
            )
        finally:
            source.close()
