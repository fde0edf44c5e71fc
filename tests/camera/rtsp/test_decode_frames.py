"""RTSP cameras of which only key frames are decoded, and times of frames."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from edged.camera.rtsp.decoder import Decoder
from edged.errors import DamagedFrame
from edged.values import Stamp, StreamClock
from tests.camera.rtsp.clips import coded, is_parameter_set
from tests.camera.rtsp.playing import playing, refusal, take
from tests.camera.rtsp.server import RtspServer, serving_rtsp
from tests.fakes import eventually

pytestmark = pytest.mark.timed


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the pictures that are decoded, as they are."""
    sizes: list[int] = []
    push = Decoder.push

    def note(self: Decoder, content: bytes | memoryview, timestamp: int, clock_rate: int) -> bool:
        sizes.append(len(content))
        return push(self, content, timestamp, clock_rate)

    monkeypatch.setattr(Decoder, "push", note)
    return sizes


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_key_frames_alone_are_decoded_and_only_when_one_is_wanted(codec: str, decoded: list[int]) -> None:
    server = RtspServer(coded(codec, gop=10), fps=50)
    with playing(server, decode_frames="key") as (source, slot):
        numbers = take(source, slot, 6)
        assert {n % 10 for n in numbers} == {0}
        assert len(decoded) <= 8
        decoded.clear()
        for _ in range(5):
            eventually(lambda: source.grab(0.25) is not None, "a frame that is not wanted")
        assert decoded == []
        source.retrieve(slot)
        assert len(decoded) == 1
        assert source.lost_packets == 0


def test_jpegs_are_decoded_only_when_one_is_wanted(decoded: list[int]) -> None:
    with playing(RtspServer(coded("mjpeg"), fps=50)) as (source, slot):
        decoded.clear()
        for _ in range(5):
            eventually(lambda: source.grab(0.25) is not None, "a frame that is not wanted")
        assert decoded == []
        take(source, slot, 2)
        assert len(decoded) == 2


def test_a_key_frame_is_there_at_once_where_the_codec_holds_pictures_back() -> None:
    server = RtspServer(coded(gop=10, b_frames=2), fps=50)
    with playing(server, decode_frames="key") as (source, slot):
        assert {n % 10 for n in take(source, slot, 6)} == {0}


def test_parameters_before_every_picture_make_no_key_frame_of_it() -> None:
    clip = coded(gop=10)
    parameters = tuple(nal for nal in clip.units[0] if is_parameter_set("h264", nal))
    everywhere = tuple(parameters + tuple(n for n in unit if n not in parameters) for unit in clip.units)
    with playing(RtspServer(replace(clip, units=everywhere), fps=50), decode_frames="key") as (source, slot):
        assert {n % 10 for n in take(source, slot, 6)} == {0}


def test_auto_decodes_all_until_key_frames_are_known_to_be_enough_and_again_when_they_are_not(
    decoded: list[int],
) -> None:
    server = RtspServer(coded(gop=10, frames=200), fps=50)
    with playing(server) as (source, slot):
        take(source, slot, 5)
        assert any(n % 10 for n in take(source, slot, 5)), "without a rate all are decoded"
        source.expect_rate(2.0)
        eventually(lambda: (take(source, slot), source._video is not None and source._video.keys_only)[1], "keys only")
        take(source, slot)
        assert {n % 10 for n in take(source, slot, 5)} == {0}
        server.clip = coded(gop=100, frames=200)  # a key frame each two seconds: half of what is wanted
        eventually(lambda: (source.grab(0.25), source._video is not None and not source._video.keys_only)[1], "all")
        assert any(n % 10 for n in take(source, slot, 12))


def test_packets_that_are_lost_between_key_frames_do_no_harm_and_others_damage_theirs() -> None:
    server = RtspServer(coded(gop=10, width=640, height=480), fps=50)
    with playing(server, decode_frames="key") as (source, slot):
        server.loses = lambda _: server.sent % 10 == 5
        assert {n % 10 for n in take(source, slot, 4)} == {0}
        assert source.lost_packets > 0
        server.loses = lambda n: server.sent % 10 == 0 and n % 2 == 1

        def is_damaged() -> bool:
            if source.grab(0.25) is None:
                return False
            with suppress(DamagedFrame):
                source.retrieve(slot)
                return False
            return True

        eventually(is_damaged, "a damaged key frame")
        with pytest.raises(DamagedFrame, match="packets were lost, of it or of a frame that it builds on"):
            source.retrieve(slot)


def test_a_stream_without_key_frames_shows_that_it_lives() -> None:
    server = RtspServer(coded(gop=10, frames=50), fps=50)
    with playing(server, decode_frames="key") as (source, slot):
        take(source, slot, 3)
        server.clip = replace(server.clip, units=server.clip.units[1:10])  # no key frame any more
        begin = time.monotonic()
        while time.monotonic() < begin + 2.0:
            source.grab(0.25)
        assert source.grab(0.25) is None
        assert time.monotonic() - source.last_received() < 0.5
        server.mode = "hang"
        source.grab(0.25)
        silent = source.last_received()
        source.grab(0.5)
        assert source.last_received() == silent


def test_frames_that_stay_damaged_show_that_something_is_wrong() -> None:
    server = RtspServer(coded(gop=10, width=640, height=480), fps=50)
    with playing(server, decode_frames="all") as (source, slot):
        take(source, slot, 40)
        server.loses = lambda _: server.sent % 10 == 0  # every key frame
        begin = time.monotonic()
        while time.monotonic() < begin + 2.0:
            source.grab(0.25)
        assert begin < source.last_received() < begin + 1.0


def test_the_first_frame_of_a_stream_without_key_frames_has_its_own_sentence() -> None:
    clip = coded(gop=10)
    server = RtspServer(replace(clip, units=clip.units[1:10]), parameters=clip.parameters)
    with serving_rtsp(server):
        assert refusal(server.url(), timeout=1.0).endswith(
            "no whole frame within 1 s: no key frame has come; let the camera send more of them, or give it more "
            "stall_seconds"
        )


@pytest.mark.parametrize(
    ("wall_clock", "ts_from", "expected"), [("now", "rtcp", "rtcp"), ("now", "pts", "pts"), (None, "rtcp", "pts")]
)
def test_frames_have_their_own_time_of_the_wall_clock_or_of_their_timestamps(
    wall_clock: Literal["now"] | None, ts_from: StreamClock, expected: StreamClock
) -> None:
    with playing(RtspServer(wall_clock=wall_clock), ts_from=ts_from) as (source, _):
        stamps: list[Stamp] = []
        while len(stamps) < 10:
            stamp = source.grab(0.25)
            if stamp is not None:
                stamps.append(stamp)
        assert {(stamp.source, stamp.ts_from) for stamp in stamps} == {("driver", expected)}
        times = [stamp.t_cap_ns for stamp in stamps]
        assert times == sorted(set(times))
        steps = np.diff(times[3:]) / 40e6
        assert all(abs(step - round(step)) < 0.01 and step > 0.5 for step in steps), "as far apart as captured"


def test_a_clock_of_the_camera_that_is_wrong_is_not_believed() -> None:
    with playing(RtspServer(wall_clock=1_700_000_000.5)) as (source, _):
        stamp = None
        while stamp is None:
            stamp = source.grab(0.25)
        assert stamp.ts_from == "pts"
        assert 0 <= time.monotonic_ns() - stamp.t_cap_ns < 2e9
