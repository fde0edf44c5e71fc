"""Delegate libraries: their paths, their options, and a check that they can be used."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edged.errors import DelegateError

if TYPE_CHECKING:
    from edged.values import Delegate

__all__ = ["CORAL_LIBRARY", "CORAL_OP", "DelegateLibrary", "delegate_library"]

CORAL_LIBRARY = "libedgetpu.so.1"

CORAL_OP = "edgetpu-custom-op"
"""The operator that edgetpu_compiler puts in place of all those that it has compiled."""

# TFLite's interface: tensorflow/lite/delegates/external/external_delegate_interface.h
_SYMBOLS = ("tflite_plugin_create_delegate", "tflite_plugin_destroy_delegate")

_CORAL_CURE = (
    "install Google's Edge TPU runtime (apt package libedgetpu1-std) and plug the Coral in, "
    "or choose another delegate or a fallback"
)
_EXTERNAL_CURE = "check the library's path and its options, or choose another delegate or a fallback"


@dataclass(frozen=True, slots=True)
class DelegateLibrary:
    """A delegate that comes as a shared library.

    ``label`` is what messages call it, ``path`` what the system's loader is asked for, ``options`` what the
    delegate is told, and ``cure`` what a user can do when it does not work.
    """

    label: str
    path: str
    options: tuple[tuple[str, str], ...]
    cure: str

    def check(self, engine: str) -> None:
        """Load the library, for *engine*, and look for the two functions of a delegate.

        The runtimes do both too, but raise an ``AttributeError`` for a library that is no delegate, and leave
        a half-made object behind that prints a traceback when it is collected.

        Raises:
            DelegateError: it cannot be loaded, or it is no delegate.
        """
        try:
            library = ctypes.CDLL(self.path)
        except OSError as exc:
            raise DelegateError(
                f"delegate {self.label}: cannot load {self.path} for {engine} ({exc}): {self.cure}"
            ) from exc
        missing = [symbol for symbol in _SYMBOLS if not hasattr(library, symbol)]
        if missing:
            raise DelegateError(
                f"delegate {self.label}: {self.path} is no TFLite delegate that {engine} could use, "
                f"it has no {' and no '.join(missing)}: {self.cure}"
            )


def delegate_library(delegate: Delegate) -> DelegateLibrary | None:
    """The library behind *delegate*; None for the kinds that are built into the engine."""
    match delegate.kind:
        case "coral":
            device = (("device", delegate.device),) if delegate.device else ()
            return DelegateLibrary("coral", CORAL_LIBRARY, device + delegate.options, _CORAL_CURE)
        case "external":
            label = f"external:{Path(delegate.library).name}"
            return DelegateLibrary(label, delegate.library, delegate.options, _EXTERNAL_CURE)
        case _:
            return None
