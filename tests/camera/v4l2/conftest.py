"""A machine of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.camera.v4l2.fake_kernel import FakeKernel


@pytest.fixture
def kernel(tmp_path: Path) -> FakeKernel:
    """A machine without cameras."""
    return FakeKernel(tmp_path)
