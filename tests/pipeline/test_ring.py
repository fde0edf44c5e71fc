"""The frame ring: newest wins, leases pin, nothing torn."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest

from edged.errors import RingClosed, SourceError
from edged.pipeline.ring import FrameRing, Lease
from edged.values import Format, Stamp
from tests.fakes import WaitedCondition, waiting_in

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
        assert ring.waiting == 0
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


def waiting_writer(ring: FrameRing) -> AbstractContextManager[list[Any]]:
    """A thread waits inside until the newest frame is taken, and has the answer or the error afterwards."""
    frames_came = ring._frames_came = WaitedCondition()
    return waiting_in(lambda: ring.wait_taken(3600), frames_came)


def test_a_writer_that_waits_for_the_reader_goes_on_when_the_frame_is_taken() -> None:
    ring = ring_of()
    assert ring.wait_taken(0.0)
    write(ring, 0)
    assert not ring.wait_taken(0.01)
    with waiting_writer(ring) as got:
        taken(ring).release()
    assert got == [True]


def test_a_wait_of_the_writer_ends_when_the_ring_is_closed() -> None:
    ring = ring_of()
    write(ring, 0)
    with waiting_writer(ring) as got:
        ring.close()
    assert isinstance(got[0], RingClosed)


def test_a_reader_that_waits_is_woken_by_a_new_frame_and_by_the_end() -> None:
    frames_came = WaitedCondition()
    ring = FrameRing(frames_came)
    ring.allocate(SMALL)
    wakes: tuple[Callable[[], None], ...] = (lambda: write(ring, 0), ring.close)
    for wake in wakes:
        frames_came.is_waited_for.clear()
        woken: list[bool] = []

        def wait(woken: list[bool] = woken) -> None:
            with frames_came:
                woken.append(frames_came.wait(3600))

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        assert frames_came.is_waited_for.wait(20)
        wake()
        thread.join(20)
        assert woken == [True]


def test_the_memory_for_the_next_frame_is_the_same_until_it_is_handed_over() -> None:
    ring = ring_of()
    assert ring.slot() is ring.slot()
    before = ring.slot()
    ring.commit(0, STAMP)
    assert ring.slot() is not before


def test_what_was_not_written_cannot_be_handed_over() -> None:
    ring = ring_of()
    with pytest.raises(ValueError, match="without a slot"):
        ring.commit(0, STAMP)
    write(ring, 0)
    with pytest.raises(ValueError, match="without a slot"):
        ring.commit(1, STAMP)
    ring.slot()
    ring.close()
    with pytest.raises(RingClosed):
        ring.commit(1, STAMP)


def test_a_frame_has_its_number_its_time_and_its_format() -> None:
    ring = ring_of()
    ring.slot()
    ring.commit(7, STAMP, 5_000)
    with taken(ring) as lease:
        assert (lease.seq, lease.stamp, lease.decode_ns, lease.format) == (7, STAMP, 5_000, SMALL)
    write(ring, 8)
    with taken(ring) as lease:
        assert lease.decode_ns == 0


def test_frames_of_the_same_size_keep_their_slots_and_get_the_new_format() -> None:
    ring = ring_of()
    write(ring, 1)
    slots = list(ring._slots)
    faster = Format(width=8, height=4, fps=60.0)
    ring.allocate(faster)
    assert all(now is before for now, before in zip(ring._slots, slots, strict=True))
    assert (ring.waiting, ring.dropped) == (1, 0)
    taken(ring).release()
    write(ring, 2)
    with taken(ring) as lease:
        assert lease.format is faster


def test_a_frame_that_waits_is_counted_until_it_is_taken() -> None:
    ring = ring_of()
    assert ring.waiting == 0
    assert not ring.ended
    write(ring, 0)
    assert ring.waiting == 1
    taken(ring).release()
    assert ring.waiting == 0


def test_a_writer_that_hangs_keeps_its_slot_and_the_next_one_gets_others() -> None:
    ring = ring_of()
    write(ring, 1)
    hanging = ring.slot()
    ring.renew_slots()
    with taken(ring) as lease:
        assert (lease.pixels == 1).all(), "what waits for the reader stays"
    ring.allocate(SMALL)
    for seq in range(2, 10):
        assert not np.shares_memory(ring.slot(), hanging)
        write(ring, seq)
    hanging[...] = 99
    with taken(ring) as lease:
        assert (lease.pixels == 9).all()


def test_too_little_memory_for_the_frames_is_a_loss_of_the_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = ring_of()
    write(ring, 0)

    def refuse(*_: object) -> None:
        raise MemoryError

    big = Format(width=16, height=16)
    with monkeypatch.context() as context:
        context.setattr("edged.pipeline.ring.np.empty", refuse)
        with pytest.raises(SourceError, match="not enough memory for the frames"):
            ring.allocate(big)
    ring.allocate(big)  # tried again, later
    write(ring, 1)
    with taken(ring) as lease:
        assert lease.pixels.shape == big.shape


def test_frames_for_which_too_little_memory_is_left_are_a_loss_of_the_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = ring_of()
    large = Format(width=2560, height=1440)  # 31.6 MiB of slots
    larger = Format(width=3840, height=2160)
    monkeypatch.setattr("edged.pipeline.ring.memory_left", lambda: 90 << 20)
    ring.allocate(large)
    expected = r"those of 3840×2160 pixels need 71 MiB, and 90 MiB are left: have the camera send smaller ones"
    with pytest.raises(SourceError, match=expected):
        ring.allocate(larger)
    monkeypatch.setattr("edged.pipeline.ring.memory_left", lambda: 110 << 20)
    ring.allocate(larger)
    write(ring, 1)
    monkeypatch.setattr("edged.pipeline.ring.memory_left", lambda: 0)
    ring.allocate(larger)  # it has them
    ring.allocate(SMALL)  # these need little


def test_where_memory_is_short_fewer_frames_are_lent(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = ring_of(leases=4)
    large = Format(width=3840, height=2160)  # 23.7 MiB a slot
    monkeypatch.setattr("edged.pipeline.ring.memory_left", lambda: 140 << 20)
    ring.allocate(large)
    assert ring.leases == 2
    monkeypatch.setattr("edged.pipeline.ring.memory_left", lambda: 70 << 20)
    ring.lend(4)
    assert ring.leases == 2  # two more would need 47 MiB, and 32 are for everything else
    monkeypatch.setattr("edged.pipeline.ring.memory_left", lambda: 90 << 20)
    ring.lend(4)
    assert ring.leases == 4
    monkeypatch.setattr("edged.pipeline.ring.memory_left", lambda: 0)
    ring.lend(1)
    assert ring.leases == 1
    ring.allocate(SMALL)
    assert ring.leases == 1


def test_as_many_frames_are_read_at_a_time_as_are_lent() -> None:
    ring = ring_of(leases=1)
    ring.allocate(SMALL)
    ring.lend(3)
    leases = []
    for value in range(3):
        write(ring, value)
        lease = ring.take_frame()
        assert lease is not None
        leases.append(lease)
    write(ring, 3)
    write(ring, 4)  # there is always a slot to write into
    assert [int(lease.pixels.flat[0]) for lease in leases] == [0, 1, 2]
    for lease in leases:
        lease.release()


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
