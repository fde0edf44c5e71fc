"""The thread that reads a video: bounded, woken, and gone in the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from edged.camera.video import packets
from edged.camera.video.local_input import LocalInput
from edged.camera.video.packets import PacketReader
from edged.camera.video.readable import Readable
from edged.errors import EndOfStream
from tests.camera.video.clips import make_clip
from tests.fakes import eventually
from tests.stopwatch import stopwatch


class Silent:
    """An input that waits until it is woken."""

    failure = ""

    def __init__(self) -> None:
        self.woken, self.closed = threading.Event(), threading.Event()

    def parts(self) -> Iterator[Readable]:
        yield self

    def read(self, size: int) -> bytes:
        self.woken.wait(60)
        return b""

    def note_packet(self) -> None:
        """None comes."""

    def wake(self) -> None:
        self.woken.set()

    def close(self) -> None:
        self.closed.set()


def take_all(reader: PacketReader) -> int:
    count = 0
    while True:
        try:
            count += isinstance(reader.take(time.monotonic() + 10), av.Packet)
        except EndOfStream:
            return count


def test_every_packet_is_handed_over_and_then_the_end_again_and_again(tmp_path: Path) -> None:
    reader = PacketReader(LocalInput(make_clip(tmp_path / "clip.mp4", frames=30)), "a name")
    assert take_all(reader) == 30
    assert take_all(reader) == 0
    reader.close()
    assert not reader.is_running


def test_it_waits_while_as_much_waits_as_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packets, "MOST_PACKETS", 5)
    reader = PacketReader(LocalInput(make_clip(tmp_path / "clip.mp4", frames=60)), "a name")
    eventually(lambda: len(reader._waiting) == 5, "five wait")
    assert reader.take(time.monotonic() + 10) is not None
    eventually(lambda: len(reader._waiting) == 5, "five wait again")
    monkeypatch.setattr(packets, "MOST_BYTES", 1)
    assert take_all(reader) == 60
    reader.close()


def test_closing_it_ends_a_thread_that_waits_for_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packets, "MOST_PACKETS", 1)
    reader = PacketReader(LocalInput(make_clip(tmp_path / "clip.mp4")), "a name")
    eventually(lambda: len(reader._waiting) == 1, "it is full")
    with stopwatch() as watch:
        reader.close()
    assert watch.seconds < 1
    assert not reader.is_running


def test_waking_it_ends_a_take_and_a_read_that_wait() -> None:
    source = Silent()
    reader = PacketReader(source, "a name")
    timer = threading.Timer(0.2, reader.wake)
    timer.start()
    with stopwatch() as watch:
        assert reader.take(time.monotonic() + 60) is None
    assert watch.seconds < 5
    timer.join()
    reader.close()
    assert source.closed.is_set()
    assert not reader.is_running


def test_a_take_ends_at_its_deadline() -> None:
    reader = PacketReader(Silent(), "a name")
    with stopwatch() as watch:
        assert reader.take(time.monotonic() + 0.1) is None
    assert 0.08 < watch.elapsed < 5
    reader.close()
