"""Compiles the delegate of ``delegate/stub_delegate.c``."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

__all__ = ["build_stub"]

SOURCE = Path(__file__).parent / "delegate" / "stub_delegate.c"


def build_stub(folder: Path) -> Path:
    """The library, made in *folder*; without a C compiler on the machine the test is skipped."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler on this machine to make a delegate with")
    library = folder / "libstub.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-Wall", "-Werror", "-o", library, SOURCE], check=True)
    return library
