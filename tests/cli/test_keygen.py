"""``edged keygen`` makes files, prints instructions that work, and never overwrites a key."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from edged.cli import main
from edged.config import load_text
from edged.transport.keys import read_pair, read_public
from tests.keyed import Keys, publishing

pytestmark = pytest.mark.once

SOON = 20.0


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("socket.gethostname", lambda: "Porch.example.org")
    return tmp_path


def made(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        ([], "porch-server"),
        (["--name", "door"], "door"),
        (["--out", "."], "porch-server"),
        (["--out", "new/keys/"], "new/keys/porch-server"),
        (["--out", "new/keys/", "--name", "door"], "new/keys/door"),
        (["--out", "door"], "door"),
        (["--out", "new/door.secret"], "new/door"),
        (["--out", "door.public"], "door"),
        (["--out", "door.v2"], "door.v2"),
    ],
)
def test_a_pair_is_written_to_the_given_place(here: Path, arguments: list[str], files: str) -> None:
    assert main(["keygen", "server", *arguments]) == 0
    assert made(here) == [f"{files}.public", f"{files}.secret"]
    assert read_public(f"{files}.public") == read_pair(f"{files}.secret").public
    assert (here / f"{files}.secret").stat().st_mode & 0o777 == 0o600


def test_a_client_is_named_after_its_machine(here: Path) -> None:
    assert main(["keygen", "client"]) == 0
    assert made(here) == ["porch-client.public", "porch-client.secret"]


def test_the_output_names_the_files_and_never_a_key(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for role in ("server", "client"):
        assert main(["keygen", role]) == 0
        printed = capsys.readouterr().out
        assert f"porch-{role}.secret  the secret half: keep it here" in printed
        assert f"porch-{role}.public  the public half: copy it freely" in printed
        assert read_pair(f"porch-{role}.secret").secret.decode() not in printed


@pytest.mark.parametrize("taken", ["porch-server.secret", "porch-server.public"])
def test_an_existing_key_is_never_overwritten(here: Path, taken: str, capsys: pytest.CaptureFixture[str]) -> None:
    (here / taken).write_text("mine")
    assert main(["keygen", "server"]) == 1
    assert (
        capsys.readouterr().err
        == f"edged keygen: {taken} exists already, and no key is overwritten; give another --name or --out\n"
    )
    assert made(here) == [taken]
    assert (here / taken).read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_reported(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "file").touch()
    assert main(["keygen", "server", "--out", "file/keys/"]) == 1
    assert capsys.readouterr().err == "edged keygen: file/keys: Not a directory\n"


@pytest.mark.parametrize("arguments", [["keygen"], ["keygen", "hub"], ["keygen", "server", "--name", "Front Door"]])
def test_wrong_arguments_are_status_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


def test_the_help_explains_the_whole_exchange(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["keygen", "--help"])
    printed = capsys.readouterr().out
    for word in ("server_key:", "authorized_clients", "--server-key", "--client-key", "reload", "never leaves"):
        assert word in printed


def test_the_printed_instructions_work(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Follow the printed lines for the daemon and for the client, with a port of this test."""
    main(["keygen", "server"])
    printed = capsys.readouterr().out
    main(["keygen", "client", "--name", "name-client"])
    (here / "authorized_clients").mkdir()
    (here / "authorized_clients" / "name-client.public").write_bytes((here / "name-client.public").read_bytes())
    section = re.search(r"^  publish:\n(    .*\n)+", printed, re.MULTILINE)
    assert section is not None
    config = load_text(f"cameras: {{a: {{source: 'file:a'}}}}\n{section[0].replace('  publish', 'publish')}", "x.yaml")
    assert config.config.publish.server_key == here / "porch-server.secret"
    assert config.config.publish.authorized_clients == here / "authorized_clients"
    publish = "server_key: porch-server.secret, authorized_clients: authorized_clients"
    with publishing(here, f"endpoints: ['pub+bind:tcp://127.0.0.1:*'], {publish}") as board:
        command = re.search(r"edged (tail .*)", printed)
        assert command is not None
        told = command[1].replace("tcp://porch:5556", board.address()).replace("NAME", "name")
        assert tail(*told.split()[1:], "--json", "--count", "3") == 3


def tail(*arguments: str) -> int:
    """Return the number of messages that ``edged tail`` prints."""
    done = subprocess.run(
        [sys.executable, "-m", "edged", "tail", *arguments], capture_output=True, text=True, timeout=SOON, check=True
    )
    return len([json.loads(line) for line in done.stdout.splitlines()])


# -- edged tail with keys ---------------------------------------------------------------------------------------------


@pytest.fixture
def keys(here: Path) -> Keys:
    return Keys(here, "board", "phone", "tablet")


def test_tail_shows_a_board_with_keys(keys: Keys, here: Path) -> None:
    keys.authorize("phone")
    with publishing(here) as board:
        secured = ("--server-key", "board.public", "--client-key", "phone.secret")
        assert tail(board.address(), *secured, "--json", "--count", "5") == 5


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--server-key", "board.public", "--client-key", "tablet.secret"], "our key is refused there"),
        (["--server-key", "phone.public", "--client-key", "phone.secret"], "our copy of its public key may be"),
        ([], "one end uses CURVE keys and the other does not"),
    ],
)
@pytest.mark.parametrize("form", ["--json", "--plain"])
def test_tail_prints_why_it_is_not_let_in(keys: Keys, here: Path, arguments: list[str], why: str, form: str) -> None:
    keys.authorize("phone")
    with publishing(here) as board:
        command = [sys.executable, "-m", "edged", "tail", board.address(), form, *arguments]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            try:
                assert process.stderr is not None
                told = iter(process.stderr.readline, "")  # at first it may only see that it is hung up on
                assert any(line.startswith(f"edged tail: {board.address()}: ") and why in line for line in told)
            finally:
                process.kill()


def test_tail_reports_that_it_was_shut_out_later(keys: Keys, here: Path) -> None:
    keys.authorize("phone")
    with publishing(here) as board:
        secured = ("--server-key", "board.public", "--client-key", "phone.secret")
        command = [sys.executable, "-m", "edged", "tail", board.address(), *secured]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                assert process.stderr is not None
                assert "porch/street/full" in process.stdout.readline()
                keys.revoke("phone")
                board.stage.reload_keys()
                assert "our key is refused there" in process.stderr.readline()
            finally:
                process.kill()


@pytest.mark.parametrize(
    ("arguments", "status", "why"),
    [
        (["--server-key", "board.public"], 2, "needs our own secret key beside its server_key"),
        (["--client-key", "phone.secret"], 2, "client_key: goes with the server_key"),
        (["--authorized-clients", "authorized"], 2, "authorized_clients: goes with the server_key of a sub+bind:"),
        (["--server-key", "gone", "--client-key", "phone.secret"], 78, "gone: cannot be read"),
        (["--server-key", "board.public", "--client-key", "phone.public"], 78, "phone.public: holds no secret key"),
        (["--server-key", "board.secret", "--client-key", "phone.secret"], 78, "board.secret: holds a secret key"),
    ],
)
def test_tail_refuses_keys_that_do_not_fit(
    keys: Keys, here: Path, arguments: list[str], status: int, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tail", "tcp://127.0.0.1:1", *arguments]) == status
    assert why in capsys.readouterr().err
