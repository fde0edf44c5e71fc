"""Enrolled references on the disk: whole or not at all, whatever else is in the folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edged.enrolled import MOST_NAMED, EnrolledStore
from edged.errors import StateError
from tests.enrolling import enrolled, picture

KILLS = os.environ.get("EDGED_KILLS", "40")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EnrolledStore]:
    store = EnrolledStore(tmp_path / "state" / "references")
    yield store
    store.close()


def names(store: EnrolledStore) -> list[str]:
    return [each.name for each in store.load()]


def test_what_was_enrolled_is_there_after_a_restart(store: EnrolledStore) -> None:
    added = store.add(enrolled("gate"), picture(1))
    assert added.picture.read_bytes() == picture(1)
    (loaded,) = EnrolledStore(store.folder).load()
    for key in ("name", "camera", "region", "places", "rotation", "decode", "space_id", "t_wall_us", "picture"):
        assert getattr(loaded, key) == getattr(added, key)
    assert loaded.vector.dtype == np.float32
    assert np.array_equal(loaded.vector, added.vector)
    assert not loaded.vector.flags.writeable
    assert store.picture_of(loaded) == picture(1)


def test_what_has_not_changed_is_not_read_again_and_what_has_is(store: EnrolledStore) -> None:
    store.add(enrolled("gate"), picture(1))
    (first,) = store.load()
    assert store.load()[0] is first
    store.add(enrolled("gate", 2), picture(2))
    (second,) = store.load()
    assert second.vector[0] == 2
    second.picture.write_bytes(b"cut off")
    assert names(store) == []


def test_a_folder_that_does_not_exist_holds_nothing_and_is_not_made(store: EnrolledStore) -> None:
    assert store.load() == []
    assert "gate" not in store
    assert not store.folder.exists()


def test_a_reference_that_is_replaced_leaves_nothing_behind(store: EnrolledStore) -> None:
    store.add(enrolled("gate", 1), picture(1))
    store.add(enrolled("gate-open", 2), picture(2))
    new = store.add(enrolled("gate", 3), picture(3))
    assert {each.name: int(each.vector[0]) for each in store.load()} == {"gate": 3, "gate-open": 2}
    assert sorted(file.suffix for file in store.folder.iterdir()) == ["", ".json", ".json", ".png", ".png"]
    assert new.picture.exists()


def test_a_reference_that_is_forgotten_is_gone_with_its_picture(store: EnrolledStore) -> None:
    store.add(enrolled("gate"), picture(1))
    store.remove("gate")
    store.remove("gate")
    assert names(store) == []
    assert [file.name for file in store.folder.iterdir()] == [".lock"]


def test_pictures_and_vectors_are_for_their_owner_and_group_only(store: EnrolledStore) -> None:
    before = os.umask(0)
    try:
        store.add(enrolled("gate"), picture(1))
    finally:
        os.umask(before)
    for path in (store.folder, *store.folder.iterdir()):
        assert path.stat().st_mode & 0o027 == 0, path


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda text: "", "is not a reference, or is incomplete"),
        (lambda text: text[:500], "is not a reference, or is incomplete"),
        (lambda text: "[" * 100_000, "is not a reference, or is incomplete"),
        (lambda text: "null", "must be a JSON object"),
        (lambda text: text + " " * 2_000_000, "has more than 1048576 bytes"),
        (lambda text: text.replace('"v": 1', '"v": 2'), "it is of version 2"),
        (lambda text: text.replace('"name": "gate"', '"name": "other"'), "it is named 'other'"),
        (lambda text: text.replace("street/path", "street/../x"), "must start with a letter"),
        (lambda text: text.replace('"picture": "gate.', '"picture": "../gate.'), "its picture cannot be"),
        (lambda text: text.replace("<f4", "<f8"), "dtype: must be one of"),
        (lambda text: edited(text, vector="AAA="), "gate.json"),
        (lambda text: edited(text, vector="AAAAAA=="), "its vector is empty, zero, or not finite"),
        (lambda text: edited(text, vector="AADAfw=="), "its vector is empty, zero, or not finite"),
        (lambda text: edited(text, vector="päng"), "gate.json"),
        (lambda text: edited(text, picture_bytes=3), "is not whole"),
        (lambda text: edited(text, enter=0.5, leave=0.6), "it can begin no events at 0.5 that end below 0.6"),
        (lambda text: edited(text, enter=0.5), "that end below None"),
        (lambda text: edited(text, min_seconds=-1), "times cannot be negative"),
        (lambda text: edited(text, rotation=45), "rotation: must be one of"),
    ],
)
def test_a_file_that_is_damaged_is_named_and_skipped(
    store: EnrolledStore, caplog: pytest.LogCaptureFixture, spoil: object, told: str
) -> None:
    store.add(enrolled("gate"), picture(1))
    store.add(enrolled("yard"), picture(2))
    file = store.folder / "gate.json"
    assert callable(spoil)
    file.write_text(spoil(file.read_text()))
    assert names(store) == ["yard"]
    assert told in caplog.text
    assert str(file) in caplog.text
    store.add(enrolled("gate"), picture(3))  # and it can be enrolled again
    assert names(store) == ["gate", "yard"]


def edited(text: str, **values: object) -> str:
    return json.dumps(json.loads(text) | values)


def test_a_reference_without_its_picture_is_named_and_skipped(
    store: EnrolledStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.add(enrolled("gate"), picture(1)).picture.unlink()
    assert names(store) == []
    assert "its picture gate." in caplog.text


def test_a_picture_that_was_changed_is_not_taken_for_the_one_that_was_enrolled(store: EnrolledStore) -> None:
    added = store.add(enrolled("gate"), picture(1))
    added.picture.write_bytes(picture(2))
    with pytest.raises(StateError, match="is not the picture that was enrolled"):
        store.picture_of(added)


def test_what_is_foreign_is_named_a_few_times_and_left_alone(
    store: EnrolledStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.add(enrolled("gate"), picture(1))
    for number in range(20):
        (store.folder / f"Foreign {number}").touch()
    (store.folder / "folder.json").mkdir()
    os.mkfifo(store.folder / "pipe.json")
    (store.folder / "link.json").symlink_to("/dev/zero")
    assert names(store) == ["gate"]
    assert len(caplog.records) == MOST_NAMED + 1
    assert "and 18 more files" in caplog.text
    store.remove("gate")
    assert len(list(store.folder.iterdir())) == 24


def test_a_picture_of_a_file_that_cannot_be_read_is_not_swept_away(store: EnrolledStore) -> None:
    added = store.add(enrolled("gate"), picture(1))
    (store.folder / "gate.json").write_text("damaged")
    store.close()
    store.add(enrolled("yard"), picture(2))
    assert added.picture.exists()


def test_a_second_process_reads_and_does_not_write(store: EnrolledStore) -> None:
    store.add(enrolled("gate"), picture(1))
    other = EnrolledStore(store.folder)
    assert names(other) == ["gate"]
    with pytest.raises(StateError, match="another edged writes there"):
        other.add(enrolled("yard"), picture(2))
    store.close()
    other.add(enrolled("yard"), picture(2))
    other.close()
    assert names(store) == ["gate", "yard"]


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = EnrolledStore(tmp_path / "file" / "references")
    with pytest.raises(StateError, match="Not a directory"):
        store.add(enrolled("gate"), picture(1))
    assert store.load() == []


def test_a_disk_that_is_full_leaves_what_was_there(store: EnrolledStore, tmp_path: Path) -> None:
    store.add(enrolled("gate", 1), picture(1))
    store.close()
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from tests.enrolling import *; from edged.errors import StateError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))\n"
        "try: EnrolledStore(Path(sys.argv[1])).add(enrolled('gate', 2), picture(2))\n"
        "except StateError as exc: print(exc)\n"
    )
    command = [sys.executable, "-c", code, str(store.folder)]
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    assert "File too large" in told
    assert str(store.folder) in told
    (left,) = store.load()
    assert left.vector[0] == 1
    assert store.picture_of(left) == picture(1)
    assert len(list(store.folder.iterdir())) == 3


def test_whatever_moment_it_is_killed_at_the_references_are_those_that_were_promised(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.enrolling", str(tmp_path / "references"), KILLS]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore::DeprecationWarning"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) > 0, done.stdout


def test_a_foreign_file_in_the_store_is_named_in_one_printable_line(
    store: EnrolledStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.add(enrolled("gate"), picture(1))
    (store.folder / "a\x1b[31m\ncamera front is lost").touch()
    store.load()
    assert len(caplog.messages) == 1
    assert caplog.messages[0].isprintable()
