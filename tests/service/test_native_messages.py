"""What C libraries print on stderr becomes lines of the log."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from edged.service.native_messages import NativeMessages

PROGRAM = """
import ctypes, logging, sys
import cv2, numpy as np
from edged.service.native_messages import NativeMessages

logging.basicConfig(level={level!r}, stream=sys.stdout, format="%(levelname)s %(name)s %(message)s")
messages = NativeMessages()
picture = np.random.default_rng(1).integers(0, 255, (240, 320, 3), np.uint8)
jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
cv2.imdecode(np.frombuffer(jpeg[:20000] + b"\\xff\\xd3" + jpeg[20400:], np.uint8), cv2.IMREAD_COLOR)
libc = ctypes.CDLL(None)
stream = ctypes.c_void_p.in_dll(libc, "stderr")
libc.fprintf(stream, b"a line\\x1b[31m\\n")
for _ in range(20_000):
    libc.fprintf(stream, b"more than anybody reads\\n")
print("Python's own", file=sys.stderr)
messages.close()
messages.close()
"""


def run(level: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(level=level)], capture_output=True, text=True, timeout=60, check=True
    )


@pytest.mark.timed
def test_libraries_print_nothing_and_their_messages_are_in_the_log_at_debug() -> None:
    ran = run("DEBUG")
    assert ran.stderr == "Python's own\n"
    assert "Corrupt JPEG data" in ran.stdout
    assert "DEBUG edged.service.native_messages from a library: a line?[31m\n" in ran.stdout


@pytest.mark.timed
def test_a_log_that_is_not_for_debugging_shows_none_of_it() -> None:
    ran = run("INFO")
    assert (ran.stdout, ran.stderr) == ("", "Python's own\n")


def test_afterwards_everything_is_as_before(capfd: pytest.CaptureFixture[str]) -> None:
    libc = ctypes.CDLL(None)
    stream = ctypes.c_void_p.in_dll(libc, "stderr")
    for _ in range(3):
        messages = NativeMessages()
        diverted = ctypes.c_void_p(stream.value)
        messages.close()
        libc.fprintf(diverted, b"too late\n")
    libc.fprintf(stream, b"as before\n")
    assert capfd.readouterr().err == "as before\n"
