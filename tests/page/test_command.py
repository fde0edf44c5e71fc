"""``edged page``: the command, its addresses and keys, and its endings."""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from edged.cli import main

PAGE = [sys.executable, "-m", "edged", "page", "--listen", "127.0.0.1:0"]


def test_the_page_is_served_without_a_daemon_too_and_ends_when_it_is_told(tmp_path: Path) -> None:
    with subprocess.Popen([*PAGE, "--socket", str(tmp_path / "none.sock")], stdout=subprocess.PIPE, text=True) as page:
        try:
            assert page.stdout is not None
            urls = [page.stdout.readline().split()[0] for _ in range(2)]
            site, _, token = urls[0].partition("/#token=")
            assert token != urls[1].partition("/#token=")[2]
            with urllib.request.urlopen(site, timeout=20) as shown:
                assert shown.status == 200
                assert b"edged" in shown.read()
        finally:
            page.send_signal(signal.SIGTERM)
        assert page.wait(20) == 0


def test_with_look_alone_there_is_one_address(tmp_path: Path) -> None:
    command = [*PAGE, "--look", "--idle-exit", "0.1", "--socket", str(tmp_path / "none.sock")]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    [line] = ended.stdout.splitlines()
    assert line.endswith("to look only")


def test_others_than_this_machine_get_nothing_in_clear() -> None:
    command = [sys.executable, "-m", "edged", "page", "--listen", "0.0.0.0:0"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "give it --cert, or --behind-proxy" in refused.stderr


def test_keys_that_were_never_made_are_not_made_by_whoever_asks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["page", "--show-url", "--token-file", str(tmp_path / "tokens")]) == 2
    assert "open the page once" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_addresses_of_kept_keys_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = ["--token-file", str(tmp_path / "tokens")]
    command = [*PAGE, *kept, "--idle-exit", "0.1", "--socket", str(tmp_path / "none.sock")]
    subprocess.run(command, capture_output=True, check=True, timeout=60)
    shown = []
    for _ in range(2):
        assert main(["page", "--show-url", *kept]) == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1] != ""
    assert "http://127.0.0.1:8080/#token=" in shown[0]
