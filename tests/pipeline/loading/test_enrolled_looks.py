"""The looks of enrolled pictures: by place, read once, and no more of them than are needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edged.enrolled import EnrolledExample, ExampleStore
from edged.pipeline.loading.enrolled_looks import MOST_PICTURES, EnrolledLooksOfSets
from edged.vision.pictures.png import to_png
from tests.enrolling_examples import MADE_BY, example, vectors


class CountingStore(ExampleStore):
    """A store that counts the pictures that are read."""

    read = 0

    def picture_of(self, example: EnrolledExample) -> bytes:
        self.read += 1
        return super().picture_of(example)


def picture(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 255, (40, 60, 3), np.uint8)


def store_of(folder: Path, count: int) -> CountingStore:
    store = CountingStore(folder)
    for number in range(count):
        store.add(example("empty", number), to_png(picture(number)), vectors(number), MADE_BY)
    return store


def test_pictures_are_read_again_only_when_the_examples_are_others(tmp_path: Path) -> None:
    store, looks = store_of(tmp_path, 3), EnrolledLooksOfSets()
    first = looks.of("bay", store.load(), store)
    assert list(first) == ["dock/bay"]
    assert store.read == 3
    assert looks.of("bay", store.load(), store)["dock/bay"] is first["dock/bay"]
    assert store.read == 3
    store.remove([store.load()[0].id])
    assert looks.of("bay", store.load(), store)["dock/bay"] is not first["dock/bay"]
    assert looks.of("bay", [], store) == {}
    store.close()


def test_what_was_enrolled_is_seen_as_ok_and_another_scene_is_not(tmp_path: Path) -> None:
    store = store_of(tmp_path, 2)
    looks = EnrolledLooksOfSets().of("bay", store.load(), store)["dock/bay"]
    assert looks.judge(picture(1), 0.5) == "ok"
    assert looks.judge(np.full((40, 60, 3), 9, np.uint8), 3.0) == "covered"
    store.close()


def test_of_many_pictures_some_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_PICTURES == 32
    monkeypatch.setattr("edged.pipeline.loading.enrolled_looks.MOST_PICTURES", 4)
    store = store_of(tmp_path, 9)
    EnrolledLooksOfSets().of("bay", store.load(), store)
    assert store.read == 4
    store.close()


def test_a_picture_that_cannot_be_read_is_left_out_and_a_place_without_any_too(tmp_path: Path) -> None:
    store = store_of(tmp_path, 2)
    examples = store.load()
    examples[0].picture.write_bytes(b"no picture")
    assert list(EnrolledLooksOfSets().of("bay", examples, store)) == ["dock/bay"]
    examples[1].picture.unlink()
    assert EnrolledLooksOfSets().of("bay", examples, store) == {}
    store.close()


def test_sets_that_are_gone_are_dropped(tmp_path: Path) -> None:
    store, looks = store_of(tmp_path, 1), EnrolledLooksOfSets()
    first = looks.of("bay", store.load(), store)
    looks.keep_only(["other"])
    assert looks.of("bay", store.load(), store)["dock/bay"] is not first["dock/bay"]
    store.close()
