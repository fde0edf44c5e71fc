"""Transport streams of a stranger, taken apart."""

from __future__ import annotations

import time
import tracemalloc

from edged.camera.video.transport_stream import MOST_CHANGES, MOST_PROGRAMMES, PACKET, TransportStream

MORE = 30 * MOST_PROGRAMMES
PMT_PID = 0x100


def packet(pid: int, table: int, number: int, content: bytes) -> bytes:
    """A packet with a whole table."""
    rest = number.to_bytes(2) + b"\xc1\0\0" + content + bytes(4)
    section = bytes([table]) + (0xB000 | len(rest)).to_bytes(2) + rest
    return (b"\x47" + (0x4000 | pid).to_bytes(2) + b"\x10\0" + section).ljust(PACKET, b"\xff")


def programme(number: int) -> bytes:
    """The map of a programme with as many videos as fit into a packet."""
    videos = (b"\x1b" + (0xE000 | number + 40 * index & 0x1FFF).to_bytes(2) + b"\xf0\0" for index in range(33))
    return packet(PMT_PID, 2, number, b"\xe1\0\xf0\0" + b"".join(videos))


class Programmes:
    """A `Readable` of a stream that announces one programme after the other."""

    def __init__(self) -> None:
        self.read_so_far = 0

    def read(self, _: int) -> bytes:
        number, self.read_so_far = self.read_so_far, self.read_so_far + 1
        if number == 0:
            return packet(0, 0, 1, b"\0\1" + (0xE000 | PMT_PID).to_bytes(2))
        return programme(number) if number <= MORE else b""


def test_a_stream_of_many_programmes_takes_little_memory() -> None:
    source = Programmes()
    stream = TransportStream(source)
    tracemalloc.start()
    try:
        for part in stream.parts():
            while part.read(1 << 16):
                pass
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert source.read_so_far > MORE
    assert most < 2 << 20


class Tables:
    """A `Readable` of *size* bytes, which are these packets again and again."""

    def __init__(self, size: int, *packets: bytes) -> None:
        self._left, self._packets = size, b"".join(packets)

    def read(self, size: int) -> bytes:
        size = min(size, self._left)
        self._left -= size
        return (self._packets * (size // len(self._packets) + 1))[:size]


def association(first_pid: int) -> bytes:
    """A table of as many programmes as fit into a packet."""
    pids = ((0xE000 | first_pid + number).to_bytes(2) for number in range(40))
    return packet(0, 0, 1, b"".join(number.to_bytes(2) + pid for number, pid in enumerate(pids, 1)))


def count_of_parts(stream: TransportStream) -> int:
    count = 0
    for part in stream.parts():
        count += 1
        while part.read(1 << 16):
            pass
    return count


def test_a_stream_of_tables_that_change_is_read_as_fast_as_any_other() -> None:
    before = time.thread_time()
    count_of_parts(TransportStream(Tables(8 << 20, association(0x100), association(0x200))))
    assert time.thread_time() - before < 2


def test_a_stream_whose_maps_change_again_and_again_has_only_so_many_parts() -> None:
    source = Tables(1 << 20, packet(0, 0, 1, b"\0\1\xe1\0"), *map(changing_map, (0x1B, 0x24)))
    assert 1 < count_of_parts(TransportStream(source)) <= MOST_CHANGES


def changing_map(kind: int) -> bytes:
    """The map of the programme 1 with one video of that *kind*."""
    return packet(PMT_PID, 2, 1, b"\xe1\0\xf0\0" + bytes([kind]) + b"\xe1\1\xf0\0")
