"""Session descriptions of cameras, good and bad."""

from __future__ import annotations

import pytest

from edged.camera.rtsp.sdp import MOST_LINES, video_track

BASE = "rtsp://camera/live/"
VIDEO = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"


def described(*lines: str) -> bytes:
    return "\r\n".join(["v=0", "s=x", *lines, ""]).encode()


def test_the_video_is_found_with_all_that_is_known_of_it() -> None:
    track = video_track(
        described(
            "m=audio 0 RTP/AVP 8",
            "a=control:track9",
            "m=video 0 RTP/AVP 97",
            "a=rtpmap:97 H264/90000",
            "a=fmtp:97 packetization-mode=1;profile-level-id=4D0029; sprop-parameter-sets=Z00AKQ==,aO44gA==",
            "a=framerate:12.5",
            "a=control:track1",
        ),
        BASE,
    )
    assert (track.codec, track.payload_type, track.clock_rate, track.fps) == ("h264", 97, 90_000, 12.5)
    assert track.parameter_sets == (b"\x67\x4d\x00\x29", b"\x68\xee\x38\x80")
    assert (track.control, track.session_control) == ("rtsp://camera/live/track1", BASE)


def test_h265_has_its_parameters_in_three_places() -> None:
    track = video_track(
        described(
            "m=video 0 RTP/AVP 96", "a=rtpmap:96 H265/90000", "a=fmtp:96 sprop-sps=Qg==; sprop-vps=QA==;sprop-pps=RA=="
        ),
        BASE,
    )
    assert track.codec == "hevc"
    assert track.parameter_sets == (b"\x40", b"\x42", b"\x44")


def test_jpeg_has_a_type_of_its_own() -> None:
    track = video_track(described("m=video 0 RTP/AVP 26"), BASE)
    assert (track.codec, track.payload_type, track.clock_rate) == ("mjpeg", 26, 90_000)


@pytest.mark.parametrize(
    ("session", "control", "base", "expected"),
    [
        ("", "track1", "rtsp://camera/live", "rtsp://camera/live/track1"),
        ("*", "track1", "rtsp://camera/live/", "rtsp://camera/live/track1"),
        ("*", "/track1", "rtsp://camera/live/", "rtsp://camera/live/track1"),
        ("", "track1", "rtsp://camera/live?channel=1", "rtsp://camera/live?channel=1/track1"),
        ("", "rtsp://10.0.0.1/t", "rtsp://camera/live", "rtsp://10.0.0.1/t"),
        ("rtsp://10.0.0.1/s/", "t", "rtsp://camera/live", "rtsp://10.0.0.1/s/t"),
        ("", "", "rtsp://camera/live", "rtsp://camera/live"),
        ("", "a b\x1b\u2028c", "rtsp://camera/live", "rtsp://camera/live/a%20b%1B"),
    ],
)
def test_the_address_of_the_video_is_what_cameras_mean(session: str, control: str, base: str, expected: str) -> None:
    track = video_track(described(f"a=control:{session}", VIDEO.strip(), f"a=control:{control}"), base)
    assert track.control == expected


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ((), "it has no video"),
        (("m=audio 0 RTP/AVP 0", "m=application 0 RTP/AVP 107"), "it has no video, but application, audio"),
        (("m=video 0 RTP/AVP 96", "a=rtpmap:96 VP8/90000"), "its video is VP8; edged reads H264, H265 and JPEG"),
        (("m=video 0 RTP/AVP 32",), "its video is of type 32; edged reads"),
        (("m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/0"), "its video is H264; edged reads"),
        (("m=video",), "it has no video, but video"),
        (("a=x",) * MOST_LINES, "more than 1000 lines"),
    ],
)
def test_what_has_no_video_for_edged_is_refused_with_what_it_has(lines: tuple[str, ...], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        video_track(described(*lines), BASE)


@pytest.mark.parametrize("framerate", ["", "x", "0", "-1", "1e9", "99999", "nan"])
def test_a_rate_that_cannot_be_is_unknown(framerate: str) -> None:
    assert video_track(described(VIDEO.strip(), f"a=framerate:{framerate}"), BASE).fps is None


@pytest.mark.parametrize("sets", ["!", "AAA", "A" * 60_000, "," * 60_000])
def test_parameters_that_cannot_be_read_are_left_out(sets: str) -> None:
    track = video_track(described(VIDEO.strip(), f"a=fmtp:96 sprop-parameter-sets={sets}"), BASE)
    assert all(isinstance(part, bytes) for part in track.parameter_sets)
