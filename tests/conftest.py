"""What every test may use: the project's own pictures and models, and the proof that no thread stays behind."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes is the machine's affair, and it may be a busy one; what hangs is ended by pytest-timeout.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

ROOT = Path(__file__).parent.parent


@pytest.fixture
def demo() -> Path:
    """The folder with the bundled clip and its reference pictures."""
    return ROOT / "config" / "demo"


@pytest.fixture
def cases() -> Path:
    """The folder with small models, good and bad."""
    return ROOT / "tests" / "cases"


@pytest.fixture(scope="session", autouse=True)
def _state_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What one start remembers for the next stays with these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STATE_DIRECTORY", str(tmp_path_factory.mktemp("state")))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_is_heard() -> None:
    """Who was started in the background ignores SIGINT, and so would every program that these tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _signals_as_they_were() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def _no_thread_stays_behind() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 5.0
    left = set(threading.enumerate()) - before
    while left and time.monotonic() < deadline:
        next(iter(left)).join(0.1)
        left = {thread for thread in left if thread.is_alive()}
    assert not left, f"threads left behind: {sorted(thread.name for thread in left)}"
