"""Videos over HTTP: files, live streams, and lists of segments."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edged.camera.key_frames import DecodeFrames
from edged.camera.stream import StreamSource
from edged.camera.video import packets
from edged.camera.web import WebSource
from edged.errors import SourceError
from edged.values import Format, Stamp
from tests.camera.leaks import leaves_nothing_behind
from tests.camera.servers import MjpegServer, answering, flooding, free_port, number, serving
from tests.camera.video.clips import make_clip
from tests.camera.web_files import WebFiles, web_files
from tests.fakes import eventually
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


def test_a_video_with_a_content_length_comes_whole_and_its_end_is_a_loss(video: bytes) -> None:
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
        ("/nowhere", "it has nothing there"),
    ],
)
def test_what_is_no_stream_is_refused_with_the_reason(path: str, reason: str) -> None:
    with serving(MjpegServer()) as server:
        assert reason in refusal(WebSource(server.url(path), timeout=LIMIT))


def test_a_video_that_ffmpeg_cannot_read_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    with serving(MjpegServer(video=b"this is no video" * 1000)) as server:
        told = refusal(WebSource(server.url("/video"), timeout=LIMIT))
    assert "/video: not a video that FFmpeg can read" in told


def test_an_address_where_nobody_listens_is_refused_at_once() -> None:
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


def test_user_and_password_appear_in_no_text(capfd: pytest.CaptureFixture[str]) -> None:
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


# Files over HTTP.


def levels(source: StreamSource | WebSource) -> tuple[list[int], list[Stamp]]:
    """The levels of all frames of a clip of `make_clip`, and their stamps."""
    slot = np.zeros(source.open().shape, np.uint8)
    seen: list[int] = []
    stamps: list[Stamp] = []
    with suppress(SourceError):
        while True:
            stamp = source.grab(0.25)
            if stamp is not None:
                source.retrieve(slot)
                seen.append(round((float(slot.mean()) - 8) / 16))
                stamps.append(stamp)
    source.close()
    return seen, stamps


def test_a_file_whose_index_is_at_its_end_is_read_where_the_server_sends_parts(tmp_path: Path) -> None:
    content = make_clip(tmp_path / "clip.mp4").read_bytes()
    assert content.index(b"mdat") < content.index(b"moov")
    with web_files(WebFiles({"/clip.mp4": content})) as server:
        assert levels(WebSource(server.url("/clip.mp4"), timeout=LIMIT))[0] == [*range(12)]


def test_a_long_file_whose_index_is_at_its_end_is_not_received_as_a_whole_to_begin(tmp_path: Path) -> None:
    picture = np.random.default_rng(1).integers(0, 255, (480, 640, 3), np.uint8)
    path = make_clip(tmp_path / "clip.mp4", size=(640, 480), gop=1, picture=picture, frames=40)
    assert path.stat().st_size > 3 << 20
    with web_files(WebFiles({"/clip.mp4": path.read_bytes()})) as server:
        source = WebSource(server.url("/clip.mp4"), timeout=LIMIT)
        assert source.open().width == 640
        source.close()
        assert any(asked is not None for _, asked, _ in server.requests)
        server.has_ranges = False
        told = refusal(WebSource(server.url("/clip.mp4"), timeout=LIMIT))
        assert "an .mp4 whose index is at its end needs a server that sends parts of files" in told


def test_a_file_is_played_at_the_speed_of_its_own_times(tmp_path: Path) -> None:
    content = make_clip(tmp_path / "clip.ts", times=[*range(6), *range(900_000, 900_006)]).read_bytes()
    with web_files(WebFiles({"/clip.ts": content})) as server:
        seen, stamps = levels(WebSource(server.url("/clip.ts"), timeout=LIMIT))
    assert seen == [*range(12)]
    assert {(stamp.source, stamp.ts_from) for stamp in stamps} == {("driver", "pts")}
    assert 0.4e9 < stamps[-1].t_cap_ns - stamps[0].t_cap_ns < 5e9


def test_the_video_of_a_phone_is_upright_over_http_too() -> None:
    cases = Path(__file__).parent.parent / "cases" / "video"
    with web_files(WebFiles({"/rot90.mp4": (cases / "rot90.mp4").read_bytes()})) as server:
        source = WebSource(server.url("/rot90.mp4"), timeout=LIMIT)
        assert source.open() == Format(576, 768, fps=10.0)
        source.close()


# Live streams.


def test_what_comes_without_an_end_is_given_out_as_it_comes(tmp_path: Path) -> None:
    files = WebFiles({"/live.ts": make_clip(tmp_path / "clip.ts", frames=200).read_bytes()}, has_ranges=False)
    files.is_endless = True
    with web_files(files) as server:
        source = WebSource(server.url("/live.ts"), timeout=LIMIT)
        slot = np.zeros(source.open().shape, np.uint8)
        with stopwatch() as watch:
            for n in range(190):
                while (stamp := source.grab(0.25)) is None:
                    pass
                assert stamp.t_cap_ns <= time.monotonic_ns()
                if n < 12:
                    source.retrieve(slot)
                    assert round((float(slot.mean()) - 8) / 16) == n
        assert watch.seconds < 4.0  # of a clip of 8 s
        source.close()


def test_a_grab_ends_within_its_limit_or_at_once_when_it_is_woken(tmp_path: Path) -> None:
    files = WebFiles({"/live.ts": make_clip(tmp_path / "clip.ts", frames=40).read_bytes()}, has_ranges=False)
    files.is_endless = True
    with web_files(files) as server:
        source = WebSource(server.url("/live.ts"), timeout=60.0)
        source.open()
        while source.grab(0.5) is not None:
            pass
        with stopwatch() as watch:
            assert source.grab(0.3) is None
        assert 0.25 < watch.elapsed < 1.3
        timer = threading.Timer(0.3, source.wake)
        timer.start()
        with stopwatch() as watch:
            assert source.grab(60) is None
        assert watch.seconds < 1.3
        timer.join()
        source.close()


def test_a_live_stream_that_falls_silent_is_lost_after_its_limit(tmp_path: Path) -> None:
    files = WebFiles({"/live.ts": make_clip(tmp_path / "clip.ts", frames=40).read_bytes()}, has_ranges=False)
    files.is_endless = True
    with web_files(files) as server:
        source = WebSource(server.url("/live.ts"), timeout=1.0)
        slot = np.zeros(source.open().shape, np.uint8)
        with stopwatch() as watch:
            _, reason = read_until_lost(source, slot)
        assert "nothing has come for 1 s" in reason or "no frame for 1 s" in reason
        assert watch.seconds < 5
        source.close()


def test_a_live_stream_is_entered_at_its_next_key_frame(tmp_path: Path) -> None:
    content = make_clip(tmp_path / "clip.ts", frames=60, gop=12, container="mpegts").read_bytes()
    files = WebFiles({"/live.ts": content[188 * 9 :]}, has_ranges=False)
    files.is_endless = True
    with web_files(files) as server:
        source = WebSource(server.url("/live.ts"), timeout=LIMIT)
        slot = np.zeros(source.open().shape, np.uint8)
        while source.grab(0.25) is None:
            pass
        source.retrieve(slot)  # and it is not damaged
        source.close()


def test_key_frames_alone_are_decoded_where_they_are_enough(tmp_path: Path) -> None:
    content = make_clip(tmp_path / "clip.ts", frames=200, gop=25, options={"x264-params": "scenecut=0"}).read_bytes()
    with web_files(WebFiles({"/clip.ts": content}, has_ranges=False)) as server:
        server.is_endless = True
        cases: list[tuple[DecodeFrames, float | None, set[int]]]
        cases = [("key", None, {25}), ("auto", 0.5, {25}), ("auto", 25.0, {1})]
        for decode_frames, max_fps, expected in cases:
            source = WebSource(server.url("/clip.ts"), timeout=2.0, decode_frames=decode_frames)
            source.expect_rate(max_fps)
            source.open()
            times: list[float] = []
            with suppress(SourceError):
                while len(times) < 200:
                    if source.grab(0.25) is not None:
                        assert source._stream is not None
                        assert source._stream._frames is not None
                        times.append(source._stream._frames.time or 0.0)
            steps = {round((later - earlier) * 25) for earlier, later in pairwise(times[-4:])}
            source.close()
            assert steps == expected, (decode_frames, max_fps)


def test_bytes_without_a_video_in_them_are_not_read_for_ever() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nAccept-Ranges: none\r\n\r\n"
    box = (1 << 31).to_bytes(4) + b"free"  # as long as it likes, before the index
    with flooding(head + b"\0\0\0\x18ftypisom\0\0\0\0isomiso2" + box, bytes(1 << 16)) as url:
        before = resident_kib()
        told = refusal(WebSource(url, timeout=30))
        assert "no video in 64 MiB" in told
        assert resident_kib() - before < 32 << 10


def resident_kib() -> int:
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0])


def test_a_thread_that_waits_for_a_name_server_is_not_joined_by_others(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answer = threading.Event(), threading.Event()

    def hang(*args: object, **more: object) -> list[object]:
        asked.set()
        answer.wait()
        raise OSError("no answer")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    monkeypatch.setattr(packets, "END_SECONDS", 0.1)
    source = StreamSource("http://camera.example/x.ts", timeout=0.1)
    assert refusal(source).endswith("no frame within 0.1 s")
    assert asked.is_set()
    assert refusal(source).endswith("the name server does not answer")
    answer.set()
    assert source._left_behind is not None
    left = source._left_behind
    eventually(lambda: not left.is_running, "the thread has ended")
