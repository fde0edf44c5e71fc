"""The choice of the TFLite runtime that runs a model; it is made here only."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

from edged.errors import DelegateError

if TYPE_CHECKING:
    from edged.values import Delegate

__all__ = ["ENGINES", "EngineName", "EngineOption", "choose_engine", "installed_engines"]

EngineName = Literal["ai-edge-litert", "tflite-runtime"]
EngineOption = Literal["auto", "ai-edge-litert", "tflite-runtime"]

ENGINES: tuple[EngineName, ...] = ("ai-edge-litert", "tflite-runtime")
"""In order of preference, as measured: ai-edge-litert gives XNNPACK to quantised models too, which on x86-64
is 5 against 62 ms for the bundled int8 model. With float models the two are equal."""

SUPPORTED = (
    "edged runs on ai-edge-litert (Linux on x86-64 or aarch64, Python 3.10 to 3.13) or on tflite-runtime "
    "(x86-64, aarch64 or armv7l, Python 3.11 or older, numpy 1)"
)


def installed_engines() -> tuple[EngineName, ...]:
    """The engines that this Python has, most preferred first. Nothing is imported to find out."""
    return tuple(name for name in ENGINES if find_spec(name.replace("-", "_")) is not None)


def choose_engine(asked: EngineOption, delegate: Delegate) -> EngineName:
    """The engine to use where *asked* is wanted, for *delegate*.

    ``auto`` takes ai-edge-litert where it is installed, except for Coral: libedgetpu is built against the
    TFLite of the tflite-runtime line.

    Raises:
        DelegateError: the engine is not installed, or none is.
    """
    installed = installed_engines()
    if not installed:
        raise DelegateError(f"no TFLite runtime is installed: {SUPPORTED}; run 'pip install ai-edge-litert'")
    if asked != "auto":
        if asked not in installed:
            raise DelegateError(
                f"the engine {asked} is not installed, but {installed[0]} is: {SUPPORTED}; "
                f"run 'pip install {asked}', or choose engine auto"
            )
        return asked
    if delegate.kind == "coral" and "tflite-runtime" in installed:
        return "tflite-runtime"
    return installed[0]
