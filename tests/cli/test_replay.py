"""``edged replay`` publishes recordings byte for byte, and all whole messages of damaged ones."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from edged.cli import main
from edged.client import Subscriber
from edged.recording import Recorded, Recorder, read_recording
from edged.wire import KINDS, encode
from tests.publishing import state, status, vec

pytestmark = pytest.mark.once

SOON = 20.0
FRAMES = [tuple(map(bytes, encode(message))) for message in (status(0), vec(0), state(), vec(1))]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Four messages, a tenth of a second apart."""
    path = tmp_path / "a"
    with Recorder(path) as recorder:
        for number, (topic, header, payload) in enumerate(FRAMES):
            recorder.record((topic, header, payload), 10**9 + number * 10**8)
    return path


class Listener:
    """Receives in a thread of its own the messages replayed at ``endpoint``."""

    def __init__(self, folder: Path, count: int) -> None:
        self.endpoint = f"pub+bind:ipc://{folder}/replay.sock"
        self.received: list[tuple[float, tuple[bytes, bytes, bytes]]] = []
        self._subscriber = Subscriber(self.endpoint.removeprefix("pub+bind:"), kinds=KINDS, queue=1000)
        self._count = count
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def frames(self) -> list[tuple[bytes, bytes, bytes]]:
        """Wait for all messages; returns their frames."""
        self._thread.join(SOON)
        self._subscriber.close()
        return [frames for _, frames in self.received]

    def _listen(self) -> None:
        deadline = time.monotonic() + SOON
        while len(self.received) < self._count and time.monotonic() < deadline:
            delivery = self._subscriber.receive_raw(deadline - time.monotonic())
            if delivery is not None:
                topic, header, payload = delivery.frames
                self.received.append((time.monotonic(), (topic, header, bytes(payload))))


def test_recorded_messages_come_again_byte_for_byte_and_at_their_times(recording: Path, tmp_path: Path) -> None:
    listener = Listener(tmp_path, 4)
    assert main(["replay", str(recording), "--endpoint", listener.endpoint, "--wait"]) == 0
    assert listener.frames() == FRAMES
    assert listener.received[-1][0] - listener.received[0][0] > 0.2, (
        "0.3 s, and a busy machine may be late with the first"
    )


def test_all_whole_messages_of_a_file_that_is_cut_off_are_replayed(
    demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = tmp_path / "clip"
    command = [sys.executable, "-m", "edged", "record", str(clip), "-c", str(demo / "edged.yaml"), "--count", "6"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    with read_recording(clip) as recording:
        whole: list[Recorded] = list(recording)
    content = clip.read_bytes()
    ends = [16]
    for message in whole:
        ends.append(ends[-1] + 24 + sum(map(len, message.frames)))
    for length in [*random.Random(1).sample(range(ends[1], len(content)), 8), ends[3], len(content) - 1]:
        count = sum(end <= length for end in ends) - 1
        cut = tmp_path / "cut"
        cut.write_bytes(content[:length])
        listener = Listener(tmp_path, count)
        assert main(["replay", str(cut), "--endpoint", listener.endpoint, "--wait", "--speed", "1000"]) == 0
        assert listener.frames() == [message.frames for message in whole[:count]], length
        printed = capsys.readouterr().err
        assert printed.count("cut: is cut off") == 1
        assert f"after {count} whole message" in printed


def test_a_loop_starts_again_until_sigterm(recording: Path, tmp_path: Path) -> None:
    listener = Listener(tmp_path, 9)
    command = [sys.executable, "-m", "edged", "replay", str(recording), "--endpoint", listener.endpoint]
    with subprocess.Popen([*command, "--loop", "--speed", "10", "--wait"], stderr=subprocess.PIPE) as process:
        assert listener.frames() == [*FRAMES, *FRAMES, FRAMES[0]]
        process.send_signal(signal.SIGTERM)
        assert process.wait(SOON) == 0


def test_the_wait_for_a_subscriber_has_a_limit(recording: Path, tmp_path: Path) -> None:
    endpoint = f"pub+bind:ipc://{tmp_path}/replay.sock"
    begin = time.monotonic()
    assert main(["replay", str(recording), "--endpoint", endpoint, "--wait", "0.2", "--speed", "1000"]) == 0
    assert time.monotonic() - begin > 0.2


def test_it_publishes_at_the_endpoints_of_a_configuration(recording: Path, tmp_path: Path) -> None:
    listener = Listener(tmp_path, 4)
    config = tmp_path / "edged.yaml"
    config.write_text(f"cameras: {{a: {{source: 'pattern:'}}}}\npublish: {{endpoints: ['{listener.endpoint}']}}\n")
    assert main(["replay", str(recording), "-c", str(config), "--wait", "--speed", "1000"]) == 0
    assert listener.frames() == FRAMES


def test_an_empty_recording_is_reported_and_ends_even_a_loop(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Recorder(tmp_path / "a").close()
    assert main(["replay", str(tmp_path / "a"), "--loop", "--endpoint", f"pub+bind:ipc://{tmp_path}/b"]) == 1
    assert "0 messages published" in capsys.readouterr().err


def test_a_wrong_file_or_endpoint_is_reported(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "b").write_text("something else")
    assert main(["replay", str(tmp_path / "b")]) == 1
    assert capsys.readouterr().err == f"edged: {tmp_path}/b: is not a recording of edged\n"
    assert main(["replay", str(recording), "--endpoint", f"pub+bind:ipc://{tmp_path}/none/deep/b"]) == 1
    assert "cannot bind" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["a", "--endpoint", "tcp://127.0.0.1:5556"], "must be pub+bind: or pub+connect:"),
        (["a", "--endpoint", "pub+bind:tcp://0.0.0.0:5556"], "must stay on this machine"),
        (["a", "--speed", "0"], "must be a number greater than 0"),
    ],
)
def test_wrong_arguments_are_reported_with_status_2(
    arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["replay", *arguments])
    assert ended.value.code == 2
    assert why in capsys.readouterr().err
