"""The program that reads damaged pictures, and the pictures that it has found to be withstood since."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edged.errors import PictureError
from scripts import fuzz_pictures
from scripts.fuzz_pictures import MOST_MEMORY, MOST_SECONDS, PictureReaders, read_picture, read_stream, stream_of
from scripts.fuzzing.campaign import Finding
from scripts.fuzzing.good_pictures import good_pictures, with_checksums

CASES = sorted((Path(__file__).parent / "cases" / "pictures").glob("*.picture"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_picture_that_was_a_finding_is_withstood(case: Path) -> None:
    PictureReaders().run(case.read_bytes())


def test_there_are_cases() -> None:
    assert CASES


def test_every_good_picture_is_decoded_and_a_camera_gives_the_jpegs() -> None:
    for picture in good_pictures():
        of_files, of_cameras = ["decoded"] * 3, ["decoded" if picture.startswith(b"\xff\xd8") else "refused"] * 4
        assert list(read_picture(picture)) == of_files + of_cameras


def test_the_checksums_of_a_good_png_are_right_and_those_of_a_damaged_one_become_so() -> None:
    pngs = [picture for picture in good_pictures() if picture.startswith(b"\x89PNG")]
    assert [with_checksums(png) for png in pngs] == pngs
    assert with_checksums(pngs[0][:-1] + b"x") == pngs[0]


def test_the_pictures_of_a_stream_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    came = []
    monkeypatch.setattr(fuzz_pictures, "_outcome", lambda _, picture: came.append(picture))
    jpegs = [picture for picture in good_pictures() if picture.startswith(b"\xff\xd8")]
    read_stream(stream_of(jpegs), random.Random(1))
    # The last one of those that come at once; the line end belongs to pictures without a length.
    assert 1 < len(came) <= len(jpegs)
    assert {picture.removesuffix(b"\r\n") for picture in came} <= set(jpegs)


def test_a_case_is_the_same_whenever_it_is_asked_for() -> None:
    readers = PictureReaders()
    first, again = (readers.make(random.Random("1/7")) for _ in range(2))
    assert first == again


def too_many_pixels(*_: object, **__: object) -> NDArray[np.uint8]:
    return np.zeros((1000, 1000, 3), np.uint8)


def too_long(*_: object, **__: object) -> NDArray[np.uint8]:
    end = time.thread_time() + 1.1 * MOST_SECONDS
    while time.thread_time() < end:
        pass
    return np.zeros((1, 1, 3), np.uint8)


def too_much(*_: object, **__: object) -> NDArray[np.uint8]:
    return np.ones(4 * MOST_MEMORY, np.uint8)[:3].reshape(1, 1, 3)


def raises(exc: Exception) -> Callable[..., NDArray[np.uint8]]:
    def fail(*_: object, **__: object) -> NDArray[np.uint8]:
        raise exc

    return fail


@pytest.mark.parametrize(
    ("decode", "finding"),
    [
        (raises(TypeError("oops")), "TypeError: oops"),
        (raises(ValueError("oops")), "ValueError: oops"),
        (raises(PictureError("a\x1bb")), "a text of 3 characters"),
        (too_many_pixels, "1000 × 1000 pixels come out of 2240"),
        (too_long, "takes the processor"),
        (too_much, "it takes [12].. MiB"),
    ],
)
def test_what_must_not_happen_is_a_finding(
    decode: Callable[..., NDArray[np.uint8]], finding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fuzz_pictures, "decode", decode)
    gc.collect()  # else what earlier tests have left might be freed meanwhile, and memory would not seem to grow
    with pytest.raises(Finding, match=finding):
        list(read_picture(good_pictures()[0]))
