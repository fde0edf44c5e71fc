"""``edged record`` with a publisher with real sockets, and with a private daemon."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from edged.cli import main
from edged.recording import Recorded, read_recording
from edged.wire import Message, decode, encode
from tests.publishing import Publisher, status, vec

pytestmark = pytest.mark.once

SOON = 20.0
RECORD = [sys.executable, "-m", "edged", "record"]


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    with Publisher(f"ipc://{tmp_path}/pub.sock") as publisher:
        yield publisher


def read(path: Path) -> list[Recorded]:
    with read_recording(path) as recording:
        messages = list(recording)
        assert recording.damage is None
    return messages


@contextmanager
def record(
    publisher: Publisher, path: Path, *arguments: str, kinds: int = 3, limit: Callable[[], None] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A running ``edged record`` that has subscribed."""
    command = [*RECORD, str(path), "--connect", publisher.address, *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=limit) as process:
        try:
            publisher.wait_for_subscription(kinds)
            yield process
        finally:
            process.kill()


def ending(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for the end; returns the exit status and the last line."""
    _, err = process.communicate(timeout=SOON)
    return process.returncode, err.strip().splitlines()[-1]


def test_every_message_is_kept_byte_for_byte(publisher: Publisher, tmp_path: Path) -> None:
    messages: list[Message] = [vec(0), status(0), vec(1, region="door", model="größe"), vec(3)]
    path = tmp_path / "a"
    with record(publisher, path, "--count", "4") as process:
        publisher.send(*messages)
        assert ending(process) == (
            0,
            f"edged record: {path}: 4 messages, 0.0 MB, 2 lost; --count is reached",
        )
    assert [message.frames for message in read(path)] == [tuple(map(bytes, encode(message))) for message in messages]


def test_kinds_and_cameras_are_chosen(publisher: Publisher, tmp_path: Path) -> None:
    with record(publisher, tmp_path / "a", "--kinds", "vec", "--camera", "yard", "--count", "1", kinds=1) as process:
        publisher.send(status(0), vec(0), vec(1, camera="yard"))
        assert ending(process)[0] == 0
    [message] = read(tmp_path / "a")
    assert decode(message.frames).camera == "yard"


def test_ctrl_c_ends_it_with_everything_saved(publisher: Publisher, tmp_path: Path) -> None:
    path = tmp_path / "a"
    with record(publisher, path) as process:
        publisher.send(vec(0), vec(1))
        deadline = time.monotonic() + SOON
        while not path.exists() or path.stat().st_size < 10_000:  # the batch of the first second
            assert time.monotonic() < deadline
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert ending(process) == (0, f"edged record: {path}: 2 messages, 0.0 MB, 0 lost; Ctrl-C")
    assert len(read(path)) == 2


def test_a_limit_of_size_ends_it(publisher: Publisher, tmp_path: Path) -> None:
    path = tmp_path / "a"
    with record(publisher, path, "--max-size", "15k") as process:
        publisher.send(vec(0), vec(1), vec(2))
        status_, printed = ending(process)
    assert (status_, printed.rpartition("; ")[2]) == (0, "--max-size is reached")
    assert len(read(path)) == 2
    assert path.stat().st_size <= 15_000


def test_a_full_disk_ends_the_recording_and_not_the_daemon(publisher: Publisher, tmp_path: Path) -> None:
    path = tmp_path / "a"

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    with record(publisher, path, limit=limit) as process:
        publisher.send(*(vec(seq) for seq in range(10)))
        _, err = process.communicate(timeout=SOON)
        publisher.send(vec(10))
    assert process.returncode == 1
    assert err.strip().splitlines()[-2:] == [
        f"edged record: {path}: 3 messages, 0.0 MB, 0 lost",
        f"edged: {path}: cannot be written: File too large; the messages before are kept",
    ]
    assert [decode(message.frames).seq for message in read(path)] == [0, 1, 2]


def test_an_existing_file_is_replaced_only_with_force(
    publisher: Publisher, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a").write_text("precious")
    assert main(["record", str(tmp_path / "a"), "--connect", f"ipc://{tmp_path}/none.sock"]) == 1
    assert capsys.readouterr().err.endswith("a: exists already; --force replaces it\n")
    assert (tmp_path / "a").read_text() == "precious"
    with record(publisher, tmp_path / "a", "--force", "--count", "1") as process:
        publisher.send(vec(0))
        assert ending(process)[0] == 0
    assert len(read(tmp_path / "a")) == 1


def test_a_recording_without_messages_is_not_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a"
    assert main(["record", str(path), "--connect", f"ipc://{tmp_path}/none.sock", "--seconds", "0.2"]) == 1
    assert capsys.readouterr().err.endswith("a: no message came; the file was removed; --seconds are over\n")
    assert not path.exists()


def test_fewer_messages_than_count_are_status_1(publisher: Publisher, tmp_path: Path) -> None:
    with record(publisher, tmp_path / "a", "--count", "3", "--seconds", "1.5") as process:
        publisher.send(vec(0))
        assert ending(process)[0] == 1
    assert len(read(tmp_path / "a")) == 1


def test_a_configuration_runs_in_a_private_daemon(demo: Path, tmp_path: Path) -> None:
    path = tmp_path / "a"
    command = [*RECORD, str(path), "-c", str(demo / "edged.yaml"), "--count", "8", "--kinds", "vec"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, check=True, stderr=subprocess.PIPE, text=True, timeout=60, env=environment)
    assert "8 messages" in done.stderr
    assert "0 lost; --count is reached" in done.stderr
    assert [decode(message.frames).seq for message in read(path)] == list(range(8))
    assert [file.name for file in tmp_path.iterdir()] == ["a"], "its socket is gone"


def test_vectors_hold_nothing_of_what_is_under_a_mask(tmp_path: Path) -> None:
    rng, pictures = np.random.default_rng(1), tmp_path / "pictures"
    pictures.mkdir()
    picture = rng.integers(0, 256, (96, 128, 3), np.uint8)
    for number in range(4):
        picture[48:, :64] = rng.integers(0, 256, (48, 64, 3), np.uint8)
        cv2.imwrite(str(pictures / f"{number}.png"), picture)
    mask = "[[[0, 0.5], [0.5, 0.5], [0.5, 1], [0, 1]]]"
    vectors = {}
    for name, setting in (("masked", f", mask: {mask}"), ("open", "")):
        config, path = tmp_path / f"{name}.yaml", tmp_path / name
        config.write_text(f"cameras: {{porch: {{source: 'dir:{pictures}', loop: true, fps: 50{setting}}}}}\n")
        command = [*RECORD, str(path), "-c", str(config), "--count", "4", "--kinds", "vec"]
        subprocess.run(command, check=True, stderr=subprocess.PIPE, timeout=60)
        vectors[name] = {message.frames[2] for message in read(path)}
    assert (len(vectors["masked"]), len(vectors["open"])) == (1, 4)


def test_a_configuration_that_cannot_run_leaves_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "edged.yaml").write_text("cameras: {street: {source: 'file:none.mp4'}}\n")
    assert main(["record", str(tmp_path / "a"), "-c", str(tmp_path / "none.yaml")]) == 78
    assert main(["record", str(tmp_path / "a"), "-c", str(tmp_path / "edged.yaml"), "--kinds", "vec"]) == 78
    printed = capsys.readouterr().err
    assert "none.mp4" in printed
    assert "no message came" in printed
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "arguments are required: FILE"),
        (["a", "--max-size", "3"], "must be a number of bytes, such as 200M or 4G"),
        (["a", "--connect", "tcp://127.0.0.1:1", "-c", "b"], "not allowed with"),
        (["a", "--count", "-1"], "must be a whole number"),
    ],
)
def test_wrong_arguments_are_reported_with_status_2(
    arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["record", *arguments])
    assert ended.value.code == 2
    assert why in capsys.readouterr().err


def test_keys_that_do_not_fit_are_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["record", str(tmp_path / "a"), "--connect", "tcp://127.0.0.1:1", "--client-key", "none"]) == 2
    assert "edged record: client_key: goes with the server_key" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()
