"""Two states taught to a whole daemon by the commands: it decides, publishes, and knows them after it was killed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

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
model: {{name: efficientnet-lite0-int8}}
cameras:
  dock: {{source: "dir:{folder}/view", loop: true, fps: 20, regions: {{bay: {{}}}}}}
publish: {{endpoints: ["pub+bind:ipc://pub.sock"]}}
control: {{endpoint: "ipc://control.sock"}}
"""


class Dock:
    """A daemon as a process of its own, whose camera shows the picture that a test chooses."""

    def __init__(self, folder: Path, demo: Path) -> None:
        self.folder = folder
        self._demo = demo
        self.config = folder / "edged.yaml"
        self.config.write_text(CONFIG.format(folder=folder))
        (folder / "view").mkdir()
        self.show("empty")

    def show(self, name: str) -> None:
        """Show the street when it is *name*, from the next round of the folder on."""
        new = self.folder / "new.jpg"
        shutil.copy(self._demo / f"path-{name}.jpg", new)
        new.replace(self.folder / "view" / "1.jpg")

    def turn(self, name: str) -> None:
        """Show the street so, and wait until frames are of it."""
        self.show(name)
        with Subscriber(f"ipc://{self.folder}/pub.sock") as subscriber:
            frame_seqs = (vec.frame_seq for vec in subscriber)
            first = next(frame_seqs)
            assert any(frame_seq > first + 5 for frame_seq in frame_seqs)

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        environment = {**os.environ, "STATE_DIRECTORY": str(self.folder / "state")}
        process = subprocess.Popen([sys.executable, "-m", "edged", "run", "-c", str(self.config)], env=environment)
        try:
            eventually(self._answers, "the daemon answers", 60)
            yield process
        finally:
            process.kill()
            process.wait()

    def subscriber(self) -> Subscriber[State]:
        return Subscriber(f"ipc://{self.folder}/pub.sock", kinds="state")

    def decided(self, subscriber: Subscriber[State], state: str) -> State:
        """The first message of that decided *state* that comes."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            message = subscriber.receive(10)
            if message is not None and message.state == state:
                return message
        raise AssertionError(f"{state} is not decided within 30 s")

    def _answers(self) -> bool:
        with suppress(ControlError), ControlClient(f"ipc://{self.folder}/control.sock") as client:
            return client.status().cameras[0].state == "running"
        return False


def test_two_states_are_taught_decided_corrected_and_kept(
    tmp_path: Path, demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dock = Dock(tmp_path, demo)
    here = ("-c", str(dock.config))

    def run(*arguments: str) -> str:
        assert main([*arguments, *here]) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    def enroll(state: str) -> list[str]:
        several = ("--count", "3", "--every", "0.1s", "--frames", "2")
        return run("enroll", "bay", "--state", state, "--camera", "dock", *several).splitlines()

    with dock.running() as process, dock.subscriber() as subscriber:
        lines = enroll("empty")
        assert lines[2].startswith("3 of 3: empty, dock/bay at ")
        assert lines[3].startswith("bay: 3 empty; ")
        assert "bay does not decide by these examples yet: a second state has no example yet" in lines

        dock.turn("busy")
        lines = enroll("busy")
        assert lines[3].startswith("bay: 3 empty, 3 busy; tested one by one, 0 of 6 wrong")
        assert not any("does not decide" in line for line in lines)

        busy = dock.decided(subscriber, "busy")
        assert (busy.set, busy.camera, busy.region) == ("bay", "dock", "bay")
        assert busy.p > 0.73
        dock.show("empty")
        assert dock.decided(subscriber, "empty").was == "busy"

        rows = [line.split() for line in run("states").splitlines()]
        assert sum(row[:2] == ["bay", "empty"] and row[3].startswith("dock/bay") for row in rows) == 3
        assert run("forget", "bay", "--state", "empty", "--last").startswith("forgotten: 1 example of empty of bay\n")
        [info] = json.loads(run("states", "--json"))
        assert info["counts"] == {"empty": 2, "busy": 3}
        first = info["examples"][0]
        assert Path(first["thumbnail"]).read_bytes().startswith(b"\x89PNG")
        assert run("relabel", first["id"], "busy").startswith(f"{first['id']} is an example of busy now\n")
        run("relabel", first["id"], "empty")
        process.kill()
        process.wait()

    with dock.running(), dock.subscriber() as subscriber:
        assert dock.decided(subscriber, "empty").set == "bay"
        [after] = json.loads(run("states", "--json"))
        assert after["examples"] == info["examples"]
        assert run("references").endswith("Sets of states: bay; 'edged states' lists them.\n")
        assert main(["forget", "bay", "--example", "0" * 16, *here]) == 1
        assert "bay has no example 0000000000000000" in capsys.readouterr().err
        assert main(["relabel", "0" * 16, "empty", *here]) == 1
        assert "no example 0000000000000000" in capsys.readouterr().err
        example = info["examples"][-1]["id"]
        assert run("relabel", example, "empty").splitlines()[1].startswith("bay: 3 empty, 2 busy; ")
        assert run("forget", "bay", "--example", example).startswith("forgotten: 1 example of empty of bay\n")
        assert run("forget", "bay") == "bay is forgotten\n"
        assert run("states").startswith("There are no sets of states.")
