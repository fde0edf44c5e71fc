"""The port and the source that the packets of a stream come from."""

from __future__ import annotations

from edged.camera.rtsp.stream_sender import StreamSender

OURS, EVIL = b"ours", b"evil"


def test_the_first_packet_decides_where_nothing_is_announced() -> None:
    sender = StreamSender()
    assert not sender.is_settled(0.0)
    assert sender.note(7, OURS, 0.0)
    assert sender.is_settled(0.0)
    assert not sender.note(8, EVIL, 0.0)
    assert [sender.is_of(*each) for each in ((7, OURS), (8, OURS), (7, EVIL))] == [True, False, False]


def test_packets_from_the_announced_port_count_more_than_those_that_came_before() -> None:
    sender = StreamSender()
    sender.announced = 7
    assert sender.note(8, EVIL, 0.0)
    assert not sender.is_settled(0.5)
    assert sender.note(7, OURS, 0.5)
    assert sender.is_settled(0.5)
    assert not sender.note(8, EVIL, 0.6)
    assert sender.is_of(7, OURS)


def test_packets_from_the_announced_port_come_too_late_after_a_second() -> None:
    sender = StreamSender()
    sender.announced = 7
    assert sender.note(8, OURS, 0.0)
    assert sender.is_settled(1.0)
    assert not sender.note(7, EVIL, 1.0)
    assert sender.is_of(8, OURS)
