"""The first run of a model, in a child process that may die of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from edged.errors import ModelError
from edged.values import Delegate
from edged.vision import trial
from edged.vision.bundled import bundled_model
from edged.vision.engine import EngineName
from edged.vision.model_file import read_model
from edged.vision.specs import ModelFile
from edged.vision.trial import ensure_survives
from tests.vision.altered import altered, append

CHILD_THAT = "import os, signal, sys, time; sys.stdin.buffer.read(); "


@pytest.fixture
def model(cases: Path) -> ModelFile:
    return read_model(cases / "small96_uint8_meta.tflite")


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts another program in the place of the child's."""

    def replace(program: str) -> None:
        monkeypatch.setattr(trial, "_CHILD", (CHILD_THAT + program).replace("{", "{{").replace("}", "}}"))

    return replace


def test_a_good_model_survives_on_every_engine(model: ModelFile, engine: EngineName, tmp_path: Path) -> None:
    ensure_survives(model, engine=engine, memory=tmp_path / "new" / "folder")
    (mark,) = (tmp_path / "new" / "folder").iterdir()
    assert mark.read_text() == f"model small96_uint8_meta survived a run on {engine} with delegate auto\n"


def test_what_has_survived_is_not_tried_again(model: ModelFile, tmp_path: Path, child: Callable[[str], None]) -> None:
    ensure_survives(model, memory=tmp_path)
    child("os.kill(os.getpid(), signal.SIGSEGV)")
    ensure_survives(model, memory=tmp_path)
    with pytest.raises(ModelError):  # another delegate is another story
        ensure_survives(model, delegate=Delegate("none"), memory=tmp_path)


def test_a_bundled_model_is_not_tried_at_all(child: Callable[[str], None]) -> None:
    child("os.kill(os.getpid(), signal.SIGSEGV)")
    ensure_survives(bundled_model("efficientnet-lite0"))


@pytest.mark.parametrize("death", ["SIGSEGV", "SIGABRT", "SIGFPE", "SIGKILL"])
def test_the_death_of_an_engine_is_told(
    model: ModelFile, engine: EngineName, death: str, tmp_path: Path, child: Callable[[str], None]
) -> None:
    child(f"os.kill(os.getpid(), signal.{death})")
    with pytest.raises(ModelError, match=f"^model small96_uint8_meta: {engine} died of {death} in a trial run of it"):
        ensure_survives(model, engine=engine, memory=tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_an_engine_says_while_it_dies_is_told(model: ModelFile, child: Callable[[str], None]) -> None:
    child("sys.exit('kernel.cc:77 oh no')")
    with pytest.raises(ModelError, match=r"ended with status 1 in a trial run of it \(kernel.cc:77 oh no\)"):
        ensure_survives(model)


def test_a_model_that_never_ends_is_killed(
    model: ModelFile, tmp_path: Path, child: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "pid"
    child(f"open({str(own)!r}, 'w').write(str(os.getpid())); signal.pause()")
    monkeypatch.setattr(trial, "TRIAL_SECONDS", 1.0)
    with pytest.raises(ModelError, match=r"a trial run on .* did not end within 1 s"):
        ensure_survives(model)
    with pytest.raises(ProcessLookupError):
        os.kill(int(own.read_text()), signal.SIGCONT)


def test_a_model_that_wants_all_memory_does_not_get_it(model: ModelFile, child: Callable[[str], None]) -> None:
    child("from edged.vision import trial; trial._limit_resources(); bytearray(8 << 30)")
    with pytest.raises(ModelError, match=r"ended with status 1 in a trial run of it \(MemoryError\)"):
        ensure_survives(model)


def test_a_model_that_the_engine_refuses_passes_and_is_not_remembered(tmp_path: Path) -> None:
    odd = read_model(altered(lambda model: append(model, "CUSTOM", (1, 40))))
    ensure_survives(odd, memory=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_memory_that_cannot_be_written_costs_a_trial_and_no_more(model: ModelFile, tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    ensure_survives(model, memory=in_the_way / "below")
    ensure_survives(model, memory=in_the_way)


def test_a_machine_that_gives_no_process_is_no_reason_to_refuse(
    model: ModelFile, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    ensure_survives(model)
    assert "no process for a trial run of model small96_uint8_meta can be had" in caplog.text
