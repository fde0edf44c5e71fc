"""What is remembered from one start to the next."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edged.vision.runtime.disk_cache import cache_folder, recall, remember


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


def test_what_is_there_already_is_not_written_again(tmp_path: Path) -> None:
    remember(tmp_path, "name", b"same")
    before = (tmp_path / "name").stat()
    remember(tmp_path, "name", b"same")
    after = (tmp_path / "name").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_full_disk_is_reported_and_keeps_what_was_there(tmp_path: Path) -> None:
    remember(tmp_path, "name", b"old")
    # As far as a program can tell, a limit to the size of files is a full disk.
    code = f"""
import resource
from pathlib import Path
from edged.vision.runtime.disk_cache import remember
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
for name in ("name", "another"):
    try:
        remember(Path({str(tmp_path)!r}), name, b"new")
    except OSError as exc:
        print(exc.strerror)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "File too large\n" * 2
    assert [file.name for file in tmp_path.iterdir()] == ["name"]
    assert recall(tmp_path, "name") == b"old"


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert cache_folder({"XDG_CACHE_HOME": "/var/cache/program"}) == Path("/var/cache/program/edged")
    assert cache_folder({"XDG_CACHE_HOME": "relative"}) == Path("/home/somebody/.cache/edged")
    assert cache_folder({}) == Path("/home/somebody/.cache/edged")
