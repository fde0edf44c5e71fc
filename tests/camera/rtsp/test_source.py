"""RTSP cameras, good and bad, over real connections."""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edged.camera.delay import Delay
from edged.camera.http.redirects import Follow
from edged.camera.rtsp.access_units import Unit
from edged.camera.rtsp.source import RtspSource
from edged.camera.rtsp.video import Video
from edged.errors import DamagedFrame, SourceError
from tests.allocated import allocated
from tests.camera.leaks import leaves_nothing_behind
from tests.camera.rtsp.clips import Clip, coded
from tests.camera.rtsp.playing import LIMIT, LOST, good_and_damaged, loss, playing, refusal, take
from tests.camera.rtsp.server import RtspServer, serving_rtsp
from tests.camera.servers import answering, flooding, free_port, number
from tests.fakes import eventually
from tests.stopwatch import stopwatch

pytestmark = pytest.mark.timed

LOGIN = "us%20er:p%3Ass%2Fw%C3%B6rd%40"
METHODS = ("OPTIONS", "DESCRIBE", "SETUP", "PLAY")


@pytest.mark.parametrize("codec", ["h264", "hevc", "mjpeg"])
def test_a_camera_is_read_over_tcp_frame_by_frame(codec: str) -> None:
    server = RtspServer(coded(codec))
    with playing(server) as (source, slot):
        assert slot.shape == (240, 320, 3)
        numbers = take(source, slot, 20)
        assert numbers == sorted(numbers)
        assert numbers[-1] - numbers[0] < 40
        assert server.methods_asked == list(METHODS)
        transports = [headers["transport"] for _, _, headers in server.requests if "transport" in headers]
        assert transports == ["RTP/AVP/TCP;unicast;interleaved=0-1"]
        server.mode = "hang"
        # To close a connection that holds unread bytes resets it, and then the server may never read what came last.
        eventually(lambda: source.grab(0.1) is None, "all is read")
    eventually(lambda: server.methods_asked[-1] == "TEARDOWN", "the session is ended")


@pytest.mark.parametrize(("coded_as", "codec"), [("h264", "h264"), ("hevc", "hevc"), ("mjpeg", "jpeg")])
def test_a_codec_has_the_name_that_it_has_at_every_camera(coded_as: str, codec: str) -> None:
    with serving_rtsp(RtspServer(coded(coded_as))) as server:
        source = RtspSource(server.url(), timeout=LIMIT)
        frame_format = source.open()
        source.close()
    assert (frame_format.codec, frame_format.decoder) == (codec, coded_as)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_parameters_that_only_the_description_has_are_enough(codec: str) -> None:
    with playing(RtspServer(coded(codec).without_parameters(), parameters=coded(codec).parameters)) as (source, slot):
        assert take(source, slot, 3)[-1] < 50


def test_parameters_that_only_the_stream_has_are_enough() -> None:
    with playing(RtspServer(parameters="")) as (source, slot):
        take(source, slot, 3)


def test_the_video_is_found_behind_other_streams() -> None:
    server = RtspServer()
    server.media_before = (
        "m=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\na=control:track0\r\n"
        "m=audio 0 RTP/AVP 0\r\na=control:track9\r\n"
    )
    with playing(server) as (source, slot):
        take(source, slot)
    assert [uri for method, uri, _ in server.requests if method == "SETUP"] == [f"{server.url()}/track1"]


def test_a_server_that_chooses_other_channels_is_heard_on_these() -> None:
    server = RtspServer()
    server.interleaved = (8, 9)
    with playing(server) as (source, slot):
        take(source, slot)


@pytest.mark.parametrize("auth", ["basic", "md5", "sha256"])
def test_user_and_password_are_sent_as_the_server_asks(auth: str) -> None:
    with serving_rtsp(RtspServer(auth=auth)) as server:
        source = RtspSource(server.url(LOGIN), timeout=LIMIT)
        source.open()
        source.close()
        assert "authorization" not in server.requests[0][2]


@pytest.mark.parametrize(
    ("auth", "scheme"), [("basic", "Basic"), ("md5", "Digest MD5, Basic"), ("sha256", "Digest SHA-256")]
)
@pytest.mark.parametrize(
    ("login", "sentence"),
    [
        ("", "it asks for a user and password: write rtsp://USER:PASSWORD@HOST/… (it says {})"),
        (
            "x:some-secret",
            "it refuses this user or password (it says {}): write others into rtsp://USER:PASSWORD@HOST/…",
        ),
    ],
)
def test_a_wrong_password_is_refused_with_the_scheme_and_appears_nowhere(
    auth: str, scheme: str, login: str, sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving_rtsp(RtspServer(auth=auth)) as server:
        text = refusal(server.url(login))
    said = f"401 Unauthorized, and asks for {scheme}"
    assert text == f"rtsp://127.0.0.1:{server.port}/cam: {sentence.format(said)}"
    printed = capfd.readouterr()
    assert "some-" not in text + printed.out + printed.err


@pytest.mark.parametrize("login", ["", "user:secret"])
def test_a_scheme_that_edged_does_not_know_is_named_with_those_that_it_does(login: str) -> None:
    with serving_rtsp(RtspServer(auth="sha512")) as server:
        assert refusal(server.url(login)).endswith(
            "it wants a login that edged does not know (it says 401 Unauthorized, and asks for Digest SHA-512-256): "
            "choose Basic, Digest MD5 or SHA-256 in the camera"
        )


def moved(location: str) -> bytes:
    return f"RTSP/1.0 302 Moved Temporarily\r\nCSeq: CSEQ\r\nLocation: {location}\r\n\r\n".encode()


def test_a_redirection_to_another_port_of_the_same_host_is_followed_with_the_password() -> None:
    with serving_rtsp(RtspServer(auth="md5")) as there, serving_rtsp(RtspServer()) as server:
        server.answers["DESCRIBE"] = moved(there.url(path="/real"))
        source = RtspSource(server.url(LOGIN), timeout=LIMIT)
        source.open()
        source.close()
    assert there.methods_asked[-2:] == ["PLAY", "TEARDOWN"] or there.methods_asked[-1] == "PLAY"


def test_a_redirection_to_another_host_is_not_followed() -> None:
    with serving_rtsp(RtspServer(host="127.0.0.2", auth="basic")) as other, serving_rtsp(RtspServer()) as server:
        server.answers["DESCRIBE"] = moved(other.url())
        text = refusal(server.url("some-user:some-secret"))
    assert f"it redirects to another host (rtsp://127.0.0.2:{other.port}/cam); write that address" in text
    assert "follow_redirects: any" in text
    assert other.requests == []


def test_no_password_goes_to_another_host_even_where_any_is_followed() -> None:
    with serving_rtsp(RtspServer(host="127.0.0.2", auth="basic")) as other, serving_rtsp(RtspServer()) as server:
        server.answers["DESCRIBE"] = moved(other.url())
        source = RtspSource(server.url("some-user:some-secret"), timeout=LIMIT, follow_redirects="any")
        text = refusal(source)
    assert f"/cam: redirected to rtsp://127.0.0.2:{other.port}/cam: it asks for a user and password" in text
    assert other.methods_asked
    assert all("authorization" not in headers and "some-" not in uri for _, uri, headers in other.requests)


def test_the_host_of_a_redirection_is_named_where_it_does_not_answer() -> None:
    port = free_port()
    with serving_rtsp(RtspServer()) as server:
        server.answers["DESCRIBE"] = moved(f"rtsp://127.0.0.2:{port}/real")
        text = refusal(RtspSource(server.url(), timeout=LIMIT, follow_redirects="any"))
    assert text.startswith(f"{server.url()}: redirected to rtsp://127.0.0.2:{port}/real: ")
    assert "nobody listens there" in text


def test_a_track_that_is_not_there_is_not_asked_for_over_udp() -> None:
    with serving_rtsp(RtspServer()) as server:
        server.answers["SETUP"] = b"RTSP/1.0 404 Not Found\r\nCSeq: CSEQ\r\n\r\n"
        assert "it has nothing there (it says 404 Not Found): check the path" in refusal(server.url())
    assert server.methods_asked.count("SETUP") == 1


def test_a_redirection_in_a_circle_ends() -> None:
    with serving_rtsp(RtspServer()) as server:
        server.answers["DESCRIBE"] = moved(server.url())
        assert "it is redirected again and again" in refusal(server.url())


@pytest.mark.parametrize("follow", ["same-host", "any"])
def test_a_redirection_from_rtsps_to_clear_text_is_never_followed(follow: Follow, certificate: Path) -> None:
    with serving_rtsp(RtspServer()) as clear, serving_rtsp(RtspServer(certificate=str(certificate))) as server:
        server.answers["DESCRIBE"] = moved(clear.url())
        source = RtspSource(server.url(), timeout=LIMIT, verify_tls=False, follow_redirects=follow)
        assert "it redirects to clear text" in refusal(source)
    assert clear.requests == []


def test_a_certificate_that_nobody_trusts_is_refused_unless_that_is_wanted(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving_rtsp(RtspServer(certificate=str(certificate))) as server:
        assert refusal(server.url()).endswith(
            "its certificate is not trusted: self-signed certificate: set verify_tls: false to take any, or let this "
            "machine trust it (SSL_CERT_FILE)"
        )
        assert server.requests == []
        trusting = RtspSource(server.url(), timeout=LIMIT, verify_tls=False)
        slot = np.zeros(trusting.open().shape, np.uint8)
        take(trusting, slot, 10)
        trusting.close()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        verifying = RtspSource(server.url(), timeout=LIMIT)
        verifying.open()
        verifying.close()


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (
            {"DESCRIBE": b"RTSP/1.0 404 Not Found\r\nCSeq: CSEQ\r\n\r\n"},
            "it has nothing there (it says 404 Not Found): check the path",
        ),
        (
            {"DESCRIBE": b"RTSP/1.0 403 Forbidden\r\nCSeq: CSEQ\r\n\r\n"},
            "it forbids this (it says 403 Forbidden): allow",
        ),
        ({"SETUP": b"RTSP/1.0 403 Forbidden\r\nCSeq: CSEQ\r\n\r\n"}, "it forbids this"),
        (
            {"PLAY": b"RTSP/1.0 453 Not Enough Bandwidth\r\nCSeq: CSEQ\r\n\r\n"},
            "it is not available now, or serves as many viewers as it can (it says 453 Not Enough Bandwidth): close",
        ),
        (
            {"SETUP": b"RTSP/1.0 461 Unsupported Transport\r\nCSeq: CSEQ\r\n\r\n"},
            "it does not send over TCP or UDP (it says 461 Unsupported Transport, 461 Unsupported Transport): the",
        ),
        ({"SETUP": b"RTSP/1.0 200 OK\r\nCSeq: CSEQ\r\nTransport: x\r\n\r\n"}, "it gives no session"),
        (
            {"SETUP": b"RTSP/1.0 200 OK\r\nCSeq: CSEQ\r\nSession: 1\r\nTransport: RTP/AVP;client_port=1-2\r\n\r\n"},
            "it does not send over TCP or UDP (it says another transport, another transport)",
        ),
        ({"DESCRIBE": b"RTSP/1.0 200 OK\r\nCSeq: CSEQ\r\n\r\n"}, "it has no video"),
        (
            {"DESCRIBE": b"RTSP/1.0 200 OK\r\nCSeq: CSEQ\r\nContent-Length: 23\r\n\r\nm=audio 0 RTP/AVP 0\r\na=\r\n"},
            "it has no video, but audio: check the path of the URL",
        ),
        ({"DESCRIBE": b"RTSP/1.0 200 OK\r\nContent-Length: 2000000000\r\n\r\n"}, "an answer of 2000000000 bytes"),
        ({"DESCRIBE": b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n"}, "the length of its answer is not a number"),
        ({"DESCRIBE": b"HTTP/1.0 400 Bad Request\r\n\r\n"}, "it does not answer as an RTSP server does"),
        ({"OPTIONS": b"\x16\x03\x01junk"}, "it does not answer as an RTSP server does"),
        (
            {"DESCRIBE": b"RTSP/1.0 500 \x1b[31m" + b"x" * 5000 + b"\r\nCSeq: CSEQ\r\n\r\n"},
            "it refuses (it says 500 ?[31mx",
        ),
    ],
)
def test_every_refusal_has_its_own_sentence(answers: dict[str, bytes], reason: str) -> None:
    with serving_rtsp(RtspServer()) as server:
        server.answers.update(answers)
        text = refusal(server.url())
    assert text.startswith(f"rtsp://127.0.0.1:{server.port}/cam: ")
    assert reason in text
    assert len(text) < 400
    assert text.isprintable()


@pytest.mark.parametrize("method", METHODS)
def test_a_server_that_hangs_in_a_method_is_given_up_in_time(method: str) -> None:
    with serving_rtsp(RtspServer()) as server:
        server.silent.add(method)
        with stopwatch() as watch:
            assert "no answer within 0.5 s: check the address and port" in refusal(server.url(), timeout=0.5)
        assert watch.elapsed > 0.4
        assert watch.seconds < 3


@pytest.mark.parametrize("method", METHODS)
def test_a_wait_for_an_answer_is_ended_from_another_thread(method: str) -> None:
    with serving_rtsp(RtspServer()) as server:
        server.silent.add(method)
        source = RtspSource(server.url(), timeout=60)
        threading.Timer(0.3, source.wake).start()
        with stopwatch() as watch:
            assert "told to stop" in refusal(source)
        assert watch.seconds < 3


def test_a_wait_for_a_frame_is_ended_from_another_thread() -> None:
    server = RtspServer()
    with playing(server, timeout=60) as (source, slot):
        take(source, slot)
        server.mode = "hang"
        threading.Timer(0.3, source.wake).start()
        with stopwatch() as watch:
            while source.grab(60) is not None:
                pass
        assert watch.seconds < 3


def test_nobody_there_is_found_out_at_once() -> None:
    with stopwatch() as watch:
        assert "nobody listens there: check the port (554 is the usual one)" in refusal(
            f"rtsp://127.0.0.1:{free_port()}/x"
        )
    assert watch.seconds < 3


def test_a_grab_ends_at_its_limit() -> None:
    server = RtspServer()
    with playing(server) as (source, slot):
        take(source, slot)
        server.mode = "hang"
        while source.grab(0.1) is not None:
            pass
        with stopwatch() as watch:
            assert source.grab(0.3) is None
        assert watch.elapsed > 0.25
        assert watch.seconds < 2


def test_a_camera_that_falls_silent_is_lost_in_time() -> None:
    server = RtspServer()
    with playing(server, timeout=1) as (source, slot):
        take(source, slot)
        server.mode = "hang"
        with stopwatch() as watch:
            assert loss(source).endswith(": no frame for 1 s")
        assert watch.elapsed > 0.7
        assert watch.seconds < 4


def test_a_camera_that_is_restarted_comes_back() -> None:
    server = RtspServer()
    with playing(server) as (source, slot):
        take(source, slot, 3)
        server.stop()
        with stopwatch() as watch:
            assert "it has closed the connection" in loss(source)
        assert watch.seconds < 3
        assert "nobody listens there" in refusal(source)
        with serving_rtsp(RtspServer(port=server.port)):
            source.open()
            take(source, slot, 3)
            source.close()


def test_a_camera_that_sends_an_rtcp_bye_is_lost_at_once() -> None:
    server = RtspServer()
    with playing(server) as (source, slot):
        take(source, slot)
        assert source._session is not None
        with pytest.raises(SourceError, match="the camera has ended the stream"):
            source._session._on_report(memoryview(b"\x81\xcb\0\1\0\0\0\1"))


def test_a_pause_ends_with_new_frames_and_no_old_one() -> None:
    server = RtspServer()
    with playing(server) as (source, slot):
        take(source, slot, 3)
        server.mode = "hang"
        thaw = threading.Timer(1.5, lambda: setattr(server, "mode", "run"))
        thaw.start()
        take(source, slot, 30)
        thaw.join()


def test_frames_that_gathered_are_passed_over() -> None:
    server = RtspServer(coded(frames=200))
    with playing(server) as (source, slot):
        (before,) = take(source, slot)
        threading.Event().wait(2.5)
        (after,) = take(source, slot)
        assert after - before > 40
        assert server.sent - after < 10


class SlowVideo(Video):
    """A video whose every picture takes so long to decode as three take to come."""

    def _take(self, unit: Unit) -> None:
        threading.Event().wait(0.12)
        super()._take(unit)


def test_a_camera_that_is_too_much_for_this_machine_is_lost_before_it_shows_the_past(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edged.camera.rtsp.source.Video", SlowVideo)
    with playing(RtspServer(coded(frames=200))) as (source, _):
        ages = []
        with pytest.raises(SourceError, match=r"cannot keep up with the stream \(\d\.\d s behind\): use the camera's"):
            ages += [source._backlog.seconds for _ in range(100) if source.grab(0.25) is not None]
        assert all(age <= Delay.LIMIT for age in ages)


@pytest.mark.parametrize("decode_frames", ["all", "key"])
def test_a_size_that_changes_goes_on_in_the_first_and_the_next_opening_has_the_new_one(decode_frames: str) -> None:
    server = RtspServer()
    with playing(server, decode_frames=decode_frames) as (source, slot):
        take(source, slot, 3)
        server.clip = coded(width=640, height=480)
        video = source._video
        assert video is not None
        eventually(lambda: (take(source, slot), video.size)[1] == (640, 480), "frames of the new size")
        assert all(n < 50 for n in take(source, slot, 5))
        frame_format = source.open()
        assert frame_format.codec == frame_format.decoder == "h264"
        assert (frame_format.width, frame_format.height) == (640, 480)


def test_a_size_above_the_limit_is_not_decoded() -> None:
    with serving_rtsp(RtspServer(coded(width=640, height=480))) as server:
        source = RtspSource(server.url(), timeout=0.5, max_pixels=640 * 480 - 1)
        text = refusal(source)
    assert "no whole frame within 0.5 s: a frame cannot be decoded: it is damaged, or has more than 307199" in text


@pytest.mark.parametrize("codec", ["h264", "hevc", "mjpeg"])
def test_a_frame_of_which_a_packet_is_lost_is_damaged_until_the_next_key_frame(codec: str) -> None:
    server = RtspServer(coded(codec, gop=10))
    with playing(server) as (source, slot):
        take(source, slot, 3)
        server.loses = lambda n: n % 60 == 0
        good, damaged = good_and_damaged(source, slot)
        assert damaged == {LOST.format(server.port)}
        assert max(good) < len(server.clip.units)  # a smeared one would have another number
        assert source.lost_packets > 0


def test_only_key_frames_are_decoded_where_no_more_is_wanted() -> None:
    with serving_rtsp(RtspServer(coded(gop=10), fps=100)) as server:
        source = RtspSource(server.url(), timeout=LIMIT, decode_frames="key")
        slot = np.zeros(source.open().shape, np.uint8)
        numbers = take(source, slot, 8)
        source.close()
    assert {n % 10 for n in numbers} == {0}


def test_the_wall_clock_of_the_camera_is_known_where_it_sends_it() -> None:
    server = RtspServer(wall_clock=1_700_000_000.5)
    with playing(server) as (source, slot):
        (n,) = take(source, slot)
        assert source.wall_ns == pytest.approx(1_700_000_000.5e9 + n * 0.04e9, abs=1e6)
    with playing(RtspServer()) as (source, slot):
        assert source.wall_ns is None


@pytest.mark.parametrize(("methods", "expected"), [("OPTIONS, GET_PARAMETER", "GET_PARAMETER"), ("OPTIONS", "OPTIONS")])
def test_a_session_is_kept_alive_as_the_server_can(methods: str, expected: str) -> None:
    server = RtspServer(session_timeout=2, auth="sha256")
    server.methods = methods
    with serving_rtsp(server):
        source = RtspSource(server.url(LOGIN), timeout=LIMIT)
        slot = np.zeros(source.open().shape, np.uint8)
        server.requests.clear()
        eventually(lambda: (take(source, slot), expected in server.methods_asked)[1], "a sign of life")
        assert server.requests[0][2]["session"] == "1234"
        source.close()


def test_a_frame_is_written_into_the_slot_itself() -> None:
    with playing(RtspServer(coded(width=640, height=480), fps=50)) as (source, slot):
        take(source, slot, 10)

        def one_frame() -> None:
            while source.grab(0.25) is None:
                pass
            source.retrieve(slot)

        # Packets are copied on their way into the decoder; the pixels, of 900 KB, are not.
        assert allocated(one_frame).peak < 200_000
        assert allocated(one_frame).kept < 4096


def flood(pieces: bytes, timeout: float = 1.0) -> str:
    with flooding(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n", pieces) as url:
        with stopwatch() as watch:
            text = refusal(url.replace("http:", "rtsp:"), timeout)
        assert watch.seconds < 30
    return text


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        (b"\r\n" * 30_000, "it does not answer as an RTSP server does: it sends line ends only"),
        (b"$\0\0\0" * 10_000, "more than 20000 packets a second"),
        (b"$\0\xff\xff" + bytes(65_535), "more than 8 MiB in place of an answer"),
        (b"RTSP/1.0 200 OK\r\nCSeq: 77\r\n\r\n" * 1000, "more than 200 messages a second"),
        (b"RTSP/1.0 100 Continue\r\nCSeq: 2\r\n\r\n" * 1000, "more than 200 messages a second"),
        (b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n" * 1000, "more than 200 messages a second"),
        (b"A" * 60_000, "a head of more than 65536 bytes"),
        (b"RTSP/1.0 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n", "its answer has more than 100 headers"),
        (bytes(60_000), "it does not answer as an RTSP server does"),
    ],
)
def test_a_server_that_floods_is_given_up_in_time_and_its_flood_is_not_kept(pieces: bytes, reason: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert reason in flood(pieces, 60.0)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000


def test_an_announced_body_of_two_gigabytes_is_refused_before_it_comes() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    head = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 2000000000\r\n\r\n"
    with flooding(head, bytes(60_000)) as url:
        text = refusal(url.replace("http:", "rtsp:"))
    assert "it announces an answer of 2000000000 bytes; edged takes 65536" in text
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000


def test_an_answer_that_trickles_is_given_up_in_time() -> None:
    with answering(b"RTSP/1.0 200 OK\r\n" + b"a: b\r\n" * 1000, pace=0.05) as url:
        with stopwatch() as watch:
            assert "no answer within 1 s" in refusal(url.replace("http:", "rtsp:"), 1.0)
        assert watch.seconds < 4


def test_a_stream_of_packets_without_a_picture_does_not_hold_up_a_grab() -> None:
    server = RtspServer()
    with playing(server) as (source, slot):
        take(source, slot)
        junk = Clip("h264", 320, 240, tuple((b"\x09\xf0",) for _ in range(50)))
        server.clip, server.fps = replace(junk), 2000.0
        with stopwatch() as watch:
            for _ in range(5):
                source.grab(0.2)
        assert watch.seconds < 4


def test_a_stream_of_too_many_packets_is_a_loss() -> None:
    server = RtspServer()
    with playing(server) as (source, slot):
        take(source, slot)
        server.clip = Clip("h264", 320, 240, ((b"\x09" + bytes(200),) * 2000,))
        server.fps = 1000.0
        assert "it sends more than 20000 packets a second" in loss(source)


@pytest.mark.parametrize("damage", range(4))
def test_pictures_that_make_no_sense_are_damaged_or_passed_over_and_good_ones_follow(
    damage: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever bytes come in their place, nothing but damage comes of it, and FFmpeg prints nothing itself."""
    good = coded()
    noise = np.random.default_rng(damage)

    def spoiled(nal: bytes) -> bytes:
        content = bytearray(nal)
        for _ in range(20):
            content[int(noise.integers(1, len(content)))] = int(noise.integers(256))
        return bytes(content)

    server = RtspServer(good)
    with playing(server) as (source, slot):
        take(source, slot)
        server.clip = replace(good, units=tuple(tuple(map(spoiled, unit)) for unit in good.units))
        server.fps = 200.0
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            if source.grab(0.1) is not None:
                try:
                    source.retrieve(slot)
                except SourceError as exc:
                    text = str(exc)
                    assert "decoded" in text or "lost" in text or "size" in text, text
        server.clip = good
        server.fps = 25.0

        def is_good() -> bool:
            if source.grab(0.25) is None:
                return False
            try:
                source.retrieve(slot)
            except DamagedFrame:
                return False
            return number(slot) < 50

        eventually(is_good, "a good picture")
    assert capfd.readouterr() == ("", "")


def test_opening_and_closing_leaves_nothing_behind() -> None:
    with serving_rtsp(RtspServer(auth="sha256")) as server:
        source = RtspSource(server.url(LOGIN), timeout=LIMIT)

        def one_round() -> None:
            slot = np.zeros(source.open().shape, np.uint8)
            take(source, slot)
            source.close()
            source.close()

        leaves_nothing_behind(one_round)


@pytest.mark.parametrize(
    "make", [lambda server: server.answers.update(PLAY=b"\0"), lambda server: server.silent.add("PLAY")]
)
def test_failing_to_open_leaves_nothing_behind(make: Callable[[RtspServer], object]) -> None:
    with serving_rtsp(RtspServer()) as server:
        make(server)

        def one_round() -> None:
            refusal(server.url(), timeout=0.3)

        leaves_nothing_behind(one_round)


@pytest.mark.parametrize("url", ["", "http://h/", "rtsp://", "file:///etc/passwd", "rtspu://user:secret@host/"])
def test_what_is_no_rtsp_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="must be rtsp://HOST/… or rtsps://HOST/…") as caught:
        RtspSource(url)
    assert "secret" not in str(caught.value)
