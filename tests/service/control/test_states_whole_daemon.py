"""A whole daemon and the commands that enroll, list, relabel and forget examples of states."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np
import pytest

from edged.cli import main
from edged.client import Subscriber
from edged.client.control import ControlClient
from edged.errors import ControlError
from edged.wire import State
from tests.fakes import eventually

pytestmark = pytest.mark.once

CONFIG = """\
node: porch
model: {{path: {model}}}
cameras:
  dock: {{source: "dir:{folder}/view", loop: true, fps: 20, regions: {{bay: {{}}}}}}
publish: {{endpoints: ["pub+bind:ipc://pub.sock"]}}
control: {{endpoint: "ipc://control.sock"}}
"""


class Board:
    """A daemon as a process of its own, whose camera shows one of two pictures."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.folder = folder
        self.config = folder / "edged.yaml"
        self.config.write_text(CONFIG.format(model=model, folder=folder))
        self.socket = folder / "control.sock"
        (folder / "view").mkdir()
        self.show("empty")

    def show(self, state: str) -> None:
        """Show stripes that lie (empty) or stand (truck)."""
        rows, columns = np.mgrid[0:90, 0:120]
        picture = np.repeat(((rows if state == "empty" else columns) % 24 * 10)[..., None], 3, axis=2).astype(np.uint8)
        cv2.imwrite(str(self.folder / "new.png"), picture)
        (self.folder / "new.png").rename(self.folder / "view" / "now.png")

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[str]]:
        environment = {**os.environ, "STATE_DIRECTORY": str(self.folder / "state")}
        command = [sys.executable, "-m", "edged", "run", "-c", str(self.config)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        try:
            eventually(self._answers, "the daemon answers", 30)
            yield process
        finally:
            process.kill()
            process.communicate()

    def _answers(self) -> bool:
        with suppress(ControlError), ControlClient(f"ipc://{self.socket}") as client:
            return client.status().cameras[0].state == "running"
        return False


def decided(subscriber: Subscriber[State], state: str) -> None:
    """Wait until the bay is in that state."""
    eventually(
        lambda: (new := subscriber.receive(5)) is not None and (new.set, new.state) == ("bay", state),
        f"the bay is {state}",
    )


def test_the_commands_enroll_two_states_that_are_then_decided(
    tmp_path: Path, cases: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board = Board(tmp_path, cases / "small96_uint8_meta.tflite")
    here = ("--socket", str(board.socket))
    events = f"ipc://{tmp_path}/pub.sock"

    def edged(*arguments: str, status: int = 0) -> str:
        assert main([*arguments, *here]) == status
        told = capsys.readouterr()
        return told.out if not status else told.err

    enroll = ("enroll", "bay", "--camera", "dock", "--frames", "1", "--every", "0.3s", "--count")
    with board.running() as process, Subscriber(events, kinds=("state",)) as subscriber:
        assert edged("states").startswith("There are no sets of states. ")
        out = edged(*enroll, "2", "--state", "empty")
        assert "bay does not decide by these examples yet: a second state has no example yet" in out
        board.show("truck")
        with Subscriber(events) as frames:
            frame_seqs = (vec.frame_seq for vec in frames)
            first = next(frame_seqs)
            assert any(frame_seq > first + 5 for frame_seq in frame_seqs)
        out = edged(*enroll, "2", "--state", "truck")
        assert "bay: 2 empty, 2 truck; left out in turn, 0 of 4 wrong: " in out
        assert "next: add 3 of empty" in out
        decided(subscriber, "truck")
        board.show("empty")
        decided(subscriber, "empty")
        process.kill()
        process.wait()

    with board.running(), Subscriber(events, kinds=("state",)) as subscriber:
        decided(subscriber, "empty")
        table = edged("states").splitlines()
        assert [line.split()[:2] for line in table[1:5]] == [["bay", "empty"]] * 2 + [["bay", "truck"]] * 2
        assert table[-2].startswith("bay: 2 empty, 2 truck; left out in turn, 0 of 4 wrong: ")
        (known,) = json.loads(edged("states", "--json"))
        example = known["examples"][-1]["id"]
        assert edged("relabel", example, "empty").startswith(f"{example} is an example of empty now\nbay: 3 empty, 1 ")
        assert edged("forget", "bay", "--example", example).startswith("forgotten: 1 example of empty of bay\n")
        out = edged("forget", "bay", "--state", "truck", "--last")
        assert out.startswith("forgotten: 1 example of truck of bay\n")
        assert "no example 0000000000000000" in edged("relabel", "0" * 16, "empty", status=1)
        assert edged("forget", "bay") == "bay is forgotten\n"
        assert edged("states").startswith("There are no sets of states. ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["enroll", "bay", "--camera", "c", "--count", "2"], "--count, --every: do nothing without --state"),
        (["enroll", "bay", "--camera", "c", "--every", "2s"], "--count, --every: do nothing without --state"),
        (["enroll", "bay", "--camera", "c", "--state", "unknown"], "state: must not be unknown"),
        (["enroll", "bay", "--camera", "c", "--state", "a", "--replace"], "do nothing with state"),
        (["enroll", "bay", "--camera", "c", "--state", "a", "--count", "201"], "must be a whole number in 1…200"),
        (["forget", "bay", "--last", "--example", "0" * 16], "state, last: do nothing with example"),
        (["relabel", "7", "a"], "example: must be 16 digits from 0-9a-f"),
    ],
)
def test_wrong_arguments_are_refused_before_any_connection(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status: object = main(arguments)
    except SystemExit as end:
        status = end.code
    assert status == 2
    assert told in capsys.readouterr().err
