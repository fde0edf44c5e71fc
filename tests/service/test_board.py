"""edged as it is installed on a board: in a plain Debian, and under its systemd."""

from __future__ import annotations

import json
import os
import re
import textwrap
import time
from collections.abc import Iterator

import pytest

from tests.service.board import CONFIG, UNITS, Board
from tests.service.debian import Debian, lacking

SUITE = os.environ.get("EDGED_SERVICE_RIG_SUITE", "bookworm")

ONLY_LIST = "/run/requirements.txt"
ONLY_SETUPTOOLS = f"awk '/^[a-z]/ {{ on = /^setuptools==/ }} on' requirements/3.11-x86_64.txt >{ONLY_LIST}"
"""A list with what builds edged, and nothing of what edged needs to run."""

pytestmark = [pytest.mark.board, pytest.mark.timeout(900)]
needs_debian = pytest.mark.skipif(bool(lacking()), reason=lacking())
boots = pytest.mark.skipif(
    "EDGED_RIG" not in os.environ or bool(lacking(to_boot=True)),
    reason=lacking(to_boot=True) or "only by hand, with scripts/service-rig",
)


@needs_debian
def test_a_plain_debian_takes_edged_again_and_again_and_gets_rid_of_it() -> None:
    debian = Debian(SUITE)
    try:
        before = files(debian)
        debian.run("sh", "-c", ONLY_SETUPTOOLS)
        debian.run("scripts/install", REQUIREMENTS=ONLY_LIST)
        assert debian.run("systemd-analyze", "--man=no", "verify", "edged.service") == ""
        assert debian.run("systemctl", "is-enabled", "edged").strip() == "enabled"
        assert debian.run("edged", "--version").startswith("edged ")
        groups = debian.run("id", "--name", "--groups", "edged").split()
        assert {"edged", "video", "plugdev"} <= set(groups)
        assert debian.run("stat", "-c", "%A %U:%G", CONFIG).strip() == "-rw-r----- root:edged"

        first = files(debian)
        debian.run("scripts/install", REQUIREMENTS=ONLY_LIST)
        assert files(debian) == first
        debian.run("scripts/uninstall", "--purge")
        assert files(debian) == before
        assert "edged" not in debian.run("cat", "/etc/passwd", "/etc/group")
    finally:
        debian.remove()


def files(debian: Debian) -> set[str]:
    """Every file, but for what any program leaves."""
    places = (
        "-path",
        "/proc",
        "-o",
        "-path",
        "/sys",
        "-o",
        "-path",
        "/dev",
        "-o",
        "-path",
        "/run",
        "-o",
        "-path",
        "/edged",
    )
    skipped = (
        "-o",
        "-path",
        "/var/log",
        "-o",
        "-path",
        "/root/.cache",
        "-o",
        "-name",
        "__pycache__",
        "-o",
        "-name",
        "*-",
    )
    return set(debian.run("find", "/", "(", *places, *skipped, ")", "-prune", "-o", "-print").splitlines())


@pytest.fixture(scope="module")
def installed() -> Iterator[Board]:
    debian = Debian(SUITE)
    try:
        debian.run("scripts/install")
        with debian.booted():
            yield Board(debian)
    finally:
        debian.remove()


@pytest.fixture
def board(installed: Board) -> Iterator[Board]:
    """The board as it was installed."""
    config = installed.sh(f"cat {CONFIG}")
    yield installed
    installed.sh(f"systemctl stop edged; rm -f {UNITS}/edged.service.d/test.conf")
    installed.write(CONFIG, config)


@boots
def test_it_starts_with_the_board_and_reports_its_state(board: Board) -> None:
    board.sh("systemctl start edged")
    assert board.show("SubState") == "running"
    board.wait(lambda: "test is running; 2.0 messages/s" in board.show("StatusText"), "its status")
    assert board.show("NRestarts") == "0"
    assert board.sh("journalctl --unit=edged --priority=warning --output=cat --quiet") == ""


@boots
def test_subscribers_find_it_on_the_socket_and_on_the_port(board: Board) -> None:
    board.set_up()
    for address in ("ipc:///run/edged/pub.sock", "tcp://127.0.0.1:5556"):
        line = board.sh(f"timeout 20 edged tail {address} --json | head -1")
        assert json.loads(line)["camera"] == "test"
    assert board.sh("stat -c '%A %U:%G' /run/edged /run/edged/pub.sock").split("\n")[:2] == [
        "drwxr-x--- edged:edged",
        "srwxrwx--- edged:edged",
    ]


@boots
def test_it_stops_within_two_seconds_and_stays_stopped(board: Board) -> None:
    board.set_up()
    begin = time.monotonic()
    board.sh("systemctl stop edged")
    assert time.monotonic() - begin < 2.0
    assert board.show("Result") == "success"
    assert board.show("SubState") == "dead"


@boots
def test_it_comes_back_after_every_kind_of_kill(board: Board) -> None:
    board.set_up("RestartSec=0.5")
    pid = board.show("MainPID")
    board.sh(f"kill -KILL {pid}")
    board.wait_for_another(pid)
    assert board.show("NRestarts") == "1"


@boots
def test_a_wrong_configuration_is_logged_and_not_tried_again(board: Board) -> None:
    board.set_up("RestartSec=0.1", config="cameras: {test: {source: 'nowhere:'}}\n")
    board.wait(lambda: board.show("ActiveState") == "failed", "its end")
    time_for_another = 1.0
    board.sh(f"sleep {time_for_another}")
    assert board.show("ExecMainStatus") == "78"
    assert board.show("NRestarts") == "0"
    assert board.show("ActiveState") == "failed"
    assert "cameras.test.source: must begin with" in board.journal()


@boots
def test_it_is_reloaded_by_systemctl_which_fails_where_the_configuration_is_wrong(board: Board) -> None:
    board.set_up("RestartSec=0.1")
    pid, config = board.show("MainPID"), board.sh(f"cat {CONFIG}")
    board.write(CONFIG, config.replace("test:", "other:", 1))
    board.sh("systemctl reload edged")
    board.wait(lambda: "other is running" in board.show("StatusText"), "the new camera")
    assert board.sh(f"edged reload -c {CONFIG}").strip() == "nothing has changed"

    board.write(CONFIG, config.replace("test:", "test: {}", 1))
    assert board.sh("systemctl reload edged 2>&1 || echo failed").strip().endswith("failed")
    assert f"{CONFIG}:" in board.journal()
    board.wait(lambda: "could not be reloaded, see the log" in board.show("StatusText"), "the problem in its status")
    assert board.sh("edged reload 2>&1 || echo status $?").strip().endswith("status 78")
    assert board.sh("runuser -u nobody -- edged reload 2>&1 || echo status $?").strip().endswith("status 1")
    assert (board.show("MainPID"), board.show("SubState")) == (pid, "running")


@boots
def test_a_process_that_stands_still_is_ended_and_started_again(board: Board) -> None:
    board.set_up("WatchdogSec=4\nRestartSec=0.5\nTimeoutAbortSec=5")
    pid = board.show("MainPID")
    board.sh(f"sleep 5; kill -STOP {pid}")
    assert board.show("MainPID") == pid, "signs of life came in time"
    seconds = board.wait_for_another(pid)
    print(f"back {seconds:.1f} s after it was stopped, with WatchdogSec=4 and RestartSec=0.5")
    assert board.show("NRestarts") == "1"
    assert "Watchdog timeout" in board.journal()


HANGING = """\
    import signal, threading
    from edged.cli import main
    from edged.pipeline.inference.stage import Inference
    from edged.vision.embedder import Embedder
    invoke, told = Embedder.invoke, threading.Event()
    def hanging(self):
        if told.is_set():
            threading.Event().wait()
        invoke(self)
    Embedder.invoke = hanging
    Inference.step_seconds = 2.0
    signal.signal(signal.SIGUSR1, lambda *_: told.set())
    raise SystemExit(main(["run", "-c", "/etc/edged/edged.yaml"]))
"""


@boots
def test_an_inference_that_hangs_costs_the_daemon_its_life(board: Board) -> None:
    board.write("/opt/edged/hanging.py", textwrap.dedent(HANGING))
    start = "ExecStart=\nExecStart=/opt/edged/bin/python /opt/edged/hanging.py"
    board.set_up(f"WatchdogSec=3\nRestartSec=0.5\n{start}")
    pid = board.show("MainPID")
    board.sh(f"kill -USR1 {pid}")
    seconds = board.wait_for_another(pid)
    print(f"back {seconds:.1f} s after it hung, with a step of 2 s, WatchdogSec=3 and RestartSec=0.5")
    journal = board.journal()
    assert "inference hangs: a step takes more than 2 s; unless it goes on, the service manager starts" in journal
    assert "hanging.py" in journal, "the traceback tells where"
    assert board.show("NRestarts") == "1"


@boots
def test_the_doctor_knows_the_service_that_runs_and_the_journal_what_ended_it(board: Board) -> None:
    board.set_up()
    told = json.loads(board.sh(f"edged doctor --json -c {CONFIG} || true"))
    assert told["ok"], told
    endpoints = [finding["text"] for finding in told["findings"] if finding["topic"] == "endpoint"]
    assert endpoints
    assert all("is held by a running edged: node " in text for text in endpoints)

    board.set_up(config="cameras:\n")
    board.wait(lambda: board.show("SubState") == "failed", "its end")
    errors = "journalctl --unit=edged --identifier=edged --priority=err --output=cat --since=@$(cat /run/since)"
    assert "cameras: must name at least one" in board.sh(errors)


@boots
def test_a_state_directory_that_is_read_only_causes_one_warning(board: Board) -> None:
    board.set_up("ReadOnlyPaths=/var/lib/edged")
    board.wait(lambda: "test is running" in board.show("StatusText"), "its status")
    warnings = [line for line in board.journal().splitlines() if line.startswith("WARNING ")]
    assert len(warnings) == 1
    assert "/var/lib/edged cannot be written to" in warnings[0]


@boots
def test_a_password_from_systemd_reaches_only_the_camera(board: Board) -> None:
    config = """
cameras:
  front: {source: "http://me:${CREDENTIAL:front}@127.0.0.1:9/"}
  back: {source: "http://me:${BACK_PASSWORD}@127.0.0.1:9/?size=${SIZE:-1}"}
"""
    board.sh("umask 077; mkdir -p /etc/edged/secrets; echo s3cr3t/1 >/etc/edged/secrets/front")
    board.sh("umask 077; echo BACK_PASSWORD=s3cr3t/2 >/etc/edged/environment")
    board.set_up("LoadCredential=front:/etc/edged/secrets/front\nEnvironmentFile=/etc/edged/environment", config=config)
    board.wait(lambda: "front is lost" in board.show("StatusText"), "its status")
    told = board.journal() + board.sh("systemctl status edged; systemctl show edged")
    assert "s3cr3t" not in told

    with_both = "-p LoadCredential=front:/etc/edged/secrets/front -p EnvironmentFile=/etc/edged/environment"
    checked = board.sh(f"systemd-run --quiet --pipe --wait {with_both} edged check -c {CONFIG} 2>&1")
    assert "source: http://***@127.0.0.1:9/?size=1" in checked
    assert "s3cr3t" not in checked

    board.set_up("EnvironmentFile=/etc/edged/environment", config=config)
    board.wait(lambda: board.show("ActiveState") == "failed", "its end")
    assert "cameras.front.source: needs ${CREDENTIAL:front}: there are no credentials here" in board.journal()


@boots
def test_the_fence_forbids_its_list_and_allows_the_needs_of_cameras(board: Board) -> None:
    # A device of group video, as far as permissions go: a container may not make real ones.
    board.sh("install -m 660 -o root -g video /dev/null /run/video-node; echo picture >/run/video-node")
    attempts = {
        "group video": "cat /run/video-node",
        "processor": "cat /proc/cpuinfo",
        "memory": "cat /proc/meminfo",
        "own folder": "touch /var/lib/edged/x",
        "others": "test -d /proc/1",
        "elsewhere": "touch /var/lib/x",
        "home": "ls /root",
        "program": "touch /opt/edged/x",
        "more rights": "unshare --user true",
    }
    tries = "\n".join(f"if {what} >/dev/null 2>&1; then echo '{name}'; fi" for name, what in attempts.items())
    board.write("/opt/edged/attempts.sh", f"{tries}\n")
    board.set_up("ExecStartPre=/bin/sh /opt/edged/attempts.sh")
    allowed = [line for line in board.journal().splitlines() if line in attempts]
    assert allowed == ["group video", "processor", "memory", "own folder"]


@boots
def test_systemd_itself_rates_the_fence(board: Board) -> None:
    rated = board.ask("systemd-analyze", "--no-pager", "security", "edged")
    exposure = re.search(r"exposure level for edged.service: ([\d.]+)", rated)
    assert exposure is not None
    assert float(exposure[1]) <= 2.0
