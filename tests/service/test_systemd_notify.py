"""Notifications to a service manager, in its own protocol."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from edged.config.environment import notify_address, watchdog_seconds
from edged.pipeline.camera_stats import CameraState, CameraStats
from edged.service.status_line import StatusLine
from edged.service.systemd_notify import Notifier
from tests.service.conftest import Manager


@pytest.mark.parametrize(
    ("tell", "field"),
    [
        (Notifier.ready, "READY=1"),
        (Notifier.stopping, "STOPPING=1"),
        (Notifier.alive, "WATCHDOG=1"),
        (lambda notifier: notifier.still_starting(30.0), "EXTEND_TIMEOUT_USEC=30000000"),
        (lambda notifier: notifier.status("all is well"), "STATUS=all is well"),
    ],
)
def test_the_manager_gets_each_notification(manager: Manager, tell: Callable[[Notifier], None], field: str) -> None:
    with closing(Notifier(manager.address)) as notifier:
        tell(notifier)
        assert manager.hear(10) == [field]


def test_a_reload_notification_has_the_time_of_its_begin(manager: Manager) -> None:
    with closing(Notifier(manager.address)) as notifier:
        before = time.monotonic_ns() // 1000
        notifier.reloading()
        reloading, began = manager.hear(10)
        assert reloading == "RELOADING=1"
        assert before <= int(began.removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000


def test_a_status_is_one_line_that_fits_into_a_message(manager: Manager) -> None:
    with closing(Notifier(manager.address)) as notifier:
        notifier.status("no\nREADY=1\tin  here")
        assert manager.hear(10) == ["STATUS=no READY=1 in here"]
        notifier.status("ä" * 9000)
        assert manager.hear(10) == ["STATUS=" + "ä" * 512]
        notifier.status("a" + "€" * 9000)  # cut within a character of three bytes
        assert manager.hear(10) == ["STATUS=a" + "€" * 341]
        notifier.status("a path of bytes: \udcff")
        assert manager.hear(10) == ["STATUS=a path of bytes: ?"]


def test_without_a_manager_nothing_happens() -> None:
    notifier = Notifier(None)
    notifier.ready()
    notifier.status("alone")
    notifier.close()


def test_a_manager_that_is_gone_causes_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(Notifier(str(tmp_path / "nobody"))) as notifier:
        notifier.ready()
        notifier.alive()
    assert [record.message for record in caplog.records] == [
        f"the service manager at {tmp_path}/nobody cannot be notified: [Errno 2] No such file or directory"
    ]


def test_a_manager_that_comes_back_is_notified_again(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with closing(Notifier(path)) as notifier:
        notifier.alive()
        with closing(Manager(path)) as manager:
            notifier.alive()
            assert manager.hear(10) == ["WATCHDOG=1"]


def test_a_manager_that_does_not_listen_delays_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("edged.service.systemd_notify.SEND_SECONDS", 0.05)
    with closing(Manager(str(tmp_path / "notify"))) as deaf, closing(Notifier(deaf.address)) as notifier:
        for _ in range(100):  # the kernel keeps a few
            notifier.alive()
            if caplog.records:
                break
    assert "cannot be notified: timed out" in caplog.text


def test_a_manager_that_does_not_listen_is_waited_for_once_until_it_listens_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("edged.service.systemd_notify.SEND_SECONDS", 0.5)
    with closing(Manager(str(tmp_path / "notify"))) as deaf, closing(Notifier(deaf.address)) as notifier:
        while not caplog.records:
            notifier.alive()
        begin = time.monotonic()
        for _ in range(100):
            notifier.alive()
        assert time.monotonic() - begin < 25  # half of what 100 waits take
        while deaf.hear(0.05):
            pass
        notifier.stopping()
        assert deaf.hear(10) == ["STOPPING=1"]


def test_an_address_that_is_not_a_socket_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    Notifier("vsock:2:1234").ready()
    assert "neither a path nor an abstract socket" in caplog.text


def test_after_the_end_nothing_is_sent(manager: Manager) -> None:
    notifier = Notifier(manager.address)
    notifier.close()
    notifier.close()
    notifier.ready()
    assert manager.hear(0.05) == []


def test_the_address_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert notify_address() is None
    monkeypatch.setenv("NOTIFY_SOCKET", "")
    assert notify_address() is None
    monkeypatch.setenv("NOTIFY_SOCKET", "@manager")
    assert notify_address() == "@manager"


@pytest.mark.parametrize(
    ("usec", "pid", "seconds"),
    [
        ("30000000", None, 30.0),
        ("30000000", "our own", 30.0),
        ("30000000", "1", None),
        ("30000000", "", None),
        (None, None, None),
        ("0", None, None),
        ("-5", None, None),
        ("soon", None, None),
        ("٣", None, None),
        ("9" * 5000, None, None),
        ("1" + "0" * 30, None, None),
    ],
)
def test_the_watchdog_of_another_process_is_not_ours(
    monkeypatch: pytest.MonkeyPatch, usec: str | None, pid: str | None, seconds: float | None
) -> None:
    for name, text in (("WATCHDOG_USEC", usec), ("WATCHDOG_PID", pid)):
        monkeypatch.delenv(name, raising=False)
        if text is not None:
            monkeypatch.setenv(name, str(os.getpid()) if text == "our own" else text)
    assert watchdog_seconds() == seconds


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("edged.service.status_line.time", clock)
    return clock


def test_the_status_line_has_cameras_and_rate_on_a_change_and_once_a_second(manager: Manager, clock: Clock) -> None:
    front, back = CameraStats("front"), CameraStats("back")
    with closing(Notifier(manager.address)) as notifier:
        status_line = StatusLine(lambda: [front, back], notifier)
        status_line.report_state()
        assert manager.hear(10) == ["STATUS=front is starting, back is starting"]

        front.turn(CameraState.RUNNING)
        back.turn(CameraState.LOST, "No such device")
        clock.now += 0.9
        status_line.report_state()
        assert manager.hear() == []
        clock.now += 0.1
        status_line.report_state()
        assert manager.hear(10) == ["STATUS=front is running, back is lost: No such device"]

        for _ in range(30):  # what stays the same is not told again
            clock.now += 0.1
            status_line.report_state()
        assert manager.hear() == []

        front.published = 39
        clock.now += 6.0
        status_line.report_state()
        assert manager.hear(10) == ["STATUS=front is running, back is lost: No such device; 3.9 messages/s"]
        front.published += 299
        clock.now += 10.0
        status_line.report_state()
        assert manager.hear(10)[0].endswith("; 30 messages/s")


def test_a_failed_reload_is_part_of_the_status_line(manager: Manager, clock: Clock) -> None:
    with closing(Notifier(manager.address)) as notifier:
        status_line = StatusLine(lambda: [CameraStats("front")], notifier)
        status_line.is_outdated = True
        status_line.report_state()
        assert manager.hear(10) == ["STATUS=front is starting; the configuration could not be reloaded, see the log"]


@pytest.mark.parametrize(("published", "rate"), [(0, "0.0"), (1, "0.1"), (99, "9.9"), (100, "10"), (304, "30")])
def test_the_rate_in_the_status_line_has_two_digits(manager: Manager, clock: Clock, published: int, rate: str) -> None:
    stats = CameraStats("front")
    stats.published = 7
    with closing(Notifier(manager.address)) as notifier:
        status_line = StatusLine(lambda: [stats], notifier)
        stats.published += published
        clock.now += 10.0
        status_line.report_state()
        assert manager.hear(10) == [f"STATUS=front is starting; {rate} messages/s"]


def test_a_camera_that_was_removed_makes_no_negative_rate(manager: Manager, clock: Clock) -> None:
    front, back = CameraStats("front"), CameraStats("back")
    front.published = 50
    all_stats = [front, back]
    with closing(Notifier(manager.address)) as notifier:
        status_line = StatusLine(lambda: all_stats, notifier)
        all_stats.remove(front)
        clock.now += 10.0
        status_line.report_state()
        assert manager.hear(10) == ["STATUS=back is starting; 0.0 messages/s"]
        back.published = 50
        clock.now += 10.0
        status_line.report_state()
        assert manager.hear(10) == ["STATUS=back is starting; 5.0 messages/s"]
