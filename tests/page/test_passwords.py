"""Passwords, kept tokens, and addresses to listen on."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from pathlib import Path
from typing import cast

import pytest

from edged.errors import ConfigError, PublishError
from edged.page.gate import Login
from edged.page.listening import PageAddress, address_of, listen, passed_sockets
from edged.page.passwords import (
    FAILURES,
    MOST_ADDRESSES,
    MOST_WAITING,
    SECONDS_EACH,
    Attempts,
    Hash,
    Passwords,
    hash_password,
    keep_password,
    read_passwords,
)
from edged.page.tokens import kept_tokens, random_tokens


def test_a_password_is_kept_as_a_salted_hash(tmp_path: Path) -> None:
    file = tmp_path / "passwords"
    file.write_text(f"# of the page\n{hash_password('look', 'päss')}\n\n{hash_password('change', 'word')}\n")
    hashes = read_passwords(file)
    assert hashes["look"].matches("päss")
    assert not hashes["look"].matches("word")
    assert hash_password("look", "a") != hash_password("look", "a")
    assert "päss" not in file.read_text()
    assert repr(hashes["look"].digest) not in repr(hashes)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "look:secret\n",
        "admin:scrypt:14:" + "0" * 32 + ":" + "0" * 64,
        "look:scrypt:30:" + "0" * 32 + ":" + "0" * 64,
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "passwords"
    file.write_text(text)
    with pytest.raises(ConfigError, match="passwords"):
        read_passwords(file)


def test_a_password_takes_the_place_of_that_of_its_role_alone(tmp_path: Path) -> None:
    file, link = tmp_path / "passwords", tmp_path / "link"
    link.symlink_to(file)
    keep_password(file, "look", "the first one")
    assert file.stat().st_mode & 0o777 == 0o600
    keep_password(file, "change", "of the other role")
    file.write_text("# a comment\n" + file.read_text())
    file.chmod(0o640)
    keep_password(link, "look", "the second one")
    hashes = read_passwords(file)
    assert hashes["look"].matches("the second one")
    assert hashes["change"].matches("of the other role")
    assert file.read_text().startswith("# a comment\n")
    assert file.stat().st_mode & 0o777 == 0o640, "another user may have to read it"
    assert link.is_symlink()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link", "passwords"]


def test_a_password_that_cannot_be_written_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "passwords"
    keep_password(file, "look", "the first one")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="No space left on device"):
        keep_password(file, "look", "the second one")
    monkeypatch.undo()
    assert read_passwords(file)["look"].matches("the first one")
    assert [each.name for each in tmp_path.iterdir()] == ["passwords"]


def test_wrong_passwords_are_limited_for_an_address_and_for_all() -> None:
    attempts = Attempts()
    for _ in range(FAILURES):
        assert attempts.may_try("10.0.0.1", 100.0)
        attempts.note_failure("10.0.0.1", 100.0)
    assert not attempts.may_try("10.0.0.1", 100.0)
    assert attempts.may_try("10.0.0.2", 100.0)
    assert attempts.may_try("10.0.0.1", 100.0 + SECONDS_EACH)
    for number in range(1000):
        attempts.note_failure(f"10.1.{number // 250}.{number % 250}", 100.0)
    assert not attempts.may_try("10.0.0.9", 100.0)
    assert len(attempts._by_address) <= MOST_ADDRESSES


class SlowHash:
    """A `Hash` whose comparison lasts until it *may_end*; ``begun`` counts these, and ``most`` of them at a time."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.begun = self.under_way = self.most = 0

    def matches(self, password: str) -> bool:
        self.begun += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        self.may_end.wait(20)
        self.under_way -= 1
        return password == "right"


def test_who_goes_away_before_the_answer_has_tried_too() -> None:
    """Else connections that end at once would be guesses without a limit, and fill the memory with comparisons."""

    async def guess() -> SlowHash:
        known = SlowHash()
        passwords = Passwords({"look": cast(Hash, known)})
        for _ in range(3 * MOST_WAITING):
            guessing = asyncio.create_task(passwords.role_of(Login("", "wrong"), "10.0.0.1"))
            await asyncio.wait([guessing], timeout=0.05)
            guessing.cancel()
            await asyncio.wait([guessing])
        assert known.most == 1
        known.may_end.set()
        async with asyncio.timeout(20):
            while passwords._waiting:
                await asyncio.sleep(0.01)
        assert known.begun == MOST_WAITING
        for _ in range(FAILURES - MOST_WAITING):
            assert await passwords.role_of(Login("", "wrong"), "10.0.0.1") is None
        with pytest.raises(TimeoutError):
            await passwords.role_of(Login("", "right"), "10.0.0.1")
        assert await passwords.role_of(Login("", "right"), "10.0.0.2") == "look"
        return known

    assert asyncio.run(guess()).begun == FAILURES + 1


def test_a_login_shows_no_password() -> None:
    assert "secret" not in repr(Login("look", "secret"))


def test_tokens_are_long_and_new_each_time() -> None:
    first, second = random_tokens(), random_tokens()
    assert len({*first.values(), *second.values()}) == 4
    assert all(len(token) >= 43 for token in first.values())


def test_kept_tokens_are_the_same_after_a_restart_and_for_their_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    first = kept_tokens(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert kept_tokens(file) == first
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        kept_tokens(file)


def test_a_file_that_is_too_long_is_refused_and_stays_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "passwords"
    file.write_text("# a comment\n" * 400)
    before = file.read_bytes()
    with pytest.raises(ConfigError, match="is longer than a file of passwords"):
        keep_password(file, "look", "the first one")
    with pytest.raises(ConfigError, match="is longer than a file of passwords"):
        read_passwords(file)
    assert file.read_bytes() == before


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"look": "a", "change": "b"}', '{"look": 1, "change": 2}'])
def test_a_damaged_file_of_tokens_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "tokens"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(ConfigError, match="tokens"):
        kept_tokens(file)


def test_a_folder_that_is_missing_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be made"):
        kept_tokens(tmp_path / "none" / "tokens")


@pytest.mark.parametrize("text", ["127.0.0.1:8080", "[::1]:8080", "0.0.0.0:0", "localhost:1"])
def test_an_address_is_read(text: str) -> None:
    assert PageAddress.parse(text)


@pytest.mark.parametrize(
    "text", ["", "8080", "porch:8080", "::1:8080", "127.0.0.1:70000", "127.0.0.1:", "[127.0.0.1]x:1"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be ADDRESS:PORT"):
        PageAddress.parse(text)


def test_a_port_that_is_taken_is_reported() -> None:
    with listen(PageAddress("127.0.0.1", 0)) as listener, pytest.raises(PublishError, match="cannot listen on"):
        listen(address_of(listener))


def test_a_socket_that_is_a_file_is_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "page.sock"))
        with pytest.raises(ConfigError, match="addresses of IP only"):
            address_of(listener)


def test_sockets_are_taken_from_systemd_only_by_the_process_that_they_are_for() -> None:
    assert passed_sockets({}) == []
    assert passed_sockets({"LISTEN_PID": "1", "LISTEN_FDS": "1"}) == []
    assert passed_sockets({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "٣"}) == []
