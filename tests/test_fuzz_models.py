"""The program that opens thousands of damaged models, and has to notice when one of them kills an engine."""

from __future__ import annotations

import argparse
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from edged.errors import ModelError
from edged.vision.specs import ModelFile
from edged.vision.tflite.flatbuffer import FlatbufferError, read_flatbuffer
from edged.vision.tflite.schema import MODEL
from scripts import fuzz_models
from scripts.damage import Original, damaged
from scripts.fuzz_models import Campaign, Outcomes

Run = Callable[[ModelFile, str, str], tuple[str, str]]


@pytest.fixture
def original(cases: Path) -> Original:
    return Original.read(cases / "small96_uint8_nometa.tflite")


def campaign(original: Original, cases: int) -> Outcomes:
    options = argparse.Namespace(first=0, cases=cases, seed=7, delegates="auto", workers=2, save=None)
    return Campaign(options, [original], [1]).run()


def count(outcomes: Outcomes, outcome: str) -> int:
    return sum(number for (_, found), number in outcomes.counts.items() if found == outcome)


def test_a_case_is_always_the_same_file(original: Original) -> None:
    first, again = (damaged(original, random.Random("7/3")) for _ in range(2))
    assert first == again
    assert first[1] != original.content


def test_every_way_of_damage_is_used(original: Original) -> None:
    ways = {damaged(original, random.Random(case))[0] for case in range(300)}
    assert ways == {"bits", "bytes", "number", "splice", "truncation", "meaning"}


def test_a_change_of_meaning_leaves_a_whole_flatbuffer(original: Original) -> None:
    cases = (damaged(original, random.Random(case)) for case in range(300))
    changed = [content for way, content in cases if way == "meaning"]
    assert len(changed) > 100
    read = 0
    for content in changed:
        try:
            read_flatbuffer(content, MODEL)
            read += 1
        except FlatbufferError as error:
            assert "are known" in str(error)  # noqa: PT017 - a number may stand for nothing, but all is in its place
    assert read > len(changed) / 2


def test_refusals_and_answers_are_counted(original: Original) -> None:
    outcomes = campaign(original, 40)
    assert count(outcomes, "refused") > 5
    assert count(outcomes, "answered") > 5
    assert outcomes.lost == 0
    assert outcomes.deaths == []


@pytest.mark.parametrize("detected", [True, False])
def test_an_engine_that_dies_is_noticed(original: Original, monkeypatch: pytest.MonkeyPatch, *, detected: bool) -> None:
    def die(model: ModelFile, engine: str, delegate: str) -> tuple[str, str]:
        os.kill(os.getpid(), signal.SIGKILL)
        return "answered", ""

    def try_it(model: ModelFile, **options: object) -> None:
        if detected:
            raise ModelError("it died")

    monkeypatch.setattr(fuzz_models, "run", die)
    monkeypatch.setattr(fuzz_models, "ensure_survives", try_it)
    outcomes = campaign(original, 10)
    assert outcomes.deaths
    assert "died of SIGKILL" in outcomes.deaths[0]
    assert outcomes.lost == (0 if detected else len(outcomes.deaths))


def test_an_engine_that_hangs_is_noticed(original: Original, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(model: ModelFile, engine: str, delegate: str) -> tuple[str, str]:
        signal.pause()
        return "answered", ""

    monkeypatch.setattr(fuzz_models, "run", hang)
    monkeypatch.setattr(fuzz_models, "HANG_SECONDS", 1.0)
    outcomes = campaign(original, 8)
    assert outcomes.deaths
    assert "hung" in outcomes.deaths[0]
