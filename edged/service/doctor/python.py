"""Checks of Python, of the libraries that edged needs, and of the engines."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from edged import __version__
from edged.errors import DelegateError, InferenceError, ModelError
from edged.service.doctor.finding import Finding, bad, ok, warning

if TYPE_CHECKING:
    from edged.vision.runtime.engine import EngineName

__all__ = ["RUNS", "ai_edge_litert", "libraries", "tflite_runtime"]

RUNS = "runs the bundled model"
"""The words in the finding of an engine that works."""

TESTED = ((3, 11), (3, 13))
_LIBRARIES = {
    "numpy": "numpy",
    "cv2": "opencv-python-headless",
    "zmq": "pyzmq",
    "nacl": "pynacl",
    "yaml": "pyyaml",
    "pydantic": "pydantic",
}


def libraries(_: str | None) -> Iterator[Finding]:
    """Check Python, and whether each library can be imported."""
    words = f"Python {platform.python_version()} on {platform.machine()}, edged {__version__}, in {sys.prefix}"
    if TESTED[0] <= sys.version_info[:2] <= TESTED[1]:
        yield ok("python", words)
    else:
        yield warning("python", f"{words}: edged is tested with 3.11 to 3.13 only")
    found = []
    for module, package in _LIBRARIES.items():
        try:
            library = import_module(module)
        except ImportError as exc:
            yield bad("libraries", f"{package} cannot be imported: {_brief(exc)}", _reinstall(package))
        else:
            found.append(f"{package} {getattr(library, '__version__', '')}".strip())
    if found:
        yield ok("libraries", ", ".join(found))


def ai_edge_litert(_: str | None) -> Iterator[Finding]:
    """Check whether this engine runs the bundled model."""
    return _engine("ai-edge-litert")


def tflite_runtime(_: str | None) -> Iterator[Finding]:
    """Check whether this engine runs the bundled model."""
    return _engine("tflite-runtime")


def _engine(name: EngineName) -> Iterator[Finding]:
    from edged.vision.bundled import bundled_model
    from edged.vision.runtime.engine import installed_engines
    from edged.vision.runtime.interpreter import Interpreter

    if name not in installed_engines():
        yield (
            warning("engine", f"{name} is not installed")
            if not installed_engines()
            else ok("engine", f"{name} is not installed, and is not needed")
        )
        return
    try:
        with Interpreter(bundled_model("efficientnet-lite0"), engine=name) as interpreter:
            interpreter.invoke()
            yield ok("engine", f"{interpreter.engine} {RUNS}, delegate {interpreter.delegate}")
    except (DelegateError, ModelError, InferenceError) as exc:
        yield warning("engine", str(exc), _cure(name))


def _cure(name: EngineName) -> str:
    if name == "tflite-runtime" and int(version("numpy").partition(".")[0]) >= 2:
        return "pip install 'numpy<2' 'opencv-python-headless<4.12', or go without it: pip uninstall tflite-runtime"
    return _reinstall(name)


def _reinstall(package: str) -> str:
    try:
        version(package)
    except PackageNotFoundError:
        return f"pip install {package}"
    return f"pip install --force-reinstall {package}"


def _brief(exc: ImportError) -> str:
    return " ".join(str(exc).split())[:200]
