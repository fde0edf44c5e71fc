"""``edged page``: the command, its addresses and keys, and its endings."""

from __future__ import annotations

import argparse
import getpass
import signal
import subprocess
import sys
import urllib.request
from base64 import b64encode
from pathlib import Path

import pytest

from edged.cli import main
from edged.cli.page import add_parser
from edged.cli.page.settings import settings_of
from edged.page.gate import AccessGate
from edged.page.passwords import FAILURES, hash_password, keep_password, read_passwords
from tests.page.serving import TOKENS, page

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


def test_a_password_is_asked_for_twice_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "passwords"
    command = ["page", "--set-password", "change", "--password-file", str(file)]

    def type_in(*typed: str) -> int:
        lines = iter(typed)
        monkeypatch.setattr(getpass, "getpass", lambda _: next(lines))
        return main(command)

    assert type_in("short") == 2
    assert "12 characters" in capsys.readouterr().err
    assert type_in("long enough for all", "long enough for none") == 2
    assert "are different" in capsys.readouterr().err
    assert not file.exists()
    assert type_in("long enough for all", "long enough for all") == 0
    assert read_passwords(file)["change"].matches("long enough for all")


def test_without_somebody_to_ask_there_is_no_password(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edged", "page", "--set-password", "look", "--password-file", str(tmp_path / "p")]
    refused = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60,
        start_new_session=True,
    )  # fmt: skip
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1] == "edged page: --set-password: no password was given"
    assert not list(tmp_path.iterdir())


def test_new_keys_do_not_get_into_the_journal(tmp_path: Path) -> None:
    """Started by systemd, what the page prints is logged."""
    code = (
        "import os, socket, sys; listener = socket.create_server(('127.0.0.1', 0));"
        "os.dup2(listener.fileno(), 3); os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1');"
        "from edged.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "page", "--idle-exit", "0.1", "--socket", str(tmp_path / "none.sock")]
    refused = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "in its journal" in refused.stderr
    kept = [*command, "--token-file", str(tmp_path / "tokens")]
    assert subprocess.run(kept, capture_output=True, text=True, check=True, timeout=60).stdout == ""


def test_a_certificate_that_is_wrong_ends_the_command_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "page.pem").write_text("nothing")
    command = [*PAGE, "--cert", str(tmp_path / "page.pem"), "--socket", str(tmp_path / "none.sock")]
    refused = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (refused.returncode, refused.stdout) == (78, "")
    assert refused.stderr.splitlines()[-1] == f"{tmp_path}/page.pem: has no certificate in PEM"


@pytest.mark.parametrize("name", ["cams.example.org:8080", "https://cams.example.org", "", "a b"])
def test_a_name_of_the_machine_has_no_port(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["page", "--host", name])
    assert "must be a name without a port" in capsys.readouterr().err


def test_behind_a_proxy_nothing_that_it_passes_on_about_others_counts(tmp_path: Path) -> None:
    """Its name alone is answered, with https in the browser's address line; and all passwords are tried from it."""
    gate = AccessGate(TOKENS, (), "https", "cams.example.org", [b"digest"])
    line = hash_password("look", "a good long one")
    (tmp_path / "passwords").write_text(line)
    with page(tmp_path, gate=gate, passwords=read_passwords(tmp_path / "passwords")) as served:

        def get(path: str, **fields: str) -> tuple[int, dict[str, str]]:
            return served.get(path, **{"Host": "cams.example.org", **fields})[:2]

        status, fields = get("/session", Authorization=f"Bearer {TOKENS['look']}")
        assert status == 200
        assert fields["set-cookie"].startswith("__Host-edged-")
        assert "; Secure" in fields["set-cookie"]
        other = {"X_Forwarded_Host": "cams.example.org", "Forwarded": "host=cams.example.org;proto=https"}
        assert get("/", **other, Host="127.0.0.1")[0] == 421
        assert get("/", **other, Host="cams.example.org.")[0] == 421
        assert get("/session", Authorization=f"Bearer {TOKENS['look']}", Origin="http://cams.example.org")[0] == 403
        wrong = {"Authorization": "Basic " + b64encode(b"look:wrong").decode()}
        answers = [get("/session", **wrong, X_Forwarded_For=f"10.0.0.{number}")[0] for number in range(FAILURES + 2)]
        assert answers == [401] * FAILURES + [429] * 2
        assert get("/session", Authorization=f"Bearer {TOKENS['look']}")[0] == 200, "a token is not a guess"


@pytest.mark.parametrize("more", [[], ["--behind-proxy", "cams.example.org"]], ids=["alone", "behind a proxy"])
def test_another_password_makes_other_cookies_with_the_same_keys(tmp_path: Path, more: list[str]) -> None:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    file = tmp_path / "passwords"
    args = parser.parse_args(["page", "--password-file", str(file), *more])
    names = []
    for password in ("one", "two", None):
        if password is not None:
            keep_password(file, "look", password)
        names.append(settings_of(args, TOKENS).gate.cookie_name)
    assert names[0] != names[1] == names[2]


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
