"""The file of a configuration is replaced whole or not at all, and the one before is kept."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from edged.config import ConfigFileError
from edged.config.edit import file as under_test
from edged.config.edit.file import FileChangedError, NotWritableError, opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "edged.yaml"
    path.write_bytes(b"old")
    return path


def test_the_file_is_replaced_and_the_one_before_kept(path: Path) -> None:
    path.chmod(0o604)
    with opened(path) as file:
        file.replace(b"old", b"new")
        assert file.backup == path.with_name("edged.yaml.bak")
    assert (path.read_bytes(), file.backup.read_bytes()) == (b"new", b"old")
    assert {stat.S_IMODE(each.stat().st_mode) for each in (path, file.backup)} == {0o604}
    assert sorted(each.name for each in path.parent.iterdir()) == ["edged.yaml", "edged.yaml.bak"]


def test_the_file_behind_a_link_is_replaced_and_the_link_stays(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "etc" / "link.yaml"
    link.parent.mkdir()
    link.symlink_to("../edged.yaml")
    with opened(link) as file:
        file.replace(b"old", b"new")
    assert link.is_symlink()
    assert path.read_bytes() == b"new"
    assert file.backup == path.with_name("edged.yaml.bak")


def test_a_file_that_was_changed_meanwhile_stays_so(path: Path) -> None:
    def fails_with(text: bytes) -> None:
        with opened(path) as file:
            path.write_bytes(text)
            with pytest.raises(FileChangedError, match="was changed meanwhile"):
                file.replace(b"old", b"new")
        assert path.read_bytes() == text

    fails_with(b"of another size")
    fails_with(b"of another time")


def test_a_file_that_another_edged_changes_is_waited_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "LOCK_SECONDS", 0.2)
    with opened(path), pytest.raises(FileChangedError, match="another edged changes it"), opened(path):
        pass
    with opened(path) as file:
        file.replace(b"old", b"new")


def test_a_folder_that_may_not_be_written_leaves_all_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: Path, *_: object) -> int:
        raise PermissionError(13, "Permission denied", str(name))

    with opened(path) as file, monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)  # root, as which tests may run, may write everywhere
        with pytest.raises(NotWritableError) as refused:
            file.replace(b"old", b"new")
    assert str(refused.value) == f"{path}: cannot be replaced: Permission denied", "no name that nobody knows"
    assert path.read_bytes() == b"old"
    assert [each.name for each in path.parent.iterdir()] == ["edged.yaml"]


def test_a_backup_that_cannot_be_written_leaves_all_as_it_was(path: Path) -> None:
    path.with_name("edged.yaml.bak").mkdir()
    with opened(path) as file, pytest.raises(NotWritableError, match=r"edged\.yaml"):
        file.replace(b"old", b"new")
    assert path.read_bytes() == b"old"
    assert sorted(each.name for each in path.parent.iterdir()) == ["edged.yaml", "edged.yaml.bak"]


def test_a_group_that_cannot_be_kept_and_may_read_is_a_refusal(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    path.chmod(0o640)
    with opened(path) as file:
        monkeypatch.setattr(os, "fchown", refuse)
        monkeypatch.setattr(file, "_before", _Status(path.stat()))
        with pytest.raises(NotWritableError, match="its group cannot be kept"):
            file.replace(b"old", b"new")
    assert path.read_bytes() == b"old"


class _Status:
    """The status of a file of another group."""

    def __init__(self, status: os.stat_result) -> None:
        self._status = status
        self.st_gid = status.st_gid + 1

    def __getattr__(self, name: str) -> object:
        return getattr(self._status, name)


def test_a_file_that_is_not_there_is_a_problem_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError, match="there is no such file"), opened(tmp_path / "edged.yaml"):
        pass
