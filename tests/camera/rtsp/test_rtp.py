"""RTP and RTCP packets, good and bad."""

from __future__ import annotations

import pytest

from edged.camera.rtsp.rtcp import MOST_REPORTS, Goodbye, SenderReport, read_reports
from edged.camera.rtsp.rtp import SequenceCheck, Unwrap, read_packet
from tests.camera.rtsp.clips import rtp, sender_report


def test_a_packet_is_taken_apart() -> None:
    packet = read_packet(memoryview(rtp(b"abc", 70_000, 1 << 32, marker=True)))
    assert (packet.payload_type, packet.marker, packet.sequence, packet.timestamp) == (96, True, 70_000 - 65_536, 0)
    assert (packet.source, bytes(packet.payload)) == (1, b"abc")


def test_what_stands_around_the_payload_is_left_out() -> None:
    head = b"\xb1\x60\0\1\0\0\0\2\0\0\0\3"  # with padding, an extension and one more source
    packet = read_packet(memoryview(head + b"src1" + b"\xbe\xde\0\1extd" + b"payload" + b"\0\0\3"))
    assert bytes(packet.payload) == b"payload"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        bytes(12),
        b"\x80" * 11,
        b"\xbf" + b"\xff" * 30,
        b"\x8f" + bytes(20),
        b"\x90" + bytes(11),
        b"\xa0" + bytes(11) + b"\xff",
    ],
)
def test_what_is_no_packet_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="not an RTP packet"):
        read_packet(memoryview(content))


def test_missing_packets_are_counted_and_late_ones_are_left_out() -> None:
    check = SequenceCheck()
    numbers = [65_534, 65_535, 0, 2, 1, 2, 3, 8, 40_000]
    assert [check.missing_before(n) for n in numbers] == [0, 0, 0, 1, None, None, 0, 4, 39_991]


def test_timestamps_go_on_where_they_wrap_around() -> None:
    unwrap = Unwrap()
    assert [unwrap(n & 0xFFFFFFFF) for n in (0xFFFFFF00, 0x100000100, 0xFFFFFFF0, 0x170000000)] == [
        0xFFFFFF00,
        0x100000100,
        0xFFFFFFF0,
        0x170000000,
    ]


def test_the_wall_clock_is_that_of_the_last_report() -> None:
    (report,) = read_reports(memoryview(sender_report(1_700_000_000.25, 0xFFFFFFFF)))
    assert isinstance(report, SenderReport)
    assert report.wall_ns_of(0xFFFFFFFF, 90_000) == pytest.approx(1_700_000_000.25e9, abs=1000)
    assert report.wall_ns_of(90_000 - 1, 90_000) == pytest.approx(1_700_000_001.25e9, abs=1000)
    assert report.wall_ns_of(0xFFFFFFFF - 90_000, 90_000) == pytest.approx(1_699_999_999.25e9, abs=1000)


def test_a_compound_packet_is_read_as_far_as_it_makes_sense() -> None:
    report, description = sender_report(1_700_000_000, 7), b"\x81\xca\0\1\0\0\0\1"
    goodbye = b"\x81\xcb\0\1\0\0\0\1"
    content = memoryview(report + description + goodbye)
    assert [type(item) for item in read_reports(content)] == [SenderReport, Goodbye]
    for length in range(len(content)):
        assert len(list(read_reports(content[:length]))) <= 1


def test_a_camera_without_a_clock_gives_none() -> None:
    assert list(read_reports(memoryview(sender_report(-2_208_988_800, 7)))) == []


def test_reports_of_a_packet_beyond_a_limit_are_not_looked_at() -> None:
    empty, report = b"\x80\xc9\0\0", sender_report(1_700_000_000.25, 7)
    assert len(list(read_reports(memoryview(empty * (MOST_REPORTS - 1) + report)))) == 1
    assert list(read_reports(memoryview(empty * MOST_REPORTS + report))) == []
