"""A recording is read byte for byte as written, and all whole messages of a damaged one are read."""

from __future__ import annotations

import os
import resource
import struct
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.errors import RecordingError
from edged.recording import Recorded, Recorder, read_recording
from edged.recording.layout import FILE_HEADER, PREFIX_BYTES, end_mark, pack
from edged.wire import MAX_HEADER_BYTES, MAX_PAYLOAD_BYTES, Frames, decode, encode
from tests.publishing import status, vec

SECOND = 1_000_000_000

MESSAGES: list[Frames] = [encode(vec(0)), encode(status(0)), encode(vec(1, region="door")), encode(vec(1))]
PLAIN = [(bytes(topic), bytes(header), bytes(payload)) for topic, header, payload in MESSAGES]

frames = st.tuples(st.binary(min_size=1, max_size=64), st.binary(max_size=200), st.binary(max_size=200))


def read(path: Path) -> tuple[list[Recorded], str | None]:
    with read_recording(path) as recording:
        return list(recording), recording.damage


def written(path: Path, messages: list[Frames] = MESSAGES) -> bytes:
    """Return the bytes of a recording of *messages*, which came a millisecond apart."""
    path.unlink(missing_ok=True)
    with Recorder(path) as recorder:
        for number, message in enumerate(messages):
            assert recorder.record(message, SECOND + number * 1_000_000)
    return path.read_bytes()


def test_messages_come_back_byte_for_byte_with_the_time_since_the_first(tmp_path: Path) -> None:
    written(tmp_path / "a")
    recorded, damage = read(tmp_path / "a")
    assert [message.frames for message in recorded] == PLAIN
    assert [message.t_us for message in recorded] == [0, 1000, 2000, 3000]
    assert damage is None
    assert [decode(message.frames).kind for message in recorded] == ["vec", "status", "vec", "vec"]


def test_the_layout_is_the_one_that_is_documented(tmp_path: Path) -> None:
    import zlib

    topic, header, payload = b"edged/1/vec/a/b/c/", b"{}", b"\1\2\3\4"
    whole = written(tmp_path / "a", [(topic, header, payload)])
    assert whole[:8] == b"\x89edged\r\n"
    assert struct.unpack("<II", whole[8:16]) == (1, zlib.crc32(whole[:12]))
    assert struct.unpack("<QIII", whole[16:36]) == (0, 18, 2, 4)
    assert whole[40:64] == topic + header + payload
    assert struct.unpack("<I", whole[36:40])[0] == zlib.crc32(whole[16:36] + whole[40:64])
    assert whole[72:84] == bytes(12)
    assert struct.unpack("<I", whole[84:])[0] == zlib.crc32(whole[64:84])


def test_whole_messages_of_a_file_cut_off_anywhere_are_read_and_the_cut_is_reported(tmp_path: Path) -> None:
    small = [(b"edged/1/vec/a/b/c/", b"{}", bytes([n]) * n) for n in range(6)]
    whole = written(tmp_path / "whole", list(small))
    ends = [len(FILE_HEADER)]
    for frames in small:
        ends.append(ends[-1] + PREFIX_BYTES + sum(map(len, frames)))
    path = tmp_path / "cut"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        recorded, damage = read(path)
        count = max(0, sum(end <= length for end in ends) - 1)
        assert [message.frames for message in recorded] == small[:count], length
        assert damage is not None
        assert f"{count} whole message" in damage


@given(st.lists(frames, max_size=5), st.data())
def test_a_changed_byte_is_found(
    tmp_path_factory: pytest.TempPathFactory, messages: list[Frames], data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "flipped"
    whole = bytearray(written(path, messages))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(whole)
    if place < len(FILE_HEADER):
        with pytest.raises(RecordingError, match="recording"):
            read(path)
        return
    recorded, damage = read(path)
    assert damage is not None
    assert [message.frames for message in recorded] == messages[: len(recorded)]


@given(st.binary(max_size=300))
def test_any_bytes_after_the_header_are_read_or_reported(tmp_path_factory: pytest.TempPathFactory, rest: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "noise"
    path.write_bytes(FILE_HEADER + rest)
    recorded, damage = read(path)
    assert damage or FILE_HEADER + b"".join(pack(*message) for message in recorded) == path.read_bytes()[:-24]


@given(st.binary(max_size=40))
def test_a_file_that_is_not_a_recording_is_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "other"
    path.write_bytes(content)
    if FILE_HEADER.startswith(content):
        assert read(path)[1] is not None
    else:
        with pytest.raises(RecordingError, match="other: "):
            read(path)


@pytest.mark.parametrize("lengths", [(2**32 - 1, 0, 0), (20, 2**32 - 1, 0), (20, 2, 2**32 - 1), (0, 2, 2)])
def test_wrong_lengths_cost_no_memory(tmp_path: Path, lengths: tuple[int, int, int]) -> None:
    path = tmp_path / "liar"
    with path.open("wb") as file:
        file.write(FILE_HEADER + struct.pack("<QIIII", 0, *lengths, 0))
        file.truncate(1 << 33)  # eight sparse gigabytes
    tracemalloc.start()
    try:
        assert read(path) == ([], f"{path}: is damaged after 0 whole messages, at byte 16")
        assert tracemalloc.get_traced_memory()[1] < 2 * (MAX_HEADER_BYTES + MAX_PAYLOAD_BYTES)
    finally:
        tracemalloc.stop()


def test_time_never_goes_back(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(FILE_HEADER + pack(5, MESSAGES[0]) + pack(4, MESSAGES[0]) + end_mark(5))
    recorded, damage = read(tmp_path / "a")
    assert len(recorded) == 1
    assert damage is not None
    assert "damaged after 1 whole message, at byte" in damage


def test_bytes_after_the_end_are_reported(tmp_path: Path) -> None:
    whole = written(tmp_path / "a")
    (tmp_path / "a").write_bytes(whole + whole)
    recorded, damage = read(tmp_path / "a")
    assert len(recorded) == len(MESSAGES)
    assert damage is not None
    assert "continues after its end" in damage


def test_a_later_version_is_refused_by_number(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(FILE_HEADER[:8] + struct.pack("<II", 7, 0))
    with pytest.raises(RecordingError, match=r"a: is a recording of version 7; this edged reads 1$"):
        read_recording(tmp_path / "a")


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="No such file"):
        read_recording(tmp_path / "none")
    with pytest.raises(RecordingError, match="Is a directory"):
        read_recording(tmp_path)


def test_a_recording_that_is_being_written_can_be_read(tmp_path: Path) -> None:
    with Recorder(tmp_path / "a") as recorder:
        assert recorder.record(MESSAGES[0], SECOND)
        recorder.flush()
        recorded, damage = read(tmp_path / "a")
    assert [message.frames for message in recorded] == PLAIN[:1]
    assert damage is not None
    assert "still being written" in damage
    assert read(tmp_path / "a") == (recorded, None)


def test_messages_are_written_in_batches(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with Recorder(path) as recorder:
        before = path.stat().st_size
        assert recorder.record(MESSAGES[0], SECOND)
        recorder.flush_in_time()
        assert path.stat().st_size == before
        for _ in range(50):
            assert recorder.record(MESSAGES[0], SECOND)
        assert path.stat().st_size > 50 * 5000
        recorder.record(MESSAGES[0], SECOND)
        deadline = time.monotonic() + 10
        while path.stat().st_size < recorder.bytes:
            assert time.monotonic() < deadline
            recorder.flush_in_time()


def test_a_recording_is_never_longer_than_max_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a"
    message = (b"topic", b"header", bytes(100))
    with Recorder(path, max_bytes=1000) as recorder:
        count = 0
        while recorder.record(message, SECOND):
            count += 1
        assert count == recorder.messages == (1000 - 16 - 24) // (24 + 111)
    assert path.stat().st_size == recorder.bytes <= 1000
    assert len(read(path)[0]) == count
    assert read(path)[1] is None


def test_an_existing_file_is_replaced_only_on_purpose(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("precious")
    with pytest.raises(RecordingError, match="exists already"):
        Recorder(tmp_path / "a")
    assert (tmp_path / "a").read_text() == "precious"
    with Recorder(tmp_path / "a", overwrite=True), pytest.raises(RecordingError, match="by another program"):
        Recorder(tmp_path / "a", overwrite=True)
    assert (tmp_path / "a").read_text() == "precious", "not before the first message"
    with Recorder(tmp_path / "a", overwrite=True) as recorder:
        recorder.record(MESSAGES[0], SECOND)
    assert [message.frames for message in read(tmp_path / "a")[0]] == PLAIN[:1]


def test_a_path_that_is_not_a_regular_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, why in [
        (tmp_path / "none" / "a", "No such file"),
        (tmp_path, "Is a directory"),
        (tmp_path / "pipe", "cannot be written|must be a regular file"),
        (Path("/dev/null"), "must be a regular file"),
    ]:
        with pytest.raises(RecordingError, match=why):
            Recorder(path, overwrite=True)


FULL_DISK = """
import resource, sys
from edged.errors import RecordingError
from edged.recording import Recorder
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    with Recorder(sys.argv[1]) as recorder:
        for number in range(1000):
            recorder.record((b"topic", b"header", bytes([number % 256]) * 1000), number)
except RecordingError as error:
    print(recorder.messages, recorder.closed, error)
"""


def test_a_full_disk_leaves_the_whole_messages_and_their_number(tmp_path: Path) -> None:
    path = tmp_path / "a"
    command = [sys.executable, "-c", FULL_DISK, str(path), "300000"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.split(maxsplit=2)
    recorded, damage = read(path)
    assert printed[:2] == [str(len(recorded)), "True"]
    assert printed[2] == f"{path}: cannot be written: File too large; the messages before are kept\n"
    assert len(recorded) == (300_000 - 16) // 1035
    assert damage is None, "there was room for the end"
    assert [message.frames[2][0] for message in recorded] == [number % 256 for number in range(len(recorded))]


def test_a_disk_without_space_is_reported_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path / "a"), "5"]
    failed = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert "cannot be written: File too large; the messages before are kept" in failed.stderr + failed.stdout
    assert not (tmp_path / "a").exists()


def test_a_closed_recorder_records_nothing_more(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "a")
    recorder.close()
    recorder.close()
    with pytest.raises(ValueError, match="closed"):
        recorder.record(MESSAGES[0], SECOND)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
