"""The page in Chromium and Firefox, against a real daemon on the demo's clip; `scripts/browser-rig` installs them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edged.client.control import ControlClient
from edged.errors import ControlError
from tests.fakes import eventually

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "browser"
RIG = os.environ.get("EDGED_BROWSER_RIG", "")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not RIG, reason="only by hand, with scripts/browser-rig"),
]

CONFIGURED = {"path": (0.05, 0.32, 0.42, 0.56)}

CONTROL = """
control:
  endpoint: "ipc://{folder}/control.sock"
"""


class Served:
    """A daemon on the demo's clip, and a page of it."""

    def __init__(self, folder: Path) -> None:
        self.control = f"ipc://{folder}/control.sock"
        self._folder = folder
        self._processes: list[subprocess.Popen[str]] = []

    def start(self) -> None:
        """Start both; the clip is read from where it is.

        Raises:
            AssertionError: one of them does not run; its log is printed.
        """
        for name in ("street.mp4", "path-empty.jpg", "path-busy.jpg", "empty", "people"):
            (self._folder / name).symlink_to(ROOT / "config" / "demo" / name)
        demo = (ROOT / "config" / "demo" / "edged.yaml").read_text()
        publish = f"ipc://{self._folder}/pub.sock"
        config = self._folder / "edged.yaml"
        config.write_text(demo.replace("pub+bind:tcp://127.0.0.1:5556", f"pub+bind:{publish}") + self._control())
        self._run("run", "-c", str(config))
        eventually(self._is_running, "the camera runs", 60)
        self._run("page", "--socket", f"{self._folder}/control.sock", "--connect", publish, "--listen", "127.0.0.1:0")
        eventually(lambda: "token=" in self._log("page"), "the page has an address", 30)

    @property
    def url(self) -> str:
        """The address with the token that may change things."""
        return next(line for line in self._log("page").splitlines() if "token=" in line).split()[0]

    def runs_as_configured(self) -> bool:
        """Whether the camera runs with the regions of its configuration, and with no trial."""
        with ControlClient(self.control) as daemon:
            (camera,) = daemon.status().cameras
        return camera.trial_s is None and {name: tuple(at) for name, at in camera.regions_at.items()} == CONFIGURED

    def end_trial(self) -> None:
        """End the trial that a failed test may have left."""
        with ControlClient(self.control) as daemon:
            daemon.end_trial("street")

    def close(self) -> None:
        """End both."""
        for process in reversed(self._processes):
            process.terminate()
            process.wait(20)

    def _control(self) -> str:
        return CONTROL.format(folder=self._folder)

    def _run(self, command: str, *arguments: str) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "STATE_DIRECTORY": str(self._folder / "state")}
        with (self._folder / f"{command}.log").open("w") as log:
            self._processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "edged", command, *arguments],
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    text=True,
                )
            )

    def _log(self, command: str) -> str:
        return (self._folder / f"{command}.log").read_text()

    def _is_running(self) -> bool:
        try:
            with ControlClient(self.control) as daemon:
                return daemon.status().cameras[0].state == "running"
        except (ControlError, OSError):
            return False


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """A daemon and its page, in a folder with a path that is short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="edged-browser-"))
    both = Served(folder)
    try:
        both.start()
        yield both
    finally:
        both.close()
        shutil.rmtree(folder)


@pytest.fixture(params=["chromium", "firefox"])
def browser(request: pytest.FixtureRequest, served: Served) -> Iterator[str]:
    """The name of a browser, which finds the camera as it is configured."""
    assert served.runs_as_configured()
    yield str(request.param)
    served.end_trial()


def drive(script: str, browser: str, served: Served) -> None:
    """Run a script of ``browser/``; it fails with what it saw."""
    done = subprocess.run(
        ["node", str(SCRIPTS / script), browser, served.url], capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def test_the_token_opens_the_page_and_pictures_move(browser: str, served: Served) -> None:
    drive("moving.mjs", browser, served)


def test_a_dragged_region_is_seen_within_a_second_and_taken_back_by_itself(browser: str, served: Served) -> None:
    drive("region.mjs", browser, served)
    eventually(served.runs_as_configured, "the trial has ended")


def test_everything_can_be_done_by_keys_alone(browser: str, served: Served) -> None:
    drive("keyboard.mjs", browser, served)
    eventually(served.runs_as_configured, "the trial was taken back")


def test_axe_finds_nothing_and_nothing_is_cut_in_any_view(browser: str, served: Served) -> None:
    drive("accessible.mjs", browser, served)
