"""Videos over HTTP: files, live streams, and lists of segments."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edged.camera.stream import StreamSource
from edged.camera.web import WebSource
from edged.errors import SourceError
from tests.camera.leaks import leaves_nothing_behind
from tests.camera.servers import MjpegServer, answering, free_port, number, serving
from tests.stopwatch import stopwatch

pytestmark = pytest.mark.timed

LIMIT = 10.0


@pytest.fixture
def video(tmp_path: Path) -> bytes:
    """Ten frames of 64 × 48 pixels; frame n is gray of the level 20 n."""
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (64, 48))
    for level in range(0, 200, 20):
        writer.write(np.full((48, 64, 3), level, np.uint8))
    writer.release()
    return path.read_bytes()


def read_until_lost(source: StreamSource | WebSource, slot: NDArray[np.uint8]) -> tuple[list[int], str]:
    """The level of every frame, and how it was lost."""
    levels: list[int] = []
    while True:
        try:
            if source.grab(0.1) is not None:
                source.retrieve(slot)
                levels.append(round(float(slot.mean()) / 20))
        except SourceError as exc:
            return levels, str(exc)


def refusal(source: StreamSource | WebSource) -> str:
    with pytest.raises(SourceError) as caught:
        source.open()
    source.close()
    return str(caught.value)


def test_a_video_over_http_is_read_to_its_end_which_is_a_loss(video: bytes) -> None:
    with serving(MjpegServer(video=video)) as server:
        source = StreamSource(server.url("/video"), timeout=LIMIT)
        frame_format = source.open()
        assert (frame_format.width, frame_format.height, frame_format.fps) == (64, 48, 25.0)
        slot = np.zeros(frame_format.shape, np.uint8)
        levels, reason = read_until_lost(source, slot)
        assert levels == list(range(10))
        assert reason.endswith("/video: stopped delivering")
        source.close()
        source.close()


def test_a_frame_is_decoded_into_the_slot_itself(video: bytes) -> None:
    with serving(MjpegServer(video=video)) as server:
        source = StreamSource(server.url("/video"), timeout=LIMIT)
        slot = np.full(source.open().shape, 99, np.uint8)
        stamp = source.grab(1)
        assert stamp is not None
        assert (stamp.source, stamp.ts_from) == ("driver", "pts")
        source.retrieve(slot)
        assert slot.max() == 0
        with pytest.raises(SourceError, match="a frame has the size 64×48"):
            source.retrieve(np.zeros((10, 10, 3), np.uint8))
        source.close()


def test_a_web_camera_is_read_by_whoever_can(video: bytes) -> None:
    with serving(MjpegServer(video=video)) as server:
        web = WebSource(server.url("/video"), timeout=LIMIT)
        assert (web.open().width, web.grab(1) is not None) == (64, True)
        slot = np.zeros((48, 64, 3), np.uint8)
        web.retrieve(slot)
        web.close()

        web = WebSource(server.url(), timeout=LIMIT)
        slot = np.zeros(web.open().shape, np.uint8)
        assert web.grab(5) is not None
        web.retrieve(slot)
        first = number(slot)
        assert web.grab(5) is not None
        web.retrieve(slot)
        assert number(slot) > first
        web.wake()
        web.close()
        web.close()


def test_a_video_that_its_server_says_the_length_of_comes_whole_and_its_end_is_a_loss(video: bytes) -> None:
    with serving(MjpegServer(video=video)) as server:
        web = WebSource(server.url("/video"), timeout=LIMIT)
        slot = np.zeros(web.open().shape, np.uint8)
        levels, reason = read_until_lost(web, slot)
        web.close()
    assert levels == list(range(10))
    assert reason.endswith("/video: stopped delivering")


def test_a_video_is_not_looked_for_on_another_host_that_a_redirection_names(video: bytes) -> None:
    with serving(MjpegServer(video=video)) as other, serving(TurningServer()) as server:
        server.elsewhere = other.url("/video", host="localhost")
        told = refusal(WebSource(server.url("/turning"), timeout=LIMIT))
        assert "it redirects to another host" in told
        assert other.requests == []
        web = WebSource(server.url("/turning"), timeout=LIMIT, follow_redirects="any")
        web.open()
        web.close()
        assert other.requests != []


class TurningServer(MjpegServer):
    """A server whose ``/turning`` is a video to the first who asks, and a redirection to all others."""

    def place(self, path: str) -> str:
        asked = sum(asked == "/turning" for asked, _ in self.requests)
        return path if path != "/turning" else "/video" if asked == 1 else "/elsewhere"


def test_a_stream_that_falls_silent_is_ended_from_another_thread_at_once(video: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: video/x-msvideo\r\n\r\n" + video[: len(video) // 2]
    with answering(b"", head=head) as url:
        web = WebSource(url, timeout=60)
        timer = threading.Timer(0.3, web.wake)
        timer.start()
        with stopwatch() as watch, suppress(SourceError):
            read_until_lost(web, np.zeros(web.open().shape, np.uint8))
        assert watch.seconds < 5
        timer.join()
        web.close()


def test_a_video_over_https_is_read_where_its_certificate_is_trusted(
    video: bytes, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(MjpegServer(video=video, certificate=str(certificate))) as server:
        assert "its certificate is not trusted" in refusal(WebSource(server.url("/video"), timeout=LIMIT))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        web = WebSource(server.url("/video"), timeout=LIMIT)
        slot = np.zeros(web.open().shape, np.uint8)
        assert read_until_lost(web, slot)[0] == list(range(10))
        web.close()


def test_streams_that_edged_receives_leave_nothing_behind(video: bytes) -> None:
    with serving(MjpegServer(video=video)) as server:

        def one_round() -> None:
            web = WebSource(server.url("/video"), timeout=LIMIT)
            web.open()
            web.grab(1)
            web.close()
            web.close()

        leaves_nothing_behind(one_round)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/page", "not a stream of JPEGs, but text/html: a picture or a page is no stream"),
        ("/picture", "not a stream of JPEGs, but image/jpeg: a picture or a page is no stream"),
        ("/nowhere", "it has nothing there"),
    ],
)
def test_what_is_no_stream_is_told(path: str, reason: str) -> None:
    with serving(MjpegServer()) as server:
        assert reason in refusal(WebSource(server.url(path), timeout=LIMIT))


def test_a_video_that_ffmpeg_cannot_read_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    with serving(MjpegServer(video=b"this is no video" * 1000)) as server:
        told = refusal(WebSource(server.url("/video"), timeout=LIMIT))
    assert "/video: not a video that FFmpeg can read" in told


def test_nobody_there_is_told_at_once() -> None:
    begin = time.monotonic()
    told = refusal(StreamSource(f"http://127.0.0.1:{free_port()}/x", timeout=LIMIT))
    assert told.endswith("/x: nobody listens there")
    assert time.monotonic() - begin < LIMIT


def test_a_server_that_never_answers_is_given_up_in_time() -> None:
    with serving(MjpegServer()) as server:
        with stopwatch() as watch:
            assert refusal(StreamSource(server.url("/silent"), timeout=0.5)).endswith("no answer within 0.5 s")
        assert watch.elapsed > 0.4
        assert watch.seconds < 5


def test_user_and_password_are_told_by_nobody(capfd: pytest.CaptureFixture[str]) -> None:
    with serving(MjpegServer(auth="basic")) as server:
        url = f"http://some-user:some-secret@127.0.0.1:{server.port}/stream"
        source = StreamSource(url, timeout=1)
        told = refusal(source)
    assert told.startswith(f"http://127.0.0.1:{server.port}/stream: ")
    printed = capfd.readouterr()
    for text in (told, repr(source), printed.out, printed.err):
        assert "some-secret" not in text
        assert "some-user" not in text


@pytest.mark.parametrize(
    "url", ["", "file:///etc/passwd", "/dev/video0", "ftp://user:secret@host/", "concat:a|b", "rtsp://h/"]
)
def test_what_is_no_network_stream_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="must be http://HOST/… or https://HOST/…") as caught:
        StreamSource(url)
    assert "secret" not in str(caught.value)


def test_opening_and_closing_leaves_nothing_behind(video: bytes) -> None:
    with serving(MjpegServer(video=video)) as server:
        source = StreamSource(server.url("/video"), timeout=LIMIT)

        def one_round() -> None:
            slot = np.zeros(source.open().shape, np.uint8)
            assert source.grab(1) is not None
            source.retrieve(slot)
            source.close()
            source.close()

        leaves_nothing_behind(one_round)
