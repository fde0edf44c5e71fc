"""Enrolled examples on the disk: whole or not at all, in their order, and with vectors that only save time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edged.enrolled import MOST_OF_A_SET, MOST_STATES, EnrolledExample, EnrolledStore, ExampleStore
from edged.enrolled import example_store as bounds
from edged.errors import StateError
from tests.enrolling import enrolled
from tests.enrolling_examples import MADE_BY, example, picture, vectors

KILLS = os.environ.get("EDGED_KILLS", "40")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ExampleStore]:
    store = ExampleStore(tmp_path / "state" / "examples")
    yield store
    store.close()


def add(store: ExampleStore, state: str = "empty", number: int = 1, set_name: str = "bay") -> EnrolledExample:
    return store.add(example(state, number, set_name), picture(number), vectors(number), MADE_BY)


def record_of(store: ExampleStore, kept: EnrolledExample) -> Path:
    return store.folder / f"{kept.stem}.json"


def test_what_was_added_is_there_after_a_restart_in_the_order_of_enrolment(store: ExampleStore) -> None:
    added = [add(store, state, number) for number, state in enumerate(("truck", "empty", "truck"), 1)]
    loaded = ExampleStore(store.folder).load()
    assert loaded == added
    assert [each.number for each in loaded] == [1, 2, 3]
    assert len({each.id for each in loaded}) == 3
    assert [store.picture_of(each) for each in loaded] == [picture(number) for number in (1, 2, 3)]


def test_the_vectors_are_as_good_as_those_that_were_given(store: ExampleStore) -> None:
    kept = add(store)
    found = store.vectors_of(kept, MADE_BY)
    assert found is not None
    given, read = vectors(1).astype(np.float64), found.astype(np.float64)
    cosines = (given * read).sum(1) / np.linalg.norm(given, axis=1) / np.linalg.norm(read, axis=1)
    assert (cosines > 1 - 1e-6).all()
    assert (store.folder / f"{kept.stem}.vectors").stat().st_size <= 16 << 10


def test_vectors_are_for_those_only_who_made_them(store: ExampleStore) -> None:
    kept = add(store)
    assert store.vectors_of(kept, "another/1") is None
    store.keep_vectors(kept, vectors(2), "another/1")
    assert store.vectors_of(kept, "another/1") is not None
    assert store.vectors_of(kept, MADE_BY) is None
    assert store.load() == [kept]


def test_vectors_of_any_scale_and_type_are_kept(store: ExampleStore) -> None:
    rows = np.array([[1, -127, 3], [0, 0, 1]], np.int8)
    kept = store.add(example(), picture(1), rows, MADE_BY)
    found = store.vectors_of(kept, MADE_BY)
    assert found is not None
    assert np.allclose(found, rows / np.array([[127], [1]]), atol=1e-3)
    store.keep_vectors(kept, rows.astype(np.float32) * 1e30, MADE_BY)
    again = store.vectors_of(kept, MADE_BY)
    assert again is not None
    assert np.array_equal(again, found)


@pytest.mark.parametrize("wrong", [np.zeros((2, 3)), np.full((1, 3), np.nan), np.ones(3), np.ones((17, 3))])
def test_vectors_that_teach_nothing_are_refused_before_anything_is_written(
    store: ExampleStore, wrong: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
) -> None:
    with pytest.raises(ValueError, match=r"vector"):
        store.add(example(), picture(1), wrong, MADE_BY)
    assert not store.folder.exists()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content + b"0",
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: content.replace(b'"v": 1', b'"v": 2'),
        lambda content: content.replace(b"[5, 1280]", b"[5, 1281]"),
        lambda content: content.replace(b"[5, 1280]", b"[-5, -1280]"),
        lambda content: content.replace(b"[5, 1280]", b"[5.0, 1280]"),
        lambda content: content.replace(b"[5, 1280]", b"5"),
        lambda content: b"[" * 4000 + b"\n",
        lambda content: b" " * 5000 + content,
        lambda content: b"null\n",
    ],
)
def test_vectors_that_are_damaged_are_as_good_as_none(store: ExampleStore, spoil: Callable[[bytes], bytes]) -> None:
    kept = add(store)
    file = store.folder / f"{kept.stem}.vectors"
    file.write_bytes(spoil(file.read_bytes()))
    assert store.vectors_of(kept, MADE_BY) is None
    file.unlink()
    assert store.vectors_of(kept, MADE_BY) is None
    assert store.load() == [kept], "an example is its picture"


def test_examples_that_are_removed_are_gone_with_all_their_files(store: ExampleStore) -> None:
    gone, stays, gone_too = (add(store, number=number) for number in (1, 2, 3))
    store.remove([gone.id, gone_too.id, "0123456789abcdef"])
    assert store.load() == [stays]
    assert len(list(store.folder.iterdir())) == 4


def test_a_relabelled_example_keeps_all_but_its_state(store: ExampleStore) -> None:
    kept = add(store, "empty")
    add(store, "truck", 2)
    changed = store.relabel(kept.id, "truck")
    assert changed == replace(kept, state="truck")
    assert ExampleStore(store.folder).load()[0] == changed
    assert store.picture_of(changed) == picture(1)
    assert store.vectors_of(changed, MADE_BY) is not None
    with pytest.raises(StateError, match="there is no example 0123"):
        store.relabel("0123", "truck")
    with pytest.raises(ValueError, match="must start with a letter"):
        store.relabel(kept.id, "../truck")


def test_there_is_room_for_so_many(store: ExampleStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (MOST_OF_A_SET, MOST_STATES, bounds.MOST_OF_ALL) == (200, 8, 1000)
    monkeypatch.setattr(bounds, "MOST_OF_A_SET", 3)
    monkeypatch.setattr(bounds, "MOST_OF_ALL", 5)
    for number in range(3):
        add(store, number=number)
    with pytest.raises(StateError, match="bay has 3 enrolled examples already; forget some first"):
        add(store)
    add(store, set_name="yard")
    add(store, set_name="gate")
    with pytest.raises(StateError, match="there are 5 enrolled examples already; forget some first"):
        add(store, set_name="gate")
    store.remove([store.load()[0].id])
    add(store)


def test_a_set_has_eight_states_at_most(store: ExampleStore) -> None:
    added = [add(store, f"s{number}", number) for number in range(MOST_STATES)]
    with pytest.raises(StateError, match="bay has 8 states already"):
        add(store, "one-more")
    second = add(store, "s1", 20)
    with pytest.raises(StateError, match="bay has 8 states already"):
        store.relabel(second.id, "one-more")
    assert store.relabel(added[0].id, "another").state == "another", "its own state ends with it"
    add(store, "one-more", 30, "yard")


def test_what_is_forgotten_never_lends_its_name_to_another(store: ExampleStore) -> None:
    first = add(store)
    store.remove([first.id])
    second = add(store)
    assert second.number == 1
    assert second.id != first.id


def test_the_entries_are_the_same_tuple_while_nothing_changes(store: ExampleStore) -> None:
    add(store, number=1)
    store.load()
    entries = store.entries
    store.load()
    assert store.entries is entries
    add(store, number=2)
    store.load()
    assert len(store.entries) == 2


def test_a_head_is_kept_beside_the_examples_until_it_is_removed(store: ExampleStore) -> None:
    assert store.head_of("bay", 100) is None
    store.keep_head("bay", None)
    assert not store.folder.exists()
    store.keep_head("bay", b"one")
    store.keep_head("bay", b"two")
    add(store)
    other = ExampleStore(store.folder)
    assert other.head_of("bay", 3) == b"two"
    assert other.head_of("bay", 2) is None, "a stranger's bytes are bounded"
    assert len(other.load()) == 1
    store.keep_head("bay", None)
    assert store.head_of("bay", 3) is None
    with pytest.raises(ValueError, match="must start with a letter"):
        store.head_of("../bay", 3)


def edited(text: str, **values: object) -> str:
    return json.dumps(json.loads(text) | values)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda text: "", "is not an example, or is incomplete"),
        (lambda text: "[" * 60_000, "is not an example, or is incomplete"),
        (lambda text: text + " " * 70_000, "has more than 65536 bytes"),
        (lambda text: edited(text, v=2), "it is of version 2"),
        (lambda text: edited(text, set="yard"), "it is named yard."),
        (lambda text: edited(text, id="0123456789abcdef"), "it is named bay.0123456789abcdef"),
        (lambda text: edited(text, state="unknown"), "its state cannot be unknown"),
        (lambda text: edited(text, state="../x"), "must start with a letter"),
        (lambda text: edited(text, places=["dock/../x"]), "must start with a letter"),
        (lambda text: edited(text, rotation=45), "rotation: must be one of"),
        (lambda text: edited(text, picture_bytes=3), "is not whole"),
    ],
)
def test_a_file_that_is_damaged_is_named_and_skipped(
    store: ExampleStore, caplog: pytest.LogCaptureFixture, spoil: Callable[[str], str], told: str
) -> None:
    spoilt, whole = add(store, number=1), add(store, number=2)
    file = record_of(store, spoilt)
    file.write_text(spoil(file.read_text()))
    assert store.load() == [whole]
    assert "enrolled examples: " in caplog.text
    assert told in caplog.text
    store.close()
    add(store, number=3)
    assert spoilt.picture.exists(), "a picture of a record that cannot be read is not swept away"


def test_a_picture_that_is_gone_or_changed_is_reported(store: ExampleStore) -> None:
    kept = add(store)
    kept.picture.write_bytes(picture(2))
    with pytest.raises(StateError, match="is not the picture that was enrolled"):
        store.picture_of(kept)
    kept.picture.unlink()
    assert store.load() == []


def test_a_second_process_reads_and_does_not_write(store: ExampleStore) -> None:
    kept = add(store)
    other = ExampleStore(store.folder)
    assert other.load() == [kept]
    for write in (lambda: add(other), lambda: other.remove([kept.id]), lambda: other.keep_head("bay", b"")):
        with pytest.raises(StateError, match="another edged writes there"):
            write()
    store.close()
    add(other)
    other.close()


def test_a_disk_that_is_full_leaves_what_was_there(store: ExampleStore) -> None:
    kept = add(store)
    store.close()
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from tests.enrolling_examples import *; from edged.errors import StateError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))\n"
        "try: ExampleStore(Path(sys.argv[1])).add(example(), picture(2), vectors(2), MADE_BY)\n"
        "except StateError as exc: print(exc)\n"
    )
    command = [sys.executable, "-c", code, str(store.folder)]
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    assert "File too large" in told
    assert store.load() == [kept]
    assert len(list(store.folder.iterdir())) == 4


def test_the_store_of_references_passes_over_the_examples(
    store: ExampleStore, caplog: pytest.LogCaptureFixture
) -> None:
    references = EnrolledStore(store.folder.parent / "references")
    references.add(enrolled("gate"), picture(1))
    add(store)
    assert [each.name for each in references.load()] == ["gate"]
    assert len(store.load()) == 1
    assert caplog.records == []
    references.close()


def test_examples_take_little_memory(store: ExampleStore) -> None:
    for number in range(20):
        add(store, number=number)
    tracemalloc.start()
    kept = ExampleStore(store.folder)
    kept.load()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size / 20 + 1280 * 4 < 6 << 10, "with its own vector, which the head has"


def test_whatever_moment_it_is_killed_at_the_examples_are_those_that_were_promised(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.enrolling_examples", str(tmp_path / "examples"), KILLS]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore::DeprecationWarning"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) > 0, done.stdout
