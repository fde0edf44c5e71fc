"""The control socket of the whole daemon: floods, kills, and the commands that use it."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import zmq

from edged.cli import main
from edged.client import Subscriber
from edged.client.control import ControlClient
from edged.errors import ControlError
from edged.wire import Vec
from tests.fakes import eventually

pytestmark = pytest.mark.once

KILLS = int(os.environ.get("EDGED_DAEMON_KILLS", "2"))
FILES = 128  # that the daemon may have open
FLOOD_SECONDS = float(os.environ.get("EDGED_FLOOD_SECONDS", "0.8"))

MANUAL = (Path(__file__).parents[3] / "docs" / "control.md").read_text()
CONFIG = """\
node: porch
model: {{name: efficientnet-lite0}}
cameras:
  street:
    source: "file:{demo}/street.mp4"
    loop: true
    fps: 20
    regions:
      path: {{left: 0.05, top: 0.32, right: 0.42, bottom: 0.56}}
references:
  path-empty: {{images: ["{demo}/path-empty.jpg"]}}
publish: {{endpoints: ["pub+bind:ipc://pub.sock"]}}
control: {{endpoint: "ipc://control.sock"}}
"""


class Board:
    """A folder with a configuration on the looped clip, and the daemon that runs on it as a process of its own."""

    def __init__(self, folder: Path, demo: Path) -> None:
        self.folder = folder
        self.config = folder / "edged.yaml"
        self.config.write_text(CONFIG.format(demo=demo))
        self.path = folder / "control.sock"
        self.events = f"ipc://{folder}/pub.sock"

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[str]]:
        command = [sys.executable, "-m", "edged", "run", "-c", str(self.config)]
        environment = {**os.environ, "STATE_DIRECTORY": str(self.folder / "state")}
        limited = ["sh", "-c", f'ulimit -n {FILES}; exec "$@"', "sh", *command]
        process = subprocess.Popen(limited, stderr=subprocess.PIPE, text=True, env=environment)
        try:
            eventually(self._answers, "the daemon answers", 30)
            yield process
        finally:
            process.kill()
            process.communicate()

    def client(self) -> ControlClient:
        return ControlClient(f"ipc://{self.path}")

    def _answers(self) -> bool:
        with suppress(ControlError), self.client() as client:
            return client.status().cameras[0].state == "running"
        return False


@pytest.fixture
def board(tmp_path: Path, demo: Path) -> Board:
    return Board(tmp_path, demo)


def run_program(board: Board, number: int) -> str:
    """What a program of the manual prints."""
    program = re.findall(r"```python\n(.*?)```", MANUAL, re.DOTALL)[number]
    assert program.count("ipc:///run/edged/control.sock") == 1
    program = program.replace("/run/edged/control.sock", str(board.path))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    status = main(arguments)
    told = capsys.readouterr()
    return status, told.out, told.err


def test_the_commands_enroll_list_snapshot_and_forget(board: Board, capsys: pytest.CaptureFixture[str]) -> None:
    here = ("-c", str(board.config))
    with board.running() as process, Subscriber(board.events) as subscriber:
        status, out, _ = run("enroll", "now", "--camera", "street", "--frames", "2", *here, capsys=capsys)
        assert status == 0
        lines = out.splitlines()
        assert lines[0] == "now: the current view of street/path, compared from the next frame on"
        assert "frames, each with a similarity of " in lines[1]
        assert Path(lines[-1]).read_bytes().startswith(b"\x89PNG")

        message = subscriber.receive(10)
        while isinstance(message, Vec) and "now" not in {match.ref for match in message.sims}:
            message = subscriber.receive(10)
        assert isinstance(message, Vec)

        status, out, err = run("enroll", "now", "--camera", "street", *here, capsys=capsys)
        assert (status, out) == (1, "")
        assert err == "edged: now is enrolled already; ask to replace it (--replace), or forget it\n"
        status, out, _ = run("enroll", "now", "--camera", "street", "--replace", "--frames", "1", *here, capsys=capsys)
        assert (status, out.splitlines()[0]) == (
            0,
            "now: the current view of street/path, compared from the next frame on, in place of the old reference",
        )

        status, out, _ = run("references", *here, capsys=capsys)
        assert status == 0
        assert [line.split()[0] for line in out.splitlines()] == ["Reference", "now", "path-empty"]
        assert str(board.folder / "state" / "references" / "now.") in out
        status, out, _ = run("references", "--json", "--socket", str(board.path), capsys=capsys)
        assert [(info["name"], info["origin"]) for info in json.loads(out)] == [
            ("now", "enrolled"),
            ("path-empty", "config"),
        ]

        for arguments in (here, ("--socket", str(board.path))):
            status, out, _ = run("snapshot", "-o", str(board.folder / "out"), *arguments, capsys=capsys)
            assert status == 0
            assert [Path(line).name for line in out.splitlines()] == ["street.png", "street.path.png"]
        status, _, err = run("snapshot", "yard", "--socket", str(board.path), capsys=capsys)
        assert status == 78
        assert "there is no camera 'yard'" in err

        assert run_program(board, 0).splitlines()[0].startswith("street 768 576 ")
        assert "gate-shut." in run_program(board, 1)

        process.kill()
        process.wait()
    with board.running():
        status, out, _ = run("references", "--json", *here, capsys=capsys)
        assert json.loads(out)[0]["name"] == "now"
        status, out, _ = run("forget", "now", *here, capsys=capsys)
        assert (status, out) == (0, "now is forgotten\n")
        status, _, err = run("forget", "path-empty", *here, capsys=capsys)
        assert status == 1
        assert "it is a reference of the configuration" in err
    status, _, err = run("references", *here, capsys=capsys)
    assert status == 1
    assert err == f"edged: no daemon answers at ipc://{board.path}; is one running ('edged run -c FILE')?\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["Now", "--camera", "c"], "argument NAME: must start with a letter a-z"),
        (["now"], "the following arguments are required: --camera"),
        (["now", "--camera", "c", "--frames", "0"], "frames: must be in 1…50 (got 0)"),
        (["now", "--camera", "c", "--enter", "2"], "enter: must be in -1…1 (got 2)"),
        (["now", "--camera", "c", "--leave", "0.5"], "do nothing without enter"),
        (["now", "--camera", "c", "-c", "f", "--socket", "s"], "not allowed with argument"),
    ],
)
def test_wrong_arguments_are_refused_before_any_connection(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status: object = main(["enroll", *arguments])
    except SystemExit as end:
        status = end.code
    assert status == 2
    assert told in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can ask as somebody else")
def test_a_user_without_permission_is_shown_who_has_it() -> None:
    with TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listening:
        Path(folder).chmod(0o755)
        path = Path(folder) / "control.sock"
        listening.bind(str(path))
        path.chmod(0o660)
        listening.listen()
        code = f"""
import os
from edged.client.control import ControlClient
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
ControlClient("ipc://{path}")"""
        told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30)
    assert f"you may not open ipc://{path}: it is for the user that runs edged" in told.stderr


# --------------------------------------------------------------------------------------------------------------- floods

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(16 + 1 + 31)  # ZMTP 3.0, RFC 23
READY = b"\x04\x29\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00\x00\x00"


def random_bytes(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        client.connect(str(path))
        for _ in range(random.randrange(5)):
            client.sendall(os.urandom(random.randrange(1, 2000)))


def half_requests(path: Path) -> None:
    """Cut off in the greeting, in a frame, or between two frames of a message."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        client.connect(str(path))
        request = b'\x00\xc8{"v":1,"id":"x","op":"sta'
        said = GREETING + READY + b"\x01\x00" + request
        client.sendall(said[: random.randrange(1, len(said))])


def endless_messages(path: Path) -> None:
    """One frame after the other of a message that has no last one."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        client.connect(str(path))
        client.sendall(GREETING + READY)
        for _ in range(1000):
            client.sendall((b"\x01\xfa" + bytes(250)) * 100)


def crowds(path: Path) -> None:
    """More connections at once than the daemon may have files, and nobody says anything."""
    with ExitStack() as crowd:
        for _ in range(2 * FILES):
            client = crowd.enter_context(socket.socket(socket.AF_UNIX))
            client.settimeout(1)
            client.connect(str(path))


def nonsense(path: Path) -> None:
    """Whole messages of nonsense, whose answers nobody reads."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as client:
        client.set(zmq.LINGER, 0)
        client.connect(f"ipc://{path}")
        for _ in range(200):
            frames = [os.urandom(random.randrange(100)) for _ in range(random.randrange(1, 4))]
            with suppress(zmq.Again):
                client.send_multipart(frames, zmq.DONTWAIT)


def memory(process: subprocess.Popen[str]) -> int:
    return int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * 4096


def descriptors(process: subprocess.Popen[str]) -> int:
    return len(os.listdir(f"/proc/{process.pid}/fd"))  # noqa: PTH208 - counted often


def test_a_flood_of_invalid_and_partial_requests_changes_nothing(board: Board) -> None:
    with board.running() as process, Subscriber(board.events) as subscriber, board.client() as client:
        assert subscriber.receive(10) is not None
        nonsense(board.path)
        memory_before, descriptors_before = memory(process), descriptors(process)
        for flood in (random_bytes, half_requests, endless_messages, crowds, nonsense):
            with flooding(lambda flood=flood: flood(board.path)):  # type: ignore[misc]  # mypy has no type for a default
                end, served = time.monotonic() + FLOOD_SECONDS, 0
                while time.monotonic() < end:
                    assert client.status().node == "porch"
                    served += 1
                    assert descriptors(process) < FILES
                assert served >= 3, flood
            message = subscriber.receive(10)
            assert isinstance(message, Vec)
        eventually(lambda: descriptors(process) <= descriptors_before + 2, "every connection is let go of")
        assert memory(process) - memory_before < 16 << 20
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "Traceback" not in log
    assert len(log.splitlines()) < 15, "nobody can fill the log"


@contextmanager
def flooding(once: Callable[[], None]) -> Iterator[None]:
    ended = threading.Event()

    def flood() -> None:
        while not ended.is_set():
            with suppress(OSError):
                once()

    threads = [threading.Thread(target=flood) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join(20)


# ---------------------------------------------------------------------------------------------------------------- kills


def change_until_killed(board: Board, promised: dict[str, str], under_way: dict[str, str | None]) -> None:
    """Enroll and forget; *promised* is what was answered, *under_way* what was asked and not answered."""
    with suppress(ControlError), board.client() as client:
        while True:
            name = random.choice(["gate", "yard"])
            if random.random() < 0.3 and name in promised:
                under_way[name] = None
                client.forget(name)
                del promised[name]
            else:
                under_way[name] = "new"
                result = client.enroll(name, "street", frames=1, replace=True)
                assert result.reference.thumbnail is not None
                promised[name] = result.reference.thumbnail
            del under_way[name]


def test_killed_at_random_moments_it_comes_back_with_what_it_promised(board: Board) -> None:
    promised: dict[str, str] = {}
    before: dict[str, str | None] = {}
    changes = 0
    for number in range(KILLS + 1):
        under_way: dict[str, str | None] = {}
        with board.running() as process, board.client() as client:
            if number:
                check_promises(client, promised, before)
            if number == KILLS:
                return
            changing = threading.Thread(target=change_until_killed, args=(board, promised, under_way))
            changing.start()
            changing.join(random.uniform(0.2, 0.6))
            process.kill()
            process.wait()
            changing.join(20)
            changes += len(promised)
        before = dict(under_way)
    assert changes


def check_promises(client: ControlClient, promised: dict[str, str], under_way: dict[str, str | None]) -> None:
    there = {info.name: info for info in client.references() if info.origin == "enrolled"}
    for name in ("gate", "yard"):
        found = there[name].thumbnail if name in there else None
        if name not in under_way:
            assert found == promised.get(name)
        elif under_way[name] is None:
            assert found in (promised.get(name), None)
        if found is None:
            promised.pop(name, None)
        else:
            assert there[name].problem is None
            assert Path(found).stat().st_size > 1000
            promised[name] = found
