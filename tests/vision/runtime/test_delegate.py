"""A real delegate library, compiled from C, on both engines; and each way in which one can fail."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edged.errors import DelegateError, InferenceError
from edged.values import Delegate
from edged.vision.runtime.engine import EngineName
from edged.vision.runtime.interpreter import Interpreter
from edged.vision.specs import ModelFile
from tests.vision.pool_models import pool_model

TPU = pool_model("tpu", compiled=True)


def stub(library: Path, **options: str) -> Delegate:
    return Delegate("external", library=str(library), options=tuple(options.items()))


def run(interpreter: Interpreter, model: ModelFile, pixels: NDArray[np.uint8]) -> list[int]:
    out = np.zeros(model.heads[0].size, model.heads[0].dtype)
    interpreter.write(pixels)
    interpreter.invoke()
    interpreter.read(model.heads[0], out)
    return [int(number) for number in out]


def test_an_operator_that_only_the_delegate_knows_gives_the_right_numbers(
    engine: EngineName, stub_delegate: Path
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (1, 8, 8, 3), dtype=np.uint8)
    plain = pool_model()
    with (
        Interpreter(TPU, engine=engine, delegate=stub(stub_delegate)) as with_delegate,
        Interpreter(plain, engine=engine) as without,
    ):
        assert with_delegate.delegate == "external:libstub.so"
        assert run(with_delegate, TPU, pixels) == run(without, plain, pixels)


def test_the_delegate_gets_its_options_and_is_destroyed_at_the_end(
    engine: EngineName, stub_delegate: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    interpreter = Interpreter(TPU, engine=engine, delegate=stub(stub_delegate, log=str(log), device="usb:1", speed="3"))
    assert log.read_text().splitlines() == ["create device=usb:1 speed=3", "prepare 1 of 1"]
    interpreter.close()
    assert log.read_text().splitlines()[-1] == "destroy"


def test_two_delegates_of_one_library_live_side_by_side(engine: EngineName, stub_delegate: Path) -> None:
    pixels = np.full((1, 8, 8, 3), 9, np.uint8)
    one = Interpreter(TPU, engine=engine, delegate=stub(stub_delegate))
    two = Interpreter(TPU, engine=engine, delegate=stub(stub_delegate))
    assert run(one, TPU, pixels) == [9, 9, 9]
    one.close()
    assert run(two, TPU, pixels) == [9, 9, 9]
    two.close()


@pytest.mark.parametrize(
    ("fail", "said"),
    [
        ("create", "did not start on .*no device found"),
        ("silent", "did not start on "),
        ("prepare", "cannot run model tpu on "),
    ],
)
def test_a_delegate_that_fails_to_load_is_named_with_engine_and_cure(
    engine: EngineName, stub_delegate: Path, tmp_path: Path, fail: str, said: str
) -> None:
    log = tmp_path / "log"
    with pytest.raises(DelegateError, match=f"^delegate external:libstub.so: .*{said}") as caught:
        Interpreter(TPU, engine=engine, delegate=stub(stub_delegate, fail=fail, log=str(log)))
    assert f"{engine} 2." in str(caught.value)
    assert "check the library's path and its options" in str(caught.value)
    assert isinstance(caught.value.__cause__, ValueError | RuntimeError)
    assert "\n" not in str(caught.value)


def test_a_missing_library_is_named_and_leaves_no_noise(
    engine: EngineName, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The runtimes' own loader leaves a half-made object behind that prints a traceback when it is collected."""
    library = tmp_path / "libnothing.so"
    with pytest.raises(DelegateError, match=rf"cannot load {library} for {engine} .*No such file") as caught:
        Interpreter(TPU, engine=engine, delegate=stub(library))
    assert isinstance(caught.value.__cause__, OSError)
    assert "__del__" not in capfd.readouterr().err


def test_a_file_that_is_no_library_is_named(engine: EngineName, tmp_path: Path) -> None:
    library = tmp_path / "libtext.so"
    library.write_text("this is text")
    with pytest.raises(DelegateError, match=rf"cannot load {library} .*file too short"):
        Interpreter(TPU, engine=engine, delegate=stub(library))


def test_a_library_that_is_no_delegate_is_named_and_leaves_no_noise(
    engine: EngineName, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DelegateError, match=r"libc.so.6 is no TFLite delegate .*no tflite_plugin_create_delegate"):
        Interpreter(TPU, engine=engine, delegate=stub(Path("libc.so.6")))
    assert "__del__" not in capfd.readouterr().err


def test_a_device_that_is_lost_while_running_is_an_inference_error(engine: EngineName, stub_delegate: Path) -> None:
    pixels = np.full((1, 8, 8, 3), 9, np.uint8)
    with Interpreter(TPU, engine=engine, delegate=stub(stub_delegate, fail="invoke")) as interpreter:
        assert run(interpreter, TPU, pixels) == [9, 9, 9]
        with pytest.raises(
            InferenceError, match=r"model tpu: failed while running on .*: .*the device is gone"
        ) as caught:
            interpreter.invoke()
        assert "external:libstub.so" in str(caught.value)


def test_a_delegate_that_takes_nothing_is_not_reported_as_in_effect(
    engine: EngineName, stub_delegate: Path, float_model: ModelFile, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.WARNING),
        Interpreter(float_model, engine=engine, delegate=stub(stub_delegate)) as interpreter,
    ):
        assert interpreter.delegate == "xnnpack"
    assert "external:libstub.so takes no operator of model efficientnet-lite0" in caplog.text


@pytest.mark.parametrize("device", ["", "usb", "usb:1", "pci:0", ":0"])
def test_coral_without_its_library_names_it_with_the_cure(engine: EngineName, device: str) -> None:
    with pytest.raises(DelegateError, match=r"^delegate coral: cannot load libedgetpu.so.1 .*apt package libedgetpu1"):
        Interpreter(TPU, engine=engine, delegate=Delegate("coral", device=device))


@pytest.fixture
def coral(stub_delegate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stub in the place of Google's library; returns its log."""
    monkeypatch.setattr("edged.vision.runtime.delegate.CORAL_LIBRARY", str(stub_delegate))
    return tmp_path / "log"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("coral", "create"),
        ("coral:usb", "create device=usb"),
        ("coral:usb:1", "create device=usb:1"),
        ("coral:pci:0", "create device=pci:0"),
        ("coral::0", "create device=:0"),
    ],
)
def test_coral_gets_the_device_as_libedgetpu_writes_it(engine: EngineName, coral: Path, name: str, line: str) -> None:
    asked = Delegate.parse(name)
    delegate = Delegate("coral", device=asked.device, options=(("log", str(coral)),))
    with Interpreter(TPU, engine=engine, delegate=delegate) as interpreter:
        assert interpreter.delegate == "coral"
    assert coral.read_text().splitlines()[0] == line


@pytest.mark.usefixtures("coral")
def test_a_model_that_is_not_compiled_for_coral_is_refused_with_the_cure(
    engine: EngineName, int8_model: ModelFile
) -> None:
    with pytest.raises(DelegateError, match=r"model efficientnet-lite0-int8 is not compiled .*edgetpu_compiler"):
        Interpreter(int8_model, engine=engine, delegate=Delegate("coral"))
