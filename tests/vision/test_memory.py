"""What is remembered from one start to the next."""

from __future__ import annotations

from pathlib import Path

import pytest

from edged.vision.memory import cache_folder, recall, remember


def test_what_was_remembered_is_recalled(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "when needed"
    assert recall(folder, "name") is None
    remember(folder, "name", b"one")
    remember(folder, "name", b"two")
    assert recall(folder, "name") == b"two"
    assert [file.name for file in folder.iterdir()] == ["name"]


def test_no_folder_forgets_at_once() -> None:
    remember(None, "name", b"one")
    assert recall(None, "name") is None


def test_what_cannot_be_written_or_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory"):
        remember(tmp_path / "file" / "below", "name", b"one")
    assert recall(tmp_path / "file" / "below", "name") is None
    (tmp_path / "name").mkdir()
    with pytest.raises(IsADirectoryError):
        recall(tmp_path, "name")


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert cache_folder({"XDG_CACHE_HOME": "/var/cache/program"}) == Path("/var/cache/program/edged")
    assert cache_folder({"XDG_CACHE_HOME": "relative"}) == Path("/home/somebody/.cache/edged")
    assert cache_folder({}) == Path("/home/somebody/.cache/edged")
