"""Whatever one camera does: its neighbours lose no frame, and the daemon lives."""

from __future__ import annotations

import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.fakes import eventually
from tests.hostile.rig import Rig, hostile_rig

pytestmark = [pytest.mark.timed, pytest.mark.once]

# The camera "bad" is a pattern too; at SIGUSR1 one of its functions becomes what is in the word.
PRELUDE = """\
import errno, os, signal, threading
from edged.camera.pattern import PatternSource
from edged.pipeline.capture.stage import Capture

Capture.step_seconds = 1.5
on = threading.Event()
for name in ("open", "grab", "retrieve", "close"):
    def replaced(self, *args, name=name, real=getattr(PatternSource, name)):
        if on.is_set() and self._format.width == 64 and name in {names!r}:
            return bad(self, *args)
        return real(self, *args)
    setattr(PatternSource, name, replaced)

def bad(self, *args):
    {bad}

signal.signal(signal.SIGUSR1, lambda *_: on.set())
signal.signal(signal.SIGUSR2, lambda *_: on.clear())
"""
BAD = '{source: "pattern:64x48", fps: 5, retry_seconds: 0.2, retry_max_seconds: 0.4}'


def prelude(bad: str, *names: str) -> str:
    return PRELUDE.format(bad=bad, names=names)


EXCEPTIONS = {
    "a bug": (
        "raise ZeroDivisionError('\\x1b[31m' + 'x' * 60_000)",
        "grab",
        "unexpected ZeroDivisionError: ?[31mxxx",
    ),
    "a bug in open": ("on.wait(1); raise TypeError('no such thing')", "open", "unexpected TypeError: no such thing"),
    "no memory to open": ("raise MemoryError", "open", "unexpected MemoryError"),
    "no descriptors": ("raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))", "open", "Too many open files"),
    "no memory for a frame": ("raise MemoryError", "retrieve", "not enough memory to decode it"),
    "a bug in close": ("raise ValueError('cannot close')", "close", "ValueError"),
}


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_an_exception_that_nobody_expects_is_a_loss_of_that_camera(tmp_path: Path, name: str) -> None:
    bad, where, reason = EXCEPTIONS[name]
    # What fails only where the camera is opened or closed needs a loss first.
    first = {"open": "grab", "close": "grab"}.get(where)
    code = prelude(bad, where, *([first] if first else []))
    camera = BAD.replace("}", ", stall_seconds: 1}")
    with hostile_rig(tmp_path, cameras={"bad": camera}, prelude=code) as rig:
        rig.wait_for_state("bad", "running")
        with rig.undisturbed(4):
            rig.process.send_signal(signal.SIGUSR1)
            lost = rig.wait_for_state("bad", "lost")
        if where != "close":
            assert any(reason in (status.reason or "") for status in rig.statuses("bad")), lost
        assert len(lost.reason or "") < 300
        rig.process.send_signal(signal.SIGUSR2)
        eventually(lambda: rig.statuses("bad")[-1].state == "running", "the camera is back")
        log = rig.log()
    assert log.count("Traceback") <= 1, "tracebacks are rate limited"
    assert "\x1b" not in log
    assert len(log) < 20_000


HANGS = {
    "a wait": "threading.Event().wait()",
    "a driver": "import ctypes; ctypes.CDLL(None).pause()",
}


@pytest.mark.parametrize("where", ["open", "grab", "retrieve"])
@pytest.mark.parametrize("name", HANGS)
def test_a_thread_that_hangs_is_left_behind_and_its_camera_comes_back(tmp_path: Path, name: str, where: str) -> None:
    code = prelude("if on.is_set(): on.clear(); " + HANGS[name], where, "grab")
    if where == "open":
        code = prelude(f"if args: raise OSError('gone')\n    on.clear(); {HANGS[name]}", where, "grab")
    with hostile_rig(tmp_path, cameras={"bad": BAD}, prelude=code) as rig:
        rig.wait_for_state("bad", "running")
        with rig.undisturbed(5):
            rig.process.send_signal(signal.SIGUSR1)
            rig.wait_for_state("bad", "lost")
            eventually(lambda: rig.statuses("bad")[-1].state == "running", "the camera is back")
        log = rig.log()
    assert log.count("its thread is left behind (1 of it, 1 in all), in\n") == 1
    assert "in bad" in log, "the place where it hangs"
    assert " hangs: " not in log, "no stage of the daemon does"


def test_a_camera_that_hangs_again_and_again_leaves_a_bounded_number_of_threads(tmp_path: Path) -> None:
    code = prelude(HANGS["a driver"], "grab")
    with hostile_rig(tmp_path, cameras={"bad": BAD}, prelude=code) as rig:
        rig.wait_for_state("bad", "running")
        with rig.undisturbed(15):
            rig.process.send_signal(signal.SIGUSR1)
            eventually(lambda: "3 threads are left behind" in (rig.statuses("bad")[-1].reason or ""), "the bound", 60)
        assert rig.threads().count("capture bad") <= 1 + 3
        assert rig.log().count("is left behind (") == 3


def test_a_camera_that_hangs_too_often_ends_the_daemon_where_it_is_configured_so(tmp_path: Path) -> None:
    camera = BAD.replace("}", ", max_reopens: 2}")
    with hostile_rig(tmp_path, cameras={"bad": camera}, prelude=prelude(HANGS["a driver"], "grab")) as rig:
        rig.wait_for_state("bad", "running")
        rig.process.send_signal(signal.SIGUSR1)
        assert rig.process.wait(60) == 1
        assert "camera bad: opened 2 times in vain: the driver does not answer" in rig.log()
        rig.is_to_stop = False


def logged(rig: Rig, text: str, count: int) -> bool:
    return rig.log().count(text) == count


def test_hanging_cameras_that_reloads_remove_leave_a_bounded_number_of_threads(tmp_path: Path) -> None:
    code = prelude("os.write(2, b'in the driver\\n'); " + HANGS["a driver"], "grab")
    with hostile_rig(tmp_path, cameras={"bad": BAD}, prelude=code) as rig:
        rig.wait_for_state("bad", "running")
        with rig.undisturbed(10):
            rig.process.send_signal(signal.SIGUSR1)
            for count in range(1, 6):
                if count <= 3:  # a camera that is removed before its next frame does not hang
                    eventually(partial(logged, rig, "in the driver\n", count), "the hang")
                reload_without(rig, "bad")
                if count <= 3:
                    eventually(partial(logged, rig, "is left behind (", count), "the report", 30)
                reload_with(rig, "bad", BAD)
            eventually(lambda: "threads are left behind" in (rig.statuses("bad")[-1].reason or ""), "the refusal")
        assert rig.threads().count("capture bad") <= 1 + 3


def test_a_daemon_all_of_whose_cameras_hang_ends_so_that_it_is_started_again(tmp_path: Path) -> None:
    config = tmp_path / "edged.yaml"
    config.write_text(
        "model: {name: efficientnet-lite0-int8, num_threads: 1}\n"
        f"cameras: {{bad: {BAD}}}\n"
        'publish: {endpoints: ["pub+bind:ipc://pub.sock"]}\n'
    )
    code = prelude(HANGS["a driver"], "grab") + (
        f"on.set()\nfrom edged.cli import main\nraise SystemExit(main(['run', '-c', {str(config)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, timeout=90, check=False)
    assert done.returncode == 1, done.stderr
    assert "every camera hangs in its driver: bad" in done.stderr


def reload_without(rig: Rig, name: str) -> None:
    text = rig.config.read_text()
    rig.config.write_text("\n".join(line for line in text.splitlines() if not line.startswith(f"  {name}:")))
    _reload(rig)


def reload_with(rig: Rig, name: str, camera: str) -> None:
    rig.config.write_text(rig.config.read_text().replace("cameras:\n", f"cameras:\n  {name}: {camera}\n"))
    _reload(rig)


def _reload(rig: Rig) -> None:
    done = rig.log().count("reload: done")
    rig.process.send_signal(signal.SIGHUP)
    eventually(lambda: rig.log().count("reload: done") > done, "the reload", 60)
