"""A model that stands in for another, and the proof that it may: with a real delegate that really fails."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from edged.errors import DelegateError, FallbackError, InferenceError, ModelError
from edged.values import Delegate
from edged.vision import fallback
from edged.vision.bundled import bundled_vectors
from edged.vision.embedder import EmbedderOptions, space_of
from edged.vision.runtime.engine import EngineName
from edged.vision.specs import ModelFile
from tests.vision.pool_models import pool_model

TPU = pool_model("tpu", compiled=True)
CPU = pool_model("cpu")
OTHER_SPACE = pool_model("other", zero_point=200)

DEADLY_CHILD = "import os, signal; print('edged trial: begun', flush=True); os.kill(os.getpid(), signal.SIGSEGV)"

open_embedder = partial(fallback.open_embedder, trusted=True)
"""Most of these models need no child process to be tried in."""

FAILURES = ("create", "silent", "prepare", "invoke")
"""While loading, with and without a word; while preparing the model; while running, at the second picture."""


@pytest.fixture
def options(engine: EngineName, stub_delegate: Path) -> EmbedderOptions:
    return with_delegate(engine, stub_delegate)


def with_delegate(engine: EngineName, library: Path, fail: str = "") -> EmbedderOptions:
    options = (("fail", fail),) if fail else ()
    return EmbedderOptions(engine=engine, delegate=Delegate("external", library=str(library), options=options))


def test_a_delegate_that_works_is_used_and_nothing_falls_back(options: EmbedderOptions, tmp_path: Path) -> None:
    with open_embedder(TPU, options, fallback=CPU, memory=tmp_path) as embedder:
        assert embedder.model is TPU
        assert embedder.delegate == "external:libstub.so"
        assert embedder.space_id == space_of(TPU, options)


@pytest.mark.parametrize("fail", FAILURES)
def test_without_a_fallback_each_failure_refuses_the_start(engine: EngineName, stub_delegate: Path, fail: str) -> None:
    expected = InferenceError if fail == "invoke" else DelegateError
    with pytest.raises(expected, match=r"external:libstub.so"):
        open_embedder(TPU, with_delegate(engine, stub_delegate, fail))


@pytest.mark.parametrize("fail", FAILURES)
def test_after_each_failure_a_known_stand_in_takes_over_the_space(
    engine: EngineName, stub_delegate: Path, tmp_path: Path, fail: str, caplog: pytest.LogCaptureFixture
) -> None:
    working = with_delegate(engine, stub_delegate)
    open_embedder(TPU, working, fallback=CPU, memory=tmp_path).close()
    with (
        caplog.at_level(logging.WARNING),
        open_embedder(TPU, with_delegate(engine, stub_delegate, fail), fallback=CPU, memory=tmp_path) as embedder,
    ):
        assert embedder.model is CPU
        assert embedder.delegate in ("none", "xnnpack")
        assert embedder.space_id == space_of(TPU, working)
        assert embedder.self_test().shape == (2, 3)
    assert "libstub.so" in caplog.text
    assert "falling back to model cpu" in caplog.text


def test_a_missing_library_falls_back_too(options: EmbedderOptions, engine: EngineName, tmp_path: Path) -> None:
    open_embedder(TPU, options, fallback=CPU, memory=tmp_path).close()
    gone = with_delegate(engine, tmp_path / "libgone.so")
    with open_embedder(TPU, gone, fallback=CPU, memory=tmp_path) as embedder:
        assert embedder.model is CPU
        assert embedder.space_id == space_of(TPU, options)


def test_a_model_that_never_ran_here_keeps_its_space_to_itself(
    engine: EngineName, stub_delegate: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = with_delegate(engine, stub_delegate, "create")
    with caplog.at_level(logging.WARNING), open_embedder(TPU, broken, fallback=CPU, memory=tmp_path) as embedder:
        assert embedder.model is CPU
        assert embedder.space_id == space_of(CPU, broken) != space_of(TPU, broken)
    assert "model tpu has never run on this machine" in caplog.text


def test_a_stand_in_of_another_space_is_refused_while_the_delegate_still_works(
    options: EmbedderOptions, tmp_path: Path
) -> None:
    with pytest.raises(
        FallbackError, match=r"^fallback model other is of another embedding space than model tpu: .*0\.98"
    ):
        open_embedder(TPU, options, fallback=OTHER_SPACE, memory=tmp_path)


def test_a_stand_in_of_another_space_is_refused_when_it_is_needed(
    options: EmbedderOptions, engine: EngineName, stub_delegate: Path, tmp_path: Path
) -> None:
    open_embedder(TPU, options, fallback=CPU, memory=tmp_path).close()
    broken = with_delegate(engine, stub_delegate, "prepare")
    with pytest.raises(FallbackError, match=r"^fallback model other is of another embedding space than model tpu"):
        open_embedder(TPU, broken, fallback=OTHER_SPACE, memory=tmp_path)


def test_a_stand_in_with_vectors_of_another_size_is_refused_even_unseen(
    engine: EngineName, stub_delegate: Path, int8_model: ModelFile
) -> None:
    broken = with_delegate(engine, stub_delegate, "create")
    with pytest.raises(
        FallbackError,
        match=r"^fallback model efficientnet-lite0-int8 gives vectors of 1280 numbers and cannot stand .* gives 3",
    ):
        open_embedder(TPU, broken, fallback=int8_model)


def test_the_quantised_form_of_a_network_may_stand_in_for_it(float_model: ModelFile, int8_model: ModelFile) -> None:
    with open_embedder(float_model, fallback=int8_model) as embedder:
        assert embedder.model is float_model


def test_a_model_that_is_broken_itself_does_not_fall_back(tmp_path: Path) -> None:
    """Only what a delegate or an engine does is mended: a model that cannot run without Coral is a wrong setting."""
    with pytest.raises(ModelError, match="runs with delegate coral only"):
        open_embedder(TPU, fallback=CPU, memory=tmp_path)


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY junk", b"not numpy at all"], ids=["empty", "cut", "junk"])
def test_a_damaged_memory_is_as_good_as_none(
    options: EmbedderOptions,
    engine: EngineName,
    stub_delegate: Path,
    tmp_path: Path,
    content: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    open_embedder(TPU, options, fallback=CPU, memory=tmp_path).close()
    [file] = tmp_path.iterdir()
    file.write_bytes(content)
    broken = with_delegate(engine, stub_delegate, "create")
    with caplog.at_level(logging.WARNING), open_embedder(TPU, broken, fallback=CPU, memory=tmp_path) as embedder:
        assert embedder.space_id == space_of(CPU, broken)
    assert f"{file.name} in {tmp_path} cannot be read and is not used" in caplog.text


def test_a_memory_of_another_shape_is_as_good_as_none(
    options: EmbedderOptions, engine: EngineName, stub_delegate: Path, tmp_path: Path
) -> None:
    open_embedder(TPU, options, fallback=CPU, memory=tmp_path).close()
    [file] = tmp_path.iterdir()
    np.save(file, np.zeros(5))
    broken = with_delegate(engine, stub_delegate, "create")
    with open_embedder(TPU, broken, fallback=CPU, memory=tmp_path) as embedder:
        assert embedder.space_id == space_of(CPU, broken)


def test_a_memory_that_cannot_be_written_is_a_warning(
    options: EmbedderOptions, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    with (
        caplog.at_level(logging.WARNING),
        open_embedder(TPU, options, fallback=CPU, memory=in_the_way / "below") as embedder,
    ):
        assert embedder.model is TPU
    assert f"{in_the_way / 'below'} cannot be written to" in caplog.text


def test_a_fallback_that_the_engine_cannot_run_is_named_as_such(stub_delegate: Path, tmp_path: Path) -> None:
    with pytest.raises(FallbackError, match=r"^fallback model tpu is compiled for the Edge TPU"):
        open_embedder(TPU, with_delegate("ai-edge-litert", stub_delegate), fallback=TPU, memory=tmp_path)


# Where the delegate does not fail, but takes the process along


def deadly(library: Path, while_there_is: Path) -> EmbedderOptions:
    options = (("fail", "invoke"), ("after", "0"), ("kill", str(while_there_is)))
    return EmbedderOptions(delegate=Delegate("external", library=str(library), options=options))


def test_a_delegate_that_kills_is_stood_in_for_although_it_survived_before(
    stub_delegate: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trouble = tmp_path / "trouble"
    options = deadly(stub_delegate, trouble)
    with fallback.open_embedder(TPU, options, fallback=CPU, memory=tmp_path) as embedder:
        assert embedder.model is TPU
    trouble.touch()
    with fallback.open_embedder(TPU, options, fallback=CPU, memory=tmp_path) as embedder:
        assert embedder.model is CPU
        assert embedder.space_id == space_of(TPU, options)
    assert "died of SIGSEGV in a trial run of model tpu with it, and not without it" in caplog.text


def test_without_a_fallback_a_delegate_that_kills_is_refused(stub_delegate: Path) -> None:
    with pytest.raises(DelegateError, match="died of SIGSEGV in a trial run of model tpu"):
        fallback.open_embedder(TPU, deadly(stub_delegate, Path("/dev/null")))


def test_a_model_file_that_kills_is_refused_whatever_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edged.vision.runtime.trial_process._CHILD", DEADLY_CHILD)
    with pytest.raises(ModelError, match=r"^model cpu: .*died of SIGSEGV in a trial run of it") as caught:
        fallback.open_embedder(CPU, fallback=OTHER_SPACE)
    assert not isinstance(caught.value, DelegateError | FallbackError)


# Where the delegate does not fail, but computes something else


def spoilt(engine: EngineName, library: Path, garbage: str = "noise", claim: int = 0) -> EmbedderOptions:
    options = (*((("garbage", garbage),) if garbage else ()), ("claim", str(claim)))
    return EmbedderOptions(engine=engine, delegate=Delegate("external", library=str(library), options=options))


POOL, QUANTIZE = 1, 114
"""The builtin operators with which the models of these tests end."""


@pytest.mark.parametrize("garbage", ["noise", "same", "shift"])
def test_garbage_is_refused_where_the_cpu_can_compute_the_same_model(
    engine: EngineName, stub_delegate: Path, tmp_path: Path, garbage: str
) -> None:
    with pytest.raises(DelegateError, match=r"^delegate external:libstub.so: .*model cpu.*check the library's path"):
        open_embedder(CPU, spoilt(engine, stub_delegate, garbage, POOL), memory=tmp_path)


def test_the_error_has_the_measured_cosine_and_the_key(engine: EngineName, stub_delegate: Path) -> None:
    with pytest.raises(
        DelegateError,
        match=r"model cpu does not give the vectors of the CPU, on .*: their cosine is -?0\.\d+, and has to be "
        r"at least 0\.98 \(model\.delegate_agreement is 0\.98\)",
    ):
        open_embedder(CPU, spoilt(engine, stub_delegate, "noise", POOL))


def test_a_delegate_that_computes_what_the_cpu_does_is_used(
    engine: EngineName, stub_delegate: Path, tmp_path: Path
) -> None:
    with open_embedder(CPU, spoilt(engine, stub_delegate, "", POOL), memory=tmp_path) as embedder:
        assert embedder.delegate == "external:libstub.so"


def test_the_vectors_of_the_cpu_are_computed_once(
    engine: EngineName, stub_delegate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = spoilt(engine, stub_delegate, "", POOL)
    open_embedder(CPU, options, memory=tmp_path).close()
    monkeypatch.setattr(fallback._ModelSettings, "_open_on_the_cpu", None)
    open_embedder(CPU, options, memory=tmp_path).close()
    with pytest.raises(DelegateError, match=f"the vectors of an earlier start, which are in {tmp_path}/self-test-"):
        open_embedder(CPU, spoilt(engine, stub_delegate, "noise", POOL), memory=tmp_path)


@pytest.mark.parametrize("garbage", ["noise", "same", "shift"])
def test_garbage_is_refused_where_the_model_has_run_on_the_accelerator_before(
    options: EmbedderOptions, engine: EngineName, stub_delegate: Path, tmp_path: Path, garbage: str
) -> None:
    open_embedder(TPU, options, memory=tmp_path).close()
    with pytest.raises(DelegateError, match=r"^delegate external:libstub.so: .*model tpu"):
        open_embedder(TPU, spoilt(engine, stub_delegate, garbage), memory=tmp_path)


@pytest.mark.parametrize("garbage", ["noise", "same", "faint"])
def test_noise_is_refused_where_nothing_is_known(
    engine: EngineName, stub_delegate: Path, tmp_path: Path, garbage: str
) -> None:
    with pytest.raises(DelegateError, match=r"^delegate external:libstub.so: .*model tpu"):
        open_embedder(TPU, spoilt(engine, stub_delegate, garbage), memory=tmp_path)
    assert not list(tmp_path.iterdir()), "what was refused is not remembered"


def test_the_error_has_both_cosines_where_pictures_are_hardly_told_apart_and_the_key_accepts_it(
    engine: EngineName, stub_delegate: Path
) -> None:
    faint = spoilt(engine, stub_delegate, "faint")
    with pytest.raises(
        DelegateError,
        match=r"model tpu hardly tells different pictures apart on .*: the cosine of their vectors is 0\.99\d+, and "
        r"that of a picture and a little brighter one 0\.99\d+ \(model\.delegate_agreement: 0 accepts that\)",
    ):
        open_embedder(TPU, faint)
    open_embedder(TPU, faint, agreement=0.0).close()


@pytest.mark.parametrize("garbage", ["noise", "same", "shift"])
def test_the_fallback_stands_in_for_a_delegate_that_computes_garbage(
    options: EmbedderOptions, engine: EngineName, stub_delegate: Path, tmp_path: Path, garbage: str
) -> None:
    open_embedder(TPU, options, memory=tmp_path).close()
    bad = spoilt(engine, stub_delegate, garbage)
    with open_embedder(TPU, bad, fallback=CPU, memory=tmp_path) as embedder:
        assert embedder.model is CPU
        assert embedder.space_id == space_of(TPU, options)


def test_the_fallback_stands_in_for_noise_at_the_first_start_in_a_space_of_its_own(
    engine: EngineName, stub_delegate: Path, tmp_path: Path
) -> None:
    bad = spoilt(engine, stub_delegate, "noise")
    with open_embedder(TPU, bad, fallback=CPU, memory=tmp_path) as embedder:
        assert (embedder.model, embedder.space_id) == (CPU, space_of(CPU, bad))


def test_where_fallback_and_delegate_differ_at_the_first_start_both_are_named(
    engine: EngineName, stub_delegate: Path, tmp_path: Path
) -> None:
    with pytest.raises(FallbackError, match=r"compiled from, or the delegate external:libstub.so computes garbage$"):
        open_embedder(TPU, spoilt(engine, stub_delegate, "shift"), fallback=CPU, memory=tmp_path)


def test_a_lower_bound_lets_a_coarse_delegate_pass(engine: EngineName, stub_delegate: Path, tmp_path: Path) -> None:
    coarse = spoilt(engine, stub_delegate, "shift", POOL)
    with open_embedder(CPU, coarse, agreement=0.5, memory=tmp_path) as embedder:
        assert embedder.delegate == "external:libstub.so"


def test_a_bundled_model_is_held_against_the_vectors_that_come_with_it(
    engine: EngineName, stub_delegate: Path, int8_model: ModelFile, tmp_path: Path
) -> None:
    with pytest.raises(
        DelegateError, match=r"does not give the vectors that come with edged, .* and has to be at least 0\.99 "
    ):
        open_embedder(int8_model, spoilt(engine, stub_delegate, "noise", QUANTIZE), memory=tmp_path)


def test_a_bundled_model_is_checked_without_a_delegate_too(
    engine: EngineName, float_model: ModelFile, int8_model: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a processor for which an engine was built wrongly."""
    others = bundled_vectors(int8_model)
    assert others is not None
    monkeypatch.setattr(fallback, "bundled_vectors", lambda model: others[::-1] if model is float_model else None)
    with pytest.raises(DelegateError, match=r"^delegate xnnpack: model efficientnet-lite0 does not give the vectors"):
        open_embedder(float_model, EmbedderOptions(engine=engine))
    with open_embedder(float_model, EmbedderOptions(engine=engine), fallback=int8_model) as embedder:
        assert embedder.model is int8_model
