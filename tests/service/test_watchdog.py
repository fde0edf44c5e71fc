"""A stage that hangs costs the daemon its life, and one that only waits does not."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

import pytest

from edged.client import Subscriber
from edged.pipeline.camera_stats import CameraStats
from edged.pipeline.capture.settings import CaptureSettings
from edged.pipeline.capture.stage import Capture
from edged.pipeline.demand import Demand
from edged.pipeline.ring import FrameRing
from edged.pipeline.stage import Stage
from edged.service.systemd_notify import Notifier
from edged.service.watchdog import Watchdog
from tests.fakes import FakeSource, eventually
from tests.service.conftest import Manager
from tests.stopwatch import stopwatch

pytestmark = pytest.mark.timed

CONFIG = """\
model: {{name: efficientnet-lite0-int8, num_threads: 1}}
cameras:
  street: {{source: "file:{demo}/street.mp4", loop: true, fps: 20}}
publish: {{endpoints: ["pub+bind:ipc://pub.sock"]}}
"""

# The daemon, but after SIGUSR1 one function of it does not return any more. The step in which that happens may take
# 1 s, every other what it always may, so that no other stage seems to hang on a busy machine.
HANGING = """\
import signal
import threading
from edged.cli import main
from edged.pipeline.stage import Stage
from {module} import {owner} as owner

real, told = owner.{function}, threading.Event()
start, stages = Stage.start, dict()

def noted(stage, on_end):
    stages[stage.name] = stage
    start(stage, on_end)

def hanging(*args, **more):
    if told.is_set():
        stage = stages[threading.current_thread().name]
        stage.step_seconds = 1.0
        stage.progress()
        threading.Event().wait()
    return real(*args, **more)

owner.{function}, Stage.start = hanging, noted
signal.signal(signal.SIGUSR1, lambda *_: told.set())
raise SystemExit(main(["run", "-c", {config!r}]))
"""


class Worker(Stage):
    """Steps only when told to."""

    def __init__(self, name: str = "worker") -> None:
        super().__init__(name)
        self.step_seconds = 0.2
        self.released = threading.Event()
        self.steps = 0

    def open(self) -> None:
        """Nothing to take hold of."""

    def step(self) -> None:
        self.released.wait()
        self.steps += 1
        self.pause(0.01)

    def wake(self) -> None:
        self.released.set()

    def close(self) -> None:
        """Nothing to let go of."""


@contextmanager
def at_work(*stages: Stage) -> Iterator[None]:
    for stage in stages:
        stage.start(lambda: None)
        assert stage.wait_open(10)
    try:
        yield
    finally:
        for stage in stages:
            stage.stop()
            assert stage.join(10)


def looking(watchdog: Watchdog, stages: list[Stage], until: Callable[[], bool]) -> None:
    """Look as often as the daemon does, until a condition holds."""

    def look() -> bool:
        watchdog.check(stages)
        return until()

    eventually(look, "what the watchdog should see")


def test_a_time_that_nobody_can_keep_takes_up_no_processor(manager: Manager) -> None:
    with closing(Notifier(manager.address)) as notifier:
        watchdog = Watchdog(notifier, 1e-6)
        assert watchdog.check_seconds == 0.05
        for _ in range(1000):
            watchdog.check([])
        while manager.hear(0.05):
            pass
    assert manager.heard.count("WATCHDOG=1") < 100


def test_signs_of_life_come_often_enough(manager: Manager) -> None:
    with closing(Notifier(manager.address)) as notifier:
        watchdog = Watchdog(notifier, 0.4)
        assert watchdog.check_seconds <= 0.1
        with stopwatch() as watch:
            for _ in range(6):
                looking(watchdog, [], lambda: "WATCHDOG=1" in manager.hear())
        assert watch.elapsed > 0.3
        assert watch.seconds < 1.2


def test_without_a_watchdog_there_are_none(manager: Manager) -> None:
    with closing(Notifier(manager.address)) as notifier:
        watchdog = Watchdog(notifier, None)
        for _ in range(10):
            watchdog.check([])
        assert manager.hear(0.05) == []


def test_a_stage_that_hangs_is_named_once_and_ends_the_signs_of_life(
    manager: Manager, caplog: pytest.LogCaptureFixture
) -> None:
    lively, hanging = Worker("publisher"), Worker("inference")
    lively.released.set()
    with closing(Notifier(manager.address)) as notifier, at_work(lively, hanging):
        watchdog = Watchdog(notifier, 0.1)
        looking(watchdog, [lively, hanging], lambda: "inference hangs" in caplog.text)
        while manager.hear():
            pass
        steps = lively.steps
        looking(watchdog, [lively, hanging], lambda: lively.steps > steps + 20)
        assert manager.hear() == []
        assert [record.message for record in caplog.records] == [
            "inference hangs: a step takes more than 0.2 s; unless it goes on, the service manager starts edged again"
        ]

        hanging.released.set()
        looking(watchdog, [lively, hanging], lambda: "WATCHDOG=1" in manager.hear())
        assert caplog.records[1].message == "inference goes on"


def test_a_stage_that_has_ended_does_not_hang() -> None:
    ended = Worker()
    with at_work(ended):
        pass
    ended.due = 0.0
    watchdog = Watchdog(Notifier(None), None)
    watchdog.check([ended, Worker("never started")])


def test_a_camera_that_waits_before_it_is_opened_again_does_not_hang(
    manager: Manager, caplog: pytest.LogCaptureFixture
) -> None:
    source = FakeSource(["refuse", "open", "hang"])
    settings = CaptureSettings(retry_seconds=2.0)
    capture = Capture(source, FrameRing(threading.Condition()), CameraStats("front"), settings, Demand())
    capture.step_seconds = 0.2
    with closing(Notifier(manager.address)) as notifier, at_work(capture):
        watchdog = Watchdog(notifier, 0.1)
        begin = time.monotonic()
        looking(watchdog, [capture], lambda: source.events.count("open") == 2)
        assert time.monotonic() - begin > 1.0
        assert "hangs" not in caplog.text

        looking(watchdog, [capture], lambda: "capture front hangs" in caplog.text)
        source.released.set()


@pytest.fixture
def config(tmp_path: Path, demo: Path) -> Path:
    path = tmp_path / "edged.yaml"
    path.write_text(CONFIG.format(demo=demo))
    return path


@contextmanager
def daemon(
    code: str,
    manager: Manager,
    watchdog_seconds: float | None = None,
    stderr: int | IO[str] = subprocess.PIPE,
    **more: str,
) -> Iterator[subprocess.Popen[str]]:
    environment = {**manager.environment(watchdog_seconds), **more}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=stderr, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("manager", ["path"], indirect=True)
@pytest.mark.parametrize(
    ("stage", "module", "owner", "function"),
    [
        ("inference", "edged.vision.embedder", "Embedder", "invoke"),
        ("publisher", "edged.pipeline.publisher.pub_sockets", "PubSockets", "send"),
    ],
)
def test_a_daemon_with_a_stage_that_hangs_gives_no_more_signs_of_life(
    manager: Manager, config: Path, tmp_path: Path, stage: str, module: str, owner: str, function: str
) -> None:
    code = HANGING.format(module=module, owner=owner, function=function, config=str(config))
    logged = tmp_path / "log"
    with logged.open("w") as stderr, daemon(code, manager, watchdog_seconds=1.0, stderr=stderr) as process:
        manager.wait_for("READY=1")
        manager.wait_for("STATUS=street is running")
        process.send_signal(signal.SIGUSR1)
        eventually(lambda: " hangs: " in logged.read_text(), "a stage that hangs")
        while manager.hear():
            pass  # what was told before
        before = len(manager.heard)
        manager.hear(1.5)
        assert "WATCHDOG=1" not in manager.heard[before:]
        process.send_signal(signal.SIGABRT)  # what systemd does then
        process.wait(20)
    log = logged.read_text()
    assert process.returncode == -signal.SIGABRT
    assert log.count(" hangs: ") == 1, log
    assert f" {stage} hangs: a step takes more than " in log
    assert "in hanging" in log, "the traceback of every thread shows where it hangs"


@pytest.mark.parametrize("manager", ["path"], indirect=True)
def test_the_service_manager_is_notified_of_start_run_and_stop(manager: Manager, config: Path) -> None:
    code = f"from edged.cli import main; raise SystemExit(main(['run', '-c', {str(config)!r}]))"
    with daemon(code, manager, watchdog_seconds=2.0) as process:
        manager.wait_for("READY=1")
        assert "WATCHDOG=1" not in manager.heard
        manager.wait_for("STATUS=street is running", 10)
        for _ in range(4):
            with stopwatch(process.pid) as watch:
                manager.wait_for("WATCHDOG=1")
            assert watch.seconds < 2.0
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
        while manager.hear():
            pass
    assert process.returncode == 0, log
    assert manager.heard[-2:] == ["STOPPING=1", "STATUS=stopping: SIGTERM"]


@pytest.mark.parametrize("manager", ["path"], indirect=True)
def test_a_daemon_that_cannot_start_logs_the_reason_and_is_never_ready(manager: Manager, config: Path) -> None:
    text = config.read_text()
    config.write_text(text.replace("pub+bind:ipc://pub.sock", "pub+bind:ipc:///proc/pub.sock"))
    code = f"from edged.cli import main; raise SystemExit(main(['run', '-c', {str(config)!r}]))"
    with daemon(code, manager) as process:
        process.communicate(timeout=60)
        while manager.hear():
            pass
    assert process.returncode == 1
    assert "READY=1" not in manager.heard
    assert manager.heard[-1].startswith("STATUS=publisher failed: publish.endpoints: cannot bind ipc:///proc/pub.sock")


@pytest.mark.parametrize("manager", ["path"], indirect=True)
def test_a_state_directory_that_is_read_only_causes_one_warning(manager: Manager, config: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o555)
    code = f"""\
import ctypes, os
if os.geteuid() == 0:  # whoever may do everything may also write there
    for capability in range(64):
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP
os.execl({sys.executable!r}, {sys.executable!r}, "-m", "edged", "run", "-c", {str(config)!r})
"""
    with daemon(code, manager, STATE_DIRECTORY=str(state)) as process:
        manager.wait_for("READY=1")
        with Subscriber(f"ipc://{config.parent}/pub.sock", kinds=("vec",)) as subscriber:
            assert subscriber.receive(20) is not None
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
    assert process.returncode == 0, log
    warnings = [line for line in log.splitlines() if " WARNING " in line]
    assert len(warnings) == 1, log
    assert f"{state} cannot be written to" in warnings[0]
