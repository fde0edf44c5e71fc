"""The first run of a model, in a child process that may die of it."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edged.errors import DelegateError, ModelError
from edged.pipeline.inference.stage import Inference
from edged.values import Delegate
from edged.vision.bundled import bundled_model
from edged.vision.runtime import trial_process as child
from edged.vision.runtime.engine import EngineName
from edged.vision.runtime.first_run import SURVIVED
from edged.vision.runtime.trial import ensure_survives
from edged.vision.specs import ModelFile
from edged.vision.tflite.flatbuffer import Record
from edged.vision.tflite.model_file import read_model
from tests.vision.pool_models import pool_model
from tests.vision.tflite.altered import altered, append, graph_of, operator_named

BEGIN = "import os, signal, sys, time; sys.stdin.buffer.read(); print('edged trial: begun', flush=True); "


@pytest.fixture
def model(cases: Path) -> ModelFile:
    return read_model(cases / "small96_uint8_meta.tflite")


@pytest.fixture
def child_that(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts another program in the place of the child's."""

    def replace(program: str) -> None:
        monkeypatch.setattr(child, "_CHILD", (BEGIN + program).replace("{", "{{").replace("}", "}}"))

    return replace


def test_a_good_model_survives_on_every_engine(model: ModelFile, engine: EngineName, tmp_path: Path) -> None:
    ensure_survives(model, engine=engine, memory=tmp_path / "new" / "folder")
    (mark,) = (tmp_path / "new" / "folder").iterdir()
    assert mark.read_text() == f"model small96_uint8_meta survived a run on {engine} with delegate auto\n"


def test_what_has_survived_is_not_tried_again(
    model: ModelFile, tmp_path: Path, child_that: Callable[[str], None]
) -> None:
    ensure_survives(model, memory=tmp_path)
    child_that("os.kill(os.getpid(), signal.SIGSEGV)")
    ensure_survives(model, memory=tmp_path)
    with pytest.raises(ModelError):  # another delegate is another story
        ensure_survives(model, delegate=Delegate("none"), memory=tmp_path)


def test_a_bundled_model_is_tried_only_with_a_strange_delegate(
    child_that: Callable[[str], None], stub_delegate: Path
) -> None:
    child_that("os.kill(os.getpid(), signal.SIGSEGV)")
    ensure_survives(bundled_model("efficientnet-lite0"))
    with pytest.raises(ModelError, match="died of SIGSEGV"):
        ensure_survives(bundled_model("efficientnet-lite0"), delegate=Delegate("external", library=str(stub_delegate)))


@pytest.mark.parametrize("death", ["SIGSEGV", "SIGABRT", "SIGFPE", "SIGKILL"])
def test_the_death_of_an_engine_is_reported(
    model: ModelFile, death: str, tmp_path: Path, child_that: Callable[[str], None]
) -> None:
    child_that(f"os.kill(os.getpid(), signal.{death})")
    with pytest.raises(
        ModelError, match=f"^model small96_uint8_meta: ai-edge-litert died of {death} in a trial"
    ) as caught:
        ensure_survives(model, memory=tmp_path)
    assert not isinstance(caught.value, DelegateError)
    assert not list(tmp_path.iterdir())


def test_the_last_words_of_an_engine_that_dies_are_reported(
    model: ModelFile, child_that: Callable[[str], None]
) -> None:
    child_that("sys.exit('kernel.cc:77 oh no')")
    with pytest.raises(ModelError, match=r"ended with status 1 \(kernel.cc:77 oh no\) in a trial run of it"):
        ensure_survives(model)


def test_what_an_engine_logs_is_not_the_cause_of_its_death(model: ModelFile, child_that: Callable[[str], None]) -> None:
    child_that("print('INFO: Created a delegate.', file=sys.stderr, flush=True); os.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(ModelError, match=r"died of SIGSEGV in a trial run of it"):
        ensure_survives(model)


def test_a_model_that_passes_its_trial_does_not_hang_in_the_daemon(
    model: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One limit for both: with two, a model that takes 45 s passed the trial, and then ended the daemon."""
    given: dict[str, object] = {}

    def run(*_: object, **options: object) -> None:
        given.update(options)
        raise OSError

    monkeypatch.setattr("subprocess.run", run)
    monkeypatch.setattr(child, "_run_forked", lambda *_: child.Ending("refused"))
    ensure_survives(model)
    assert given["timeout"] == Inference.step_seconds == 30


def test_a_model_that_never_ends_is_killed(
    model: ModelFile, tmp_path: Path, child_that: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "pid"
    child_that(f"open({str(own)!r}, 'w').write(str(os.getpid())); signal.pause()")
    monkeypatch.setattr(child, "RUN_SECONDS", 1)
    with pytest.raises(ModelError, match=r"did not end within 1 s in a trial run of it"):
        ensure_survives(model, delegate=Delegate("none"))
    with pytest.raises(ProcessLookupError):
        os.kill(int(own.read_text()), signal.SIGCONT)


@pytest.mark.parametrize(
    ("does", "end"),
    [("bytearray(8 << 30)", r"ended with status 1 \(MemoryError\)"), ("signal.pause()", "died of SIGALRM")],
)
def test_neither_memory_nor_time_is_without_end(
    model: ModelFile, child_that: Callable[[str], None], does: str, end: str
) -> None:
    """The time also where the program that waits for the child is gone."""
    child_that(
        f"from edged.vision.runtime import first_run; first_run.RUN_SECONDS = 1; first_run._limit_resources(); {does}"
    )
    with pytest.raises(ModelError, match=f"{end} in a trial run of it"):
        ensure_survives(model, delegate=Delegate("none"))


def test_a_model_that_the_engine_refuses_passes_and_is_not_remembered(tmp_path: Path) -> None:
    odd = read_model(altered(lambda model: append(model, "CUSTOM", (1, 40))))
    ensure_survives(odd, memory=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("scale", [[], [1e-45], [9e-7]])
def test_a_sum_whose_scale_aborts_the_engine_is_refused(scale: list[float], engine: EngineName) -> None:
    """The kernel brings its inputs to the scale of the output, and ends the process if that is missing or too fine."""

    def change(model: Record) -> None:
        tensor = graph_of(model)["tensors"][operator_named(model, "ADD")["outputs"][0]]
        tensor["quantization"] = {**tensor["quantization"], "scale": np.array(scale, np.float32)}
        tensor["quantization"]["zero_point"] = np.zeros(len(scale), np.int64)

    model = read_model(altered(change))
    with pytest.raises(ModelError, match=r"died of SIGABRT .*in a trial run of it"):
        ensure_survives(model, engine=engine)


def test_a_memory_that_cannot_be_written_costs_a_trial_each_time_and_no_more(
    model: ModelFile, tmp_path: Path, child_that: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    in_the_way, trials = tmp_path / "file", tmp_path / "trials"
    in_the_way.touch()
    ring = tmp_path / "ring"
    ring.symlink_to(ring)  # cannot be searched either
    child_that(f"open({str(trials)!r}, 'a').write('one\\n'); print({SURVIVED!r})")
    for count, memory in enumerate((in_the_way / "below", in_the_way, ring, ring), 1):
        ensure_survives(model, memory=memory)
        assert trials.read_text() == "one\n" * count
        assert f"{memory} cannot be written to, so the model will be tried again the next time" in caplog.messages[-1]
        assert len(caplog.messages) == count
    assert in_the_way.read_bytes() == b""


# A delegate that dies


def killer(library: Path, when: str) -> Delegate:
    return Delegate("external", library=str(library), options=(("fail", when), ("after", "0"), ("kill", "/dev/null")))


@pytest.mark.parametrize("when", ["create", "prepare", "invoke"])
def test_a_delegate_that_kills_is_to_blame_and_not_the_model(stub_delegate: Path, when: str, tmp_path: Path) -> None:
    with pytest.raises(DelegateError) as caught:
        ensure_survives(pool_model("tpu", compiled=True), delegate=killer(stub_delegate, when), memory=tmp_path)
    assert str(caught.value).startswith(
        "delegate external:libstub.so: ai-edge-litert died of SIGSEGV in a trial run of model tpu with it, and not "
        "without it: check the library's path"
    )
    assert not list(tmp_path.iterdir())


def test_a_model_that_kills_also_without_the_delegate_is_to_blame_itself(
    model: ModelFile, stub_delegate: Path, child_that: Callable[[str], None]
) -> None:
    child_that("os.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(ModelError, match="died of SIGSEGV in a trial run of it") as caught:
        ensure_survives(model, delegate=Delegate("external", library=str(stub_delegate)))
    assert not isinstance(caught.value, DelegateError)


def test_what_writes_past_the_end_of_a_block_is_found_out_in_the_trial(stub_delegate: Path) -> None:
    """Elsewhere it may go well for days."""
    try:
        ctypes.CDLL("libc_malloc_debug.so.0")
    except OSError:
        pytest.skip("no glibc with a strict heap on this machine")
    delegate = Delegate("external", library=str(stub_delegate), options=(("spill", "1"),))
    with pytest.raises(DelegateError, match=r"died of SIGABRT \(free\(\): invalid pointer\) in a trial run"):
        ensure_survives(pool_model("tpu", compiled=True), delegate=delegate)


# Programs that have no Python to start


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """What PyInstaller and its like say of themselves; what is called the executable would be the program again."""
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/bin/false")


@pytest.mark.usefixtures("frozen")
def test_a_frozen_program_tries_models_too(model: ModelFile, tmp_path: Path) -> None:
    ensure_survives(model, memory=tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.usefixtures("frozen")
def test_a_frozen_program_outlives_what_dies(stub_delegate: Path) -> None:
    with pytest.raises(DelegateError, match=r"died of SIGSEGV in a trial run of model tpu with it"):
        ensure_survives(pool_model("tpu", compiled=True), delegate=killer(stub_delegate, "invoke"))


@pytest.mark.usefixtures("frozen")
def test_a_frozen_program_does_not_wait_for_ever(model: ModelFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "RUN_SECONDS", 0.2)
    monkeypatch.setattr(child, "first_run", lambda *_: signal.pause())
    with pytest.raises(ModelError, match="did not end within"):
        ensure_survives(model, delegate=Delegate("none"))


@pytest.mark.parametrize("executable", ["", None, "/usr/sbin/server", "/nowhere/python3"])
def test_a_server_with_a_python_built_in_starts_the_one_that_belongs_to_it(
    model: ModelFile, executable: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    monkeypatch.setattr(child, "_run_forked", None)
    ensure_survives(model, memory=tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_python_that_cannot_begin_is_not_the_models_fault(
    model: ModelFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(child, "_CHILD", "import no_such_module")
    ensure_survives(model, memory=tmp_path)
    assert "No module named 'no_such_module'" in caplog.text
    assert len(list(tmp_path.iterdir())) == 1  # by a fork


def test_a_machine_that_gives_no_process_is_no_reason_to_refuse(
    model: ModelFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_fork() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(os, "fork", no_fork)
    ensure_survives(model, memory=tmp_path)
    assert "model small96_uint8_meta is used untried, no process for a trial run can be had" in caplog.text
    assert not list(tmp_path.iterdir())
