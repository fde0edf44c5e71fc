"""The rig itself: it is green with nothing hostile, and red for each disturbance."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.hostile.rig import hostile_rig

pytestmark = [pytest.mark.timed, pytest.mark.once]

ON_SIGNAL = """\
import signal, threading
def work(*_):
    threading.Thread(target=attack, daemon=True).start()
signal.signal(signal.SIGUSR1, work)
kept = []
"""

# Each is what the daemon's process does to itself at SIGUSR1, and what the check says.
ATTACKS = {
    "holds the interpreter": ("import re\ndef attack(): re.findall(r'(\\w+)\\s*=', 'a' * 12_000)", "silent for"),
    "keeps memory": ("def attack(): kept.append(b'x' * (80 << 20))", "MB more"),
    "keeps descriptors": ("def attack(): kept.append(open('/dev/null'))", "descriptors, as before"),
    "ends the daemon": ("import os\ndef attack(): os._exit(1)", "the daemon ended with 1"),
    "loses messages": (
        """\
from edged.pipeline.publisher.pub_sockets import PubSockets
send, times = PubSockets.send, [2]
def attack(): PubSockets.send = lambda self, frames: times.pop() if times else send(self, frames)""",
        "messages of the good camera are lost",
    ),
    "leaves frames out": (
        """\
from edged.camera.pattern import PatternSource
grab = PatternSource.grab
def attack(): PatternSource.grab = lambda self, timeout: grab(self, timeout) and grab(self, timeout)""",
        "frames/s instead of 10",
    ),
    "hangs": (
        """\
from edged.pipeline.inference.stage import Inference
def attack(): Inference.step = lambda self: threading.Event().wait(60)""",
        "messages of the good camera",
    ),
    "does not stop": (
        """\
from edged.service import daemon
def attack(): daemon._end = lambda *_, **__: threading.Event().wait(4)""",
        "s to stop",
    ),
}


def test_a_daemon_that_nobody_attacks_is_undisturbed(tmp_path: Path) -> None:
    with hostile_rig(tmp_path) as rig, rig.undisturbed(4):
        pass
    assert rig.figures["rate"] > 9
    assert 0 < rig.figures["watchdog"] < 3
    assert 0 < rig.figures["stop"] < 2


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_disturbance_is_noticed(tmp_path: Path, attack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fakes.eventually.__defaults__", (3.0,))
    code, text = ATTACKS[attack]
    with (
        pytest.raises(AssertionError, match=text),
        hostile_rig(tmp_path, prelude=ON_SIGNAL + code) as rig,
        rig.undisturbed(3),
    ):
        rig.process.send_signal(signal.SIGUSR1)
