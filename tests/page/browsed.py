"""A daemon on the demo's clip with its page, both as processes, and scripts that drive browsers against them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from edged.client.control import ControlClient
from edged.errors import ControlError
from edged.wire.control_results import CameraReport, StatusResult
from tests.fakes import eventually

__all__ = ["CONFIGURED", "DEMO", "RIG", "Served", "drive", "served"]

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "config" / "demo"
SCRIPTS = Path(__file__).parent / "browser"
RIG = os.environ.get("EDGED_BROWSER_RIG", "")

CONFIGURED = {"path": (0.05, 0.32, 0.42, 0.56)}
"""The regions of the demo's camera."""

SECONDS = 280.0  # of one script

CONTROL = """
control:
  endpoint: "ipc://{folder}/control.sock"
"""


class Served:
    """A daemon with a configuration in *folder*, and a page of it; ``start`` starts both."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "edged.yaml"
        self.state = folder / "state"
        self.control = f"ipc://{folder}/control.sock"
        self._publish = f"ipc://{folder}/pub.sock"
        self._processes: dict[str, subprocess.Popen[str]] = {}

    def configure(self, text: str) -> None:
        """Write the configuration: *text*, but with sockets in the folder. The demo's pictures are beside it."""
        for name in ("street.mp4", "path-empty.jpg", "path-busy.jpg", "empty", "people"):
            (self.folder / name).symlink_to(DEMO / name)
        text = text.replace("pub+bind:tcp://127.0.0.1:5556", f"pub+bind:{self._publish}")
        self.config.write_text(text + CONTROL.format(folder=self.folder))

    def start(self) -> None:
        """Start both.

        Raises:
            AssertionError: one of them does not run; its log is printed.
        """
        self.start_daemon()
        self.start_page()

    def start_daemon(self, *cameras: str) -> None:
        """Start the daemon, and wait until *cameras* run; without any, until all of them do."""
        self._run("run", ["-c", str(self.config)])
        self._wait("run", lambda: self._run_all(cameras))

    def start_page(self, *before: str, listen: Sequence[str] = ("127.0.0.1:0",)) -> None:
        """Start the page, by the command *before* it if there is one, and wait until it has an address.

        *listen* is where, and further arguments.
        """
        place = ["--socket", f"{self.folder}/control.sock", "--connect", self._publish, "--listen", *listen]
        self._run("page", place, before)
        self._wait("page", lambda: "token=" in self.log("page"))

    def stop_daemon(self) -> None:
        """End the daemon; the page runs on."""
        self._end("run")

    @property
    def url(self) -> str:
        """The address with the token that may change things."""
        return next(line for line in self.log("page").splitlines() if "token=" in line).split()[0]

    def pid(self, command: str) -> int:
        """The process of ``run`` or ``page``."""
        return self._processes[command].pid

    def client(self) -> ControlClient:
        """A client of the daemon."""
        return ControlClient(self.control)

    def status(self) -> StatusResult:
        """What the daemon reports."""
        with self.client() as daemon:
            return daemon.status()

    def camera(self) -> CameraReport:
        """What the daemon reports of its only camera."""
        (camera,) = self.status().cameras
        return camera

    def runs_as_configured(self) -> bool:
        """Whether the camera runs with the regions of the demo, and with no trial."""
        camera = self.camera()
        return camera.trial_s is None and {name: tuple(at) for name, at in camera.regions_at.items()} == CONFIGURED

    def end_trial(self) -> None:
        """End the trial that a failed test may have left."""
        with self.client() as daemon:
            daemon.end_trial("street")

    def spoil(self) -> None:
        """Write a wrong key into the configuration, and have it read."""
        self._rewrite("policy:", "polcy:")
        with self.client() as daemon, suppress(ControlError):
            daemon.reload()

    def mend(self) -> None:
        """Write the right key again, and have it read."""
        self._rewrite("polcy:", "policy:")
        with self.client() as daemon:
            daemon.reload()

    def _rewrite(self, old: str, new: str) -> None:
        text = self.config.read_text()
        assert old in text
        self.config.write_text(text.replace(old, new))

    def log(self, command: str) -> str:
        """What the process has printed so far."""
        return (self.folder / f"{command}.log").read_text()

    def close(self) -> None:
        """End both."""
        for command in reversed(list(self._processes)):
            self._end(command)

    def _run(self, command: str, arguments: Sequence[str], before: Sequence[str] = ()) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "STATE_DIRECTORY": str(self.state)}
        with (self.folder / f"{command}.log").open("w") as log:
            self._processes[command] = subprocess.Popen(
                [*before, sys.executable, "-m", "edged", command, *arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                text=True,
            )

    def _wait(self, command: str, is_ready: Callable[[], bool]) -> None:
        process = self._processes[command]
        eventually(lambda: process.poll() is not None or is_ready(), f"edged {command} is ready", 90)
        assert process.poll() is None, self.log(command)

    def _end(self, command: str) -> None:
        process = self._processes.pop(command)
        process.terminate()
        process.wait(30)

    def _run_all(self, cameras: Collection[str]) -> bool:
        try:
            reports = self.status().cameras
        except (ControlError, OSError):
            return False
        return all(report.state == "running" for report in reports if not cameras or report.name in cameras)


@contextmanager
def served(text: str | None = None) -> Iterator[Served]:
    """A daemon that is configured but not started, by default as the demo; all it has is gone at the end.

    Its folder has a path that is short enough for a socket.
    """
    folder = Path(tempfile.mkdtemp(prefix="edged-browser-"))
    both = Served(folder)
    try:
        both.configure((DEMO / "edged.yaml").read_text() if text is None else text)
        yield both
    finally:
        both.close()
        folder.chmod(0o700)
        shutil.rmtree(folder)


def drive(script: str, browser: str, both: Served, *arguments: str) -> str:
    """Run a script of ``browser/``, which fails with what it saw; return what it printed.

    A line ``do NAME`` of the script calls that method of *both*, and is answered when it has returned.
    """
    command = ["node", str(SCRIPTS / script), browser, both.url, *arguments]
    printed: list[str] = []
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True) as node,
    ):
        assert node.stdin is not None
        assert node.stdout is not None
        limit = threading.Timer(SECONDS, node.terminate)  # the script's browser ends with it
        limit.start()
        try:
            for line in node.stdout:
                printed.append(line)
                if line.startswith("do "):
                    getattr(both, line.split()[1])()
                    node.stdin.write("done\n")
                    node.stdin.flush()
            status = node.wait(30)
        finally:
            limit.cancel()
            node.terminate()
        errors.seek(0)
        assert status == 0, "".join(printed)[-2000:] + errors.read()[-4000:]
    return "".join(printed)
