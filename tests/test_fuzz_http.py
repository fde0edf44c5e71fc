"""The program that damages answers of HTTP cameras, and the answers that it has found to be withstood since."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from edged.camera.mjpeg import MjpegSource
from edged.errors import SourceError
from scripts.fuzz_http import PASSWORD, SEPARATOR, Server, good_answers, mutated, read_camera
from scripts.fuzzing.campaign import Finding

CASES = sorted((Path(__file__).parent / "cases" / "http").glob("*.http"))


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_an_answer_that_was_a_finding_is_withstood(case: Path, server: Server) -> None:
    server.answers = case.read_bytes().split(SEPARATOR)
    read_camera(server.port)


def test_there_are_cases() -> None:
    assert CASES


def test_every_good_answer_gives_pictures_or_says_that_it_has_none(server: Server) -> None:
    outcomes = []
    for answers in good_answers():
        server.answers, server.served = answers, 0
        outcomes.append(read_camera(server.port))
    assert outcomes == ["pictures"] * 6 + ["refused"]


def test_a_case_is_the_same_whenever_it_is_asked_for() -> None:
    answers = good_answers()[4]
    first, again = (mutated(answers, answers, random.Random("1/7")) for _ in range(2))
    assert first == again
    assert first != answers


@pytest.mark.parametrize(
    ("exc", "finding"),
    [
        (TypeError("oops"), "TypeError: oops"),
        (SourceError("a\x1bb"), "a text of 3 characters"),
        (SourceError("x" * 2000), "a text of 2000 characters"),
        (SourceError(f"it says {PASSWORD}"), "a text with the password"),
    ],
)
def test_what_must_not_happen_is_a_finding(
    exc: Exception, finding: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: MjpegSource) -> None:
        raise exc

    monkeypatch.setattr(MjpegSource, "open", fail)
    with pytest.raises(Finding, match=finding):
        read_camera(server.port)
