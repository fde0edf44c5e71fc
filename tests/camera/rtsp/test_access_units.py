"""Pictures put together from packets."""

from __future__ import annotations

import hashlib

import cv2
import numpy as np
import pytest

from edged.camera.rtsp.access_units import LARGEST_UNIT, MOST_AGGREGATED, AccessUnits
from edged.camera.rtsp.jpeg_frames import JpegFrames
from edged.camera.rtsp.nal import H264, H265
from edged.camera.rtsp.rtp import read_packet
from tests.camera.rtsp.clips import START_CODE, Clip, coded, payloads, rtp

PPS, IDR, SLICE = b"\x68pps", b"\x65idr", b"\x41slice"


class Feed:
    """Packets with numbers and times of their own."""

    def __init__(self, units: AccessUnits | JpegFrames) -> None:
        self.units = units
        self.sequence = 65_530

    def push(
        self, payload: bytes, timestamp: int, *, marker: bool = True, lost: int = 0
    ) -> list[tuple[bytes, bool, bool]]:
        """The bytes of each picture, whether it is a key picture, and whether it is damaged."""
        self.sequence += 1 + lost
        packet = read_packet(memoryview(rtp(payload, self.sequence, timestamp, marker=marker)))
        return [(bytes(unit.content), unit.is_key, unit.is_damaged) for unit in self.units.push(packet)]


def units_of(clip: Clip) -> AccessUnits:
    return AccessUnits(H264() if clip.codec == "h264" else H265(), ())


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_pictures_come_out_as_they_went_in(codec: str) -> None:
    clip = coded(codec, width=640, height=480)
    feed = Feed(units_of(clip))
    for n, unit in enumerate(clip.units):
        parts = payloads(codec, unit)
        found = [feed.push(part, n * 3600, marker=part is parts[-1]) for part in parts]
        assert found[:-1] == [[]] * (len(parts) - 1)
        (content, is_key, is_damaged) = found[-1][0]
        # Small NAL units go together into the first packet, before the picture.
        assert sorted(content.split(START_CODE)) == sorted([b"", *unit])
        assert (is_key, is_damaged) == (n % 5 == 0, False)


def test_a_picture_without_a_marker_ends_where_the_time_changes() -> None:
    feed = Feed(AccessUnits(H264(), ()))
    assert feed.push(IDR, 0, marker=False) == []
    assert feed.push(SLICE, 3600, marker=False) == [(START_CODE + IDR, True, False)]
    assert feed.push(SLICE, 7200, marker=False) == [(START_CODE + SLICE, False, False)]


def test_parameters_with_a_marker_of_their_own_belong_to_the_picture_after_them() -> None:
    feed = Feed(AccessUnits(H264(), ()))
    assert feed.push(PPS, 0) == []
    assert feed.push(IDR, 0) == [(START_CODE + PPS + START_CODE + IDR, True, False)]


def test_parameters_of_the_description_stand_before_key_pictures_only() -> None:
    feed = Feed(AccessUnits(H264(), (PPS,)))
    assert feed.push(IDR, 0) == [(START_CODE + PPS + START_CODE + IDR, True, False)]
    assert feed.push(SLICE, 3600) == [(START_CODE + SLICE, False, False)]


def test_pictures_before_the_first_key_picture_are_passed_over() -> None:
    feed = Feed(AccessUnits(H264(), ()))
    assert feed.push(SLICE, 0) == []
    assert len(feed.push(IDR, 3600)) == 1
    assert len(feed.push(SLICE, 7200)) == 1


def test_a_recovery_point_is_a_beginning_too() -> None:
    feed = Feed(AccessUnits(H264(), ()))
    assert feed.push(b"\x06\x06\x01\xc0", 0, marker=False) == []
    ((_, is_key, _),) = feed.push(SLICE, 0)
    assert is_key


def test_an_i_slice_behind_parameters_is_a_beginning_and_others_are_none() -> None:
    sps, i_slice, p_slice = b"\x67sps", b"\x41\x88slice", b"\x41\x9aslice"
    for parameters, slice_, expected in (
        ([sps], i_slice, True),
        ([sps], p_slice, False),
        ([], i_slice, False),
        ([PPS], i_slice, False),
    ):
        feed = Feed(AccessUnits(H264(), ()))
        feed.push(IDR, 0)
        for parameter in parameters:
            feed.push(parameter, 1, marker=False)
        ((_, is_key, _),) = feed.push(slice_, 1)
        assert is_key is expected


@pytest.mark.parametrize("begin", [b"\x09\xf0", b"\x06\x05sei", b"\x67sps", b"\x65\x88idr", b"\x78\0\4\x67sps"])
def test_a_loss_before_the_beginning_of_a_key_picture_is_not_of_it(begin: bytes) -> None:
    feed = Feed(AccessUnits(H264(), ()))
    feed.push(IDR, 0)
    feed.push(SLICE, 1, lost=1)
    feed.push(begin, 2, marker=False, lost=3)
    assert feed.push(IDR, 2)[0][1:] == (True, False)
    assert feed.push(SLICE, 3)[0][1:] == (False, False)


def test_a_loss_before_the_second_packet_of_a_key_picture_is_of_it() -> None:
    feed = Feed(AccessUnits(H264(), ()))
    feed.push(IDR, 0)
    feed.push(SLICE, 1)
    found = feed.push(b"\x65\x08idr", 2, lost=1)  # not from macroblock 0 on
    assert [is_damaged for _, _, is_damaged in found] == [True]


def test_a_picture_of_which_all_but_the_end_is_lost_damages_no_key_picture_after_it() -> None:
    feed = Feed(AccessUnits(H264(), ()))
    feed.push(IDR, 0)
    assert feed.push(b"\x7c\x45end", 1, lost=2) == [(b"", False, True)]
    assert feed.push(b"\x65\x88idr", 2)[0][1:] == (True, False)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_only_key_pictures_come_out_where_others_are_not_wanted(codec: str) -> None:
    clip = coded(codec, width=640, height=480)
    units = units_of(clip)
    units.keys_only = True
    feed = Feed(units)
    found, passed_over = [], 0
    for n, unit in enumerate(clip.units):
        parts = payloads(codec, unit)
        for part in parts:
            found += [(n, *picture[1:]) for picture in feed.push(part, n * 3600, marker=part is parts[-1])]
        passed_over += units.is_passing_over
    assert found == [(n, True, False) for n in range(0, len(clip.units), 5)]
    assert passed_over == len(clip.units) * 4 // 5
    assert units.pictures == len(clip.units)


def test_packets_that_were_skipped_count_as_having_come() -> None:
    feed = Feed(AccessUnits(H264(), ()))
    units = feed.units
    assert isinstance(units, AccessUnits)
    units.keys_only = True
    feed.push(IDR, 0)
    feed.push(b"\x7c\x81begin", 1, marker=False)
    assert units.is_passing_over
    feed.sequence += 12
    units.skipped(10, feed.sequence & 0xFFFF)
    assert units.lost == 2
    assert feed.push(b"\x65\x88idr", 2)[0][1:] == (True, False)
    assert units.lost == 2


def test_after_a_loss_all_is_damaged_up_to_the_next_key_picture() -> None:
    feed = Feed(AccessUnits(H264(), ()))
    feed.push(IDR, 0)
    found = [feed.push(SLICE, n, lost=n == 2)[0] for n in range(1, 5)]
    assert found == [(START_CODE + SLICE, False, False), *[(b"", False, True)] * 3], "nothing is put together in vain"
    assert feed.push(IDR, 5)[0][2] is False
    assert feed.push(SLICE, 6)[0][2] is False
    assert feed.units.lost == 1


def test_a_loss_between_two_pictures_damages_both() -> None:
    feed = Feed(AccessUnits(H264(), ()))
    feed.push(IDR, 0)
    assert feed.push(SLICE, 1, marker=False) == []
    assert [damaged for _, _, damaged in feed.push(SLICE, 2, lost=1)] == [True, True]


@pytest.mark.parametrize(
    "payload",
    [
        b"\x7c\x05rest of a fragment that never began",
        b"\x7c",
        b"\x78\x00\x00",
        b"\x78\xff\xffabc",
        b"\x79interleaved",
        b"\x7d\x85interleaved",
        b"\x1f",
    ],
)
def test_what_makes_no_sense_damages_the_picture(payload: bytes) -> None:
    feed = Feed(AccessUnits(H264(), ()))
    feed.push(IDR, 0)
    found = feed.push(payload, 1, marker=False) + feed.push(SLICE, 1)
    assert [is_damaged for _, _, is_damaged in found] == [True]


@pytest.mark.parametrize("syntax", [H264(), H265()])
def test_any_packets_at_all_are_survived(syntax: H264 | H265) -> None:
    noise = np.random.default_rng(1)
    units = AccessUnits(syntax, (PPS,))
    feed = Feed(units)
    for _ in range(20_000):
        size = int(noise.integers(0, 12))
        feed.push(
            noise.bytes(size), int(noise.integers(5)), marker=bool(noise.integers(2)), lost=int(noise.integers(50) == 0)
        )
    assert len(units._buffer) <= LARGEST_UNIT


def test_a_picture_without_an_end_takes_no_more_memory_than_the_largest() -> None:
    units = AccessUnits(H264(), ())
    feed = Feed(units)
    feed.push(IDR, 0)
    begin = b"\x7c\x85" + bytes(60_000)
    found = feed.push(begin, 1, marker=False)
    for _ in range(LARGEST_UNIT // 60_000 + 50):
        found += feed.push(b"\x7c\x05" + bytes(60_000), 1, marker=False)
    found += feed.push(b"\x7c\x45x", 1)
    assert found == [(b"", True, True)]
    assert len(units._buffer) <= LARGEST_UNIT


def test_jpegs_come_out_as_they_went_in() -> None:
    clip = coded("mjpeg")
    feed = Feed(JpegFrames())
    for n, (picture,) in enumerate(clip.units[:5]):
        parts = payloads("mjpeg", (picture,))
        found = [feed.push(part, n, marker=part is parts[-1]) for part in parts][-1]
        ((content, is_key, is_damaged),) = found
        assert (is_key, is_damaged) == (True, False)
        pictures = [cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) for data in (picture, content)]
        assert hashlib.sha256(pictures[0].tobytes()).digest() == hashlib.sha256(pictures[1].tobytes()).digest()


def test_a_jpeg_with_a_hole_is_damaged_and_the_next_is_not() -> None:
    feed = Feed(JpegFrames())
    (picture,) = coded("mjpeg", width=640, height=480).units[0]
    parts = payloads("mjpeg", (picture,))
    for part in parts[:-2]:
        feed.push(part, 0, marker=False)
    assert feed.push(parts[-1], 0, lost=1)[0][2] is True
    assert [feed.push(part, 1, marker=part is parts[-1]) for part in parts][-1][0][2] is False


@pytest.mark.parametrize("quality", [1, 49, 50, 99, 0, 100, 127, 200])
def test_tables_that_are_given_by_a_number_or_missing(quality: int) -> None:
    feed = Feed(JpegFrames())
    header = bytes([0, 0, 0, 0, 1, quality, 8, 8])
    ((_, _, is_damaged),) = feed.push(header + bytes(4) + bytes(50), 0)
    assert is_damaged is not (1 <= quality <= 99)


def test_any_jpeg_packets_at_all_are_survived() -> None:
    noise = np.random.default_rng(1)
    feed = Feed(JpegFrames())
    found: list[object] = []
    for _ in range(20_000):
        payload = bytes([0, 0, 0, int(noise.integers(2)), int(noise.integers(70)), int(noise.integers(256))])
        payload += noise.bytes(int(noise.integers(0, 12)))
        found += feed.push(payload, int(noise.integers(5)), marker=bool(noise.integers(2)))
    assert found


def test_a_packet_of_too_many_nal_units_is_damaged() -> None:
    for count, is_damaged in ((MOST_AGGREGATED, False), (MOST_AGGREGATED + 1, True)):
        feed = Feed(AccessUnits(H264(), ()))
        feed.push(IDR, 0)
        ((_, _, found),) = feed.push(b"\x78" + b"\0\4\x65idr" * count, 3600)
        assert found is is_damaged
