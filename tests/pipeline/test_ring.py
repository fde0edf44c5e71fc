"""The frame ring: newest wins, leases pin, nothing torn."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from edged.errors import RingClosed
from edged.pipeline.ring import FrameRing, Lease
from edged.values import Format, Stamp

SMALL = Format(width=8, height=4)
STAMP = Stamp(1, "arrival")


def ring_of(frame_format: Format = SMALL, leases: int = 1) -> FrameRing:
    ring = FrameRing(threading.Condition(), leases)
    ring.allocate(frame_format)
    return ring


def write(ring: FrameRing, seq: int) -> None:
    ring.slot()[...] = seq % 256
    ring.commit(seq, STAMP)


def taken(ring: FrameRing) -> Lease:
    lease = ring.take_frame()
    assert lease is not None
    return lease


def test_the_newest_frame_wins_and_the_older_ones_are_counted() -> None:
    ring = ring_of()
    for seq in range(5):
        write(ring, seq)
    with taken(ring) as lease:
        assert lease.seq == 4
        assert (lease.pixels == 4).all()
    assert ring.dropped == 4
    assert ring.take_frame() is None


def test_a_frame_is_taken_once() -> None:
    ring = ring_of()
    write(ring, 0)
    taken(ring).release()
    assert ring.take_frame() is None


def test_a_lease_pins_its_slot_while_the_writer_laps_it() -> None:
    ring = ring_of()
    write(ring, 7)
    with taken(ring) as lease:
        for seq in range(1000):
            write(ring, seq)
        assert (lease.pixels == 7).all()


@pytest.mark.parametrize("leases", [1, 2, 5])
def test_there_is_a_slot_to_write_into_whatever_is_leased(leases: int) -> None:
    ring = ring_of(leases=leases)
    held = []
    for seq in range(leases):
        write(ring, seq)
        held.append(taken(ring))
    for seq in range(100, 200):
        write(ring, seq)
    assert [int(lease.pixels[0, 0, 0]) for lease in held] == list(range(leases))


def test_slots_are_made_once() -> None:
    ring = ring_of()
    seen = set()
    for seq in range(50):
        write(ring, seq)
        with taken(ring) as lease:
            seen.add(lease.pixels.ctypes.data)
    assert len(seen) <= 3


def test_a_lease_used_after_its_release_is_an_error() -> None:
    ring = ring_of()
    write(ring, 0)
    lease = taken(ring)
    lease.release()
    with pytest.raises(ValueError, match="released"):
        _ = lease.pixels


def test_releasing_twice_does_not_free_the_slot_of_a_later_lease() -> None:
    ring = ring_of()
    write(ring, 0)
    first = taken(ring)
    first.release()
    later: list[Lease] = []
    for seq in range(1, 4):  # until the first slot is in use again
        write(ring, seq)
        if later:
            later.pop().release()
        later.append(taken(ring))
        first.release()
        assert (later[0].pixels == seq).all()


def test_frames_of_another_size_get_new_slots_and_old_leases_stay_whole() -> None:
    ring = ring_of()
    write(ring, 3)
    with taken(ring) as old:
        write(ring, 4)  # never taken: dropped with its slot
        ring.allocate(Format(width=2, height=2))
        write(ring, 5)
        with taken(ring) as new:
            assert new.pixels.shape == (2, 2, 3)
            assert new.format.width == 2
        assert old.pixels.shape == (4, 8, 3)
        assert (old.pixels == 3).all()
    assert ring.dropped == 1


def test_after_closing_the_last_frame_can_be_taken_and_then_both_sides_end() -> None:
    ring = ring_of()
    write(ring, 0)
    ring.close()
    ring.close()
    with pytest.raises(RingClosed):
        ring.slot()
    ended_early = ring.ended
    taken(ring).release()
    assert (ended_early, ring.ended) == (False, True)
    with pytest.raises(RingClosed):
        ring.take_frame()


def test_a_writer_that_waits_for_the_reader_goes_on_when_the_frame_is_taken() -> None:
    ring = ring_of()
    assert ring.wait_taken(0.0)
    write(ring, 0)
    assert not ring.wait_taken(0.01)
    reader = threading.Timer(0.02, lambda: taken(ring).release())
    reader.start()
    assert ring.wait_taken(10.0)
    reader.join()


def test_a_wait_of_the_writer_ends_when_the_ring_is_closed() -> None:
    ring = ring_of()
    write(ring, 0)
    closer = threading.Timer(0.02, ring.close)
    closer.start()
    with pytest.raises(RingClosed):
        ring.wait_taken(10.0)
    closer.join()


def test_a_reader_never_sees_a_torn_frame_while_the_writer_laps_it_thousands_of_times() -> None:
    ring = ring_of(Format(width=64, height=64))
    torn: list[int] = []
    read: list[int] = []

    def work() -> None:
        try:
            while True:
                lease = ring.take_frame()
                if lease is None:
                    continue
                with lease:
                    value = lease.seq % 256
                    if not all((lease.pixels == value).all() for _ in range(20)):
                        torn.append(lease.seq)
                    read.append(lease.seq)
        except RingClosed:
            return

    reader = threading.Thread(target=work)
    reader.start()
    for seq in range(20_000):
        write(ring, seq)
    ring.close()
    reader.join(30)
    assert not reader.is_alive()
    assert torn == []
    assert read == sorted(set(read))
    assert read[-1] == 19_999
    assert len(read) + ring.dropped == 20_000
    assert ring.dropped > 1000, "the writer did not lap the reader: the test proved nothing"


def test_memory_does_not_grow_with_the_number_of_frames() -> None:
    ring = ring_of()
    addresses = {id(slot.pixels) for slot in ring._slots}
    for seq in range(100):
        write(ring, seq)
    assert {id(slot.pixels) for slot in ring._slots} == addresses
    assert all(isinstance(slot.pixels, np.ndarray) for slot in ring._slots)


def test_frames_that_were_left_out_undecoded_count_as_dropped() -> None:
    ring = ring_of()
    ring.count_left_out()
    assert ring.dropped == 1
