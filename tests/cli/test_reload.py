"""``edged reload`` and SIGHUP: the daemon is found, reloads and answers; with keys, and under a service manager."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from edged.cli import main
from edged.cli import reload as command
from edged.client import Subscriber
from edged.service.reload.record_file import Outcome, RecordFile, ReloadRecord, running_daemons
from tests.fakes import eventually
from tests.keyed import Keys, free_port
from tests.service.conftest import Manager

CONFIG = """\
node: porch
model: {{path: "{cases}/small96_uint8_meta.tflite"}}
cameras: {{street: {{source: "pattern:120x80", fps: 20{street}}}}}
publish:
  endpoints: ["pub+bind:tcp://127.0.0.1:{port}"]
  server_key: board.secret
  authorized_clients: authorized
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the sockets of one test, without a service beside it."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.setattr(command, "SERVICE_FOLDER", tmp_path / "service")
    monkeypatch.setattr(command, "USERS_FOLDER", tmp_path / "users")
    return tmp_path / "edged"


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(str(tmp_path / "notify"))
    yield manager
    manager.close()


def test_a_running_daemon_is_reloaded_and_reports_the_result(
    folder: Path, manager: Manager, cases: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys, port = Keys(folder.parent, "board", "phone", "tablet"), free_port()
    keys.authorize("phone", "tablet")
    file = folder.parent / "edged.yaml"

    def write(street: str = "") -> None:
        file.write_text(CONFIG.format(cases=cases, port=port, street=street))

    write()
    daemon = subprocess.Popen(
        [sys.executable, "-m", "edged", "run", "-c", str(file)],
        env=manager.environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        # It is not ready yet, and remembers.
        eventually(lambda: bool(running_daemons([folder])), "a record of the daemon", 30)
        daemon.send_signal(signal.SIGHUP)
        for field in ("READY=1", "RELOADING=1", "READY=1"):
            manager.wait_for(field)
        assert any(field.startswith("MONOTONIC_USEC=") for field in manager.heard)

        write(", rotation: 90")
        assert main(["reload", "-c", str(file)]) == 0
        assert capsys.readouterr().out == "camera street: rotation\n"
        assert main(["reload"]) == 0
        assert capsys.readouterr().out == "nothing has changed\n"

        write(", rotaton: 90")
        assert main(["reload"]) == 78
        assert f"{file}:3:" in (printed := capsys.readouterr().err)
        assert "did you mean 'rotation'?" in printed
        assert "nothing was changed; the daemon runs on as before" in printed
        write()

        with (
            Subscriber(
                f"tcp://127.0.0.1:{port}", server_key=keys.public("board"), client_key=keys.secret("phone")
            ) as phone,
            Subscriber(
                f"tcp://127.0.0.1:{port}", server_key=keys.public("board"), client_key=keys.secret("tablet")
            ) as tablet,
        ):
            assert phone.receive(20) is not None
            assert tablet.receive(20) is not None
            keys.revoke("phone")
            assert main(["reload"]) == 0
            assert capsys.readouterr().out == "camera street: rotation\nkeys: changed\n"
            eventually(lambda: phone.receive(0.5) is None, "silence for who was revoked")
            assert tablet.receive(20) is not None
        daemon.send_signal(signal.SIGTERM)
        _, log = daemon.communicate(timeout=20)
        assert daemon.returncode == 0
        assert "Traceback" not in log
        assert not list(folder.glob("*.json"))
        assert main(["reload"]) == 1
        assert "no running daemon found" in capsys.readouterr().err
    finally:
        daemon.kill()
        daemon.communicate()


def test_a_user_without_permission_is_pointed_to_sudo(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(pid: int, number: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    with RecordFile(folder, tmp_path / "edged.yaml").kept():
        monkeypatch.setattr(os, "kill", refuse)
        assert main(["reload"]) == 1
        assert "belongs to another user; try again with sudo" in capsys.readouterr().err

    def closed(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", closed)
    assert main(["reload"]) == 1
    assert "this user may not read it" in capsys.readouterr().err


def test_one_of_several_daemons_must_be_named(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with RecordFile(folder, tmp_path / "a.yaml").kept(), RecordFile(folder, tmp_path / "b.yaml").kept():
        assert main(["reload"]) == 2
        printed = capsys.readouterr().err
        assert "choose one with -c" in printed
        assert "a.yaml" in printed
        assert "b.yaml" in printed
        assert len(running_daemons([folder], tmp_path / "a.yaml")) == 1
        assert main(["reload", "-c", str(tmp_path / "c.yaml")]) == 1
        assert "no running daemon found with the configuration" in capsys.readouterr().err


def test_the_wait_for_an_answer_ends_at_the_timeout(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    heard = threading.Event()
    before = signal.signal(signal.SIGHUP, lambda *_: heard.set())
    try:
        with RecordFile(folder, tmp_path / "edged.yaml").kept():
            assert main(["reload", "--timeout", "0.2"]) == 1
            assert heard.is_set()
            assert "no answer within 0.2 s" in capsys.readouterr().err
    finally:
        signal.signal(signal.SIGHUP, before)
    with pytest.raises(SystemExit):
        main(["reload", "--timeout", "0"])


def test_a_record_has_the_last_reload_and_goes_with_its_daemon(folder: Path, tmp_path: Path) -> None:
    config = tmp_path / "edged.yaml"
    record = RecordFile(folder, config)
    with record.kept():
        record.report(Outcome(7, ("camera a: fps",)))
        [found] = running_daemons([folder, tmp_path / "gone"], config)
        assert (found.pid, found.config, found.began_ns, found.changes) == (
            os.getpid(),
            str(config),
            7,
            ("camera a: fps",),
        )
    assert not running_daemons([folder])
    # A process that was killed leaves its record behind.
    stale = asdict(ReloadRecord(pid=os.getpid(), config=str(config)))
    for name, text in (("1", json.dumps(stale)), ("2", "{"), ("3", "[" * 100_000), ("4", '{"pid": "1"}')):
        (folder / f"edged-0.{name}.json").write_text(text)
        (folder / f"edged-0.{name}.lock").touch()
    assert not running_daemons([folder])
    # And what another process keeps need not be true: no signal goes to every process there is.
    with (folder / "edged-0.1.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert len(running_daemons([folder])) == 1
        for pid in (-1, 0):
            (folder / "edged-0.1.json").write_text(json.dumps({**stale, "pid": pid}))
            assert not running_daemons([folder])
    with record.kept():
        assert len(running_daemons([folder])) == 1
        assert len(list(folder.iterdir())) == 2, "what was left behind is gone"


def test_a_runtime_folder_that_cannot_be_written_is_only_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for folder in (None, tmp_path / "no" / "such"):
        with RecordFile(folder, tmp_path / "edged.yaml").kept():
            pass
    assert caplog.text.count("'edged reload' does not find this daemon") == 1
