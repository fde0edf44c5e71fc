"""Both engines, and what they do when a caller or a model is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edged.errors import DelegateError, InferenceError, ModelError
from edged.values import Delegate
from edged.vision.runtime.engine import EngineName, choose_engine, installed_engines
from edged.vision.runtime.interpreter import Interpreter
from edged.vision.specs import ModelFile
from edged.vision.tflite.flatbuffer import Record
from edged.vision.tflite.model_file import read_model
from tests.ticking import count_ticks
from tests.vision.pool_models import pool_model
from tests.vision.tflite.altered import altered, append, tensor_type

NONE = Delegate("none")
FAKE_QUANT = ("FakeQuantOptions", {"min": -1.0, "max": 1.0, "num_bits": 8})


def run(interpreter: Interpreter, model: ModelFile, value: int) -> list[int]:
    """What head 0 gives for a picture in which every number is *value*."""
    spec = model.input
    out = np.zeros(model.heads[0].size, model.heads[0].dtype)
    interpreter.write(np.full((1, spec.height, spec.width, 3), value, spec.dtype))
    interpreter.invoke()
    interpreter.read(model.heads[0], out)
    return [int(number) for number in out]


def test_a_model_runs_on_each_engine(engine: EngineName) -> None:
    model = pool_model()
    with Interpreter(model, engine=engine) as interpreter:
        assert interpreter.engine.startswith(engine + " ")
        assert run(interpreter, model, 7) == [7, 7, 7]
        assert run(interpreter, model, 200) == [200, 200, 200]


def test_xnnpack_is_the_default_for_a_float_model_and_can_be_turned_off(
    engine: EngineName, float_model: ModelFile
) -> None:
    with Interpreter(float_model, engine=engine) as interpreter:
        assert interpreter.delegate == "xnnpack"
    with Interpreter(float_model, engine=engine, delegate=NONE) as interpreter:
        assert interpreter.delegate == "none"
    with Interpreter(float_model, engine=engine, delegate=Delegate("xnnpack")) as interpreter:
        assert interpreter.delegate == "xnnpack"


def test_xnnpack_that_the_engine_does_not_give_is_refused() -> None:
    """Neither engine gives it to a model that has nothing for it."""
    with pytest.raises(DelegateError, match=r"delegate xnnpack: .* \d+\.\d+.* model pool .*choose engine"):
        Interpreter(pool_model(), delegate=Delegate("xnnpack"))


def test_several_threads_give_the_same_numbers_as_one(engine: EngineName, int8_model: ModelFile) -> None:
    with Interpreter(int8_model, engine=engine) as one, Interpreter(int8_model, engine=engine, num_threads=2) as two:
        assert run(one, int8_model, 90) == run(two, int8_model, 90)


def test_more_threads_than_processors_are_never_started(engine: EngineName, int8_model: ModelFile) -> None:
    """Left to the engines, this would hang the one and crash the other."""
    with Interpreter(int8_model, engine=engine, num_threads=100_000) as interpreter:
        assert len(run(interpreter, int8_model, 90)) == 1280


def test_no_threads_at_all_are_refused() -> None:
    with pytest.raises(ModelError, match=r"model pool: .* at least 1 \(got 0\)"):
        Interpreter(pool_model(), num_threads=0)


def test_an_output_of_another_length_than_the_file_says_is_refused_at_the_start(engine: EngineName) -> None:
    model = read_model(altered(lambda model: append(model, "FAKE_QUANT", (1, 20), FAKE_QUANT), "small96_float_meta"))
    with pytest.raises(ModelError, match=r"tensor 'appended' has 40 numbers on .*, and 20 by the file"):
        Interpreter(model, engine=engine)


def test_an_output_that_gets_another_length_when_the_model_runs_is_refused(engine: EngineName) -> None:
    def find(model: Record) -> None:
        """Append a WHERE: it lists the numbers that are not zero, however many there are."""
        append(model, "WHERE", (1, 20), type=tensor_type("INT64"))
        append(model, "CAST", (1, 20), type=tensor_type("FLOAT32"))

    model = read_model(altered(find, "small96_float_meta"))
    with (
        Interpreter(model, engine=engine) as interpreter,
        pytest.raises(ModelError, match=r"tensor 'appended' has \d+ numbers on .*, and 20 by the file"),
    ):
        run(interpreter, model, 1)


def test_what_was_read_stays_when_the_model_runs_again(engine: EngineName) -> None:
    model = pool_model()
    with Interpreter(model, engine=engine) as interpreter:
        pixels = np.full((1, 8, 8, 3), 50, np.uint8)
        first, second = np.zeros(3, np.uint8), np.zeros(3, np.uint8)
        interpreter.write(pixels)
        interpreter.invoke()
        interpreter.read(model.heads[0], first)
        interpreter.write(pixels + np.uint8(1))
        interpreter.invoke()
        interpreter.read(model.heads[0], second)
        assert (first.tolist(), second.tolist()) == ([50, 50, 50], [51, 51, 51])


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((1, 8, 8, 3), np.float32), np.zeros((1, 8, 9, 3), np.uint8), np.zeros((8, 8, 3), np.uint8)],
    ids=["dtype", "width", "no batch"],
)
def test_pixels_that_do_not_fit_are_refused_and_the_model_goes_on(engine: EngineName, pixels: NDArray[Any]) -> None:
    model = pool_model()
    with Interpreter(model, engine=engine) as interpreter:
        with pytest.raises(ValueError, match="Cannot set tensor"):
            interpreter.write(pixels)
        assert run(interpreter, model, 7) == [7, 7, 7]


def test_what_is_written_into_the_input_is_what_the_model_runs_on(engine: EngineName) -> None:
    model, out = pool_model(), np.zeros(3, np.uint8)
    with Interpreter(model, engine=engine) as interpreter:
        for value in (7, 200):
            interpreter.input()[...] = value
            for _ in range(2):  # the pixels stay there
                interpreter.invoke()
                interpreter.read(model.heads[0], out)
                assert out.tolist() == [value] * 3


def test_it_does_not_run_while_there_is_a_view_of_its_input(engine: EngineName) -> None:
    model = pool_model()
    with Interpreter(model, engine=engine) as interpreter:
        view = interpreter.input()
        with pytest.raises(InferenceError, match="reference to internal data"):
            interpreter.invoke()
        del view
        assert run(interpreter, model, 7) == [7, 7, 7]


def test_a_closed_interpreter_refuses_and_can_be_closed_again(engine: EngineName) -> None:
    interpreter = Interpreter(pool_model(), engine=engine)
    interpreter.close()
    interpreter.close()
    with pytest.raises(ValueError, match="model pool is closed"):
        interpreter.invoke()
    with pytest.raises(ValueError, match="model pool is closed"):
        interpreter.input()


def test_a_second_thread_at_the_same_moment_is_refused_and_harms_nothing(
    engine: EngineName, float_model: ModelFile
) -> None:
    """Without the built-in delegate a run takes long enough to be met in the middle."""
    complaints: list[str] = []
    done = threading.Event()
    with Interpreter(float_model, engine=engine, delegate=NONE) as interpreter:
        undisturbed = run(interpreter, float_model, 1)

        def disturb() -> None:
            while not done.is_set():
                try:
                    interpreter.read(float_model.heads[0], np.zeros(1280, np.float32))
                except RuntimeError as error:
                    complaints.append(str(error))

        thread = threading.Thread(target=disturb)
        thread.start()
        try:
            while not complaints:
                try:
                    interpreter.invoke()
                except RuntimeError as error:
                    complaints.append(str(error))
        finally:
            done.set()
            thread.join(10)
        assert "two threads use one interpreter" in complaints[0]
        assert run(interpreter, float_model, 1) == undisturbed


def test_other_threads_run_while_the_model_does(engine: EngineName, float_model: ModelFile) -> None:
    with Interpreter(float_model, engine=engine, delegate=NONE) as interpreter:
        seen = count_ticks(interpreter.invoke, 0.2)
    assert seen["ticks"] >= seen["calls"], seen


def test_a_model_for_coral_without_it_is_refused_with_the_cure(engine: EngineName) -> None:
    with pytest.raises(ModelError, match="compiled for the Edge TPU and runs with delegate coral only"):
        Interpreter(pool_model("tpu", compiled=True), engine=engine)


def test_auto_prefers_ai_edge_litert_but_tflite_runtime_for_coral() -> None:
    assert choose_engine("auto", Delegate()) == installed_engines()[0]
    if len(installed_engines()) == 2:
        assert choose_engine("auto", Delegate()) == "ai-edge-litert"
        assert choose_engine("auto", Delegate("coral")) == "tflite-runtime"
    assert choose_engine("auto", Delegate("coral")) in installed_engines()


@pytest.mark.skipif(len(installed_engines()) == 2, reason="both engines are installed")
def test_an_engine_that_is_not_installed_is_named_with_the_cure() -> None:
    missing: EngineName = "tflite-runtime" if installed_engines() == ("ai-edge-litert",) else "ai-edge-litert"
    with pytest.raises(DelegateError, match=f"engine {missing} is not installed.*pip install {missing}"):
        Interpreter(pool_model(), engine=missing)


# A Python as users have it: started without this one's packages, but with a stand-in for the runtime.
IN_ANOTHER_PYTHON = """
    import sys
    from edged.errors import ModelError
    from edged.vision.runtime import interpreter
    from edged.vision.tflite.model_file import read_model
    model = read_model(sys.argv[1])
    try:
        interpreter.Interpreter(model)
    except ModelError as error:
        print(type(error).__name__, error)
"""


def other_python(tmp_path: Path, model: Path, hidden: str, runtime: str | None) -> str:
    """What a Python prints that finds no package *hidden*, and a tflite-runtime with the text *runtime*."""
    for name in hidden.split():
        (tmp_path / f"{name}.py").write_text("raise ImportError('hidden by a test')\n")
    start = f"""
    import importlib.util, sys
    find = importlib.util.find_spec
    importlib.util.find_spec = lambda name: None if name in {hidden.split()!r} else find(name)
    """
    if runtime is not None:
        package = tmp_path / "tflite_runtime"
        package.mkdir()
        (package / "__init__.py").write_text("__version__ = '2.14.0'\n")
        (package / "interpreter.py").write_text(textwrap.dedent(runtime))
    program = textwrap.dedent(start) + textwrap.dedent(IN_ANOTHER_PYTHON)
    return subprocess.run(
        [sys.executable, "-c", program, model],
        env=os.environ | {"PYTHONPATH": f"{tmp_path}:{Path.cwd()}"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_no_runtime_at_all_is_one_sentence_with_the_supported_combinations(tmp_path: Path, cases: Path) -> None:
    said = other_python(tmp_path, cases / "small96_uint8_meta.tflite", "ai_edge_litert tflite_runtime", None)
    assert said.startswith("DelegateError no TFLite runtime is installed: edged runs on ai-edge-litert")
    assert "pip install ai-edge-litert" in said


def test_a_runtime_of_numpy_1_that_meets_numpy_2_is_one_sentence_with_the_cure(tmp_path: Path, cases: Path) -> None:
    runtime = """
        import enum
        class OpResolverType(enum.Enum):
            AUTO = 0
        class Interpreter:
            def __init__(self, **options):
                raise SystemError("<built-in method> returned a result with an exception set")
    """
    said = other_python(tmp_path, cases / "small96_uint8_meta.tflite", "ai_edge_litert", runtime)
    assert said.startswith("DelegateError tflite-runtime 2.14.0 was built for numpy 1 and does not work with numpy ")
    assert 'pip install "numpy<2"' in said


def test_a_runtime_that_cannot_be_loaded_is_one_sentence_with_the_cure(tmp_path: Path, cases: Path) -> None:
    runtime = "raise ImportError('/lib/libc.so.6: version GLIBC_2.99 not found')"
    said = other_python(tmp_path, cases / "small96_uint8_meta.tflite", "ai_edge_litert", runtime)
    assert said.startswith("DelegateError the engine tflite-runtime is installed but cannot be loaded")
    assert "GLIBC_2.99" in said


def test_opening_the_library_does_not_load_a_runtime() -> None:
    program = """
        import sys
        import edged.vision
        import edged.vision.runtime.interpreter
        loaded = {"ai_edge_litert", "tflite_runtime"} & set(sys.modules)
        sys.exit(f"loaded at import: {loaded}" if loaded else 0)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)


def test_a_model_that_an_engine_cannot_run_is_refused_in_one_line(engine: EngineName) -> None:
    content = pool_model(compiled=True).content.replace(b"edgetpu-custom-op", b"edgetpu-unknownop")
    model = read_model(content, name="odd")
    with pytest.raises(ModelError, match=f"model odd: {engine} .* cannot run it: .*unresolved custom op") as caught:
        Interpreter(model, engine=engine)
    assert "\n" not in str(caught.value)
