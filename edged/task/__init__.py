"""Module names of the Task Library, for programs that were written for it.

``from tflite_support.task import core, processor, vision`` becomes ``from edged.task import core, processor, vision``.
The classes are those of ``edged.vision``.
"""

from __future__ import annotations

from edged.task import core, processor, vision

__all__ = ["core", "processor", "vision"]
