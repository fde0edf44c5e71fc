"""What the tests of vision share: the models at hand, the engines of this Python, and a delegate compiled from C."""

from __future__ import annotations

from pathlib import Path

import pytest

import edged.vision
from edged.vision.bundled import bundled_model
from edged.vision.runtime.engine import EngineName, installed_engines
from edged.vision.specs import ModelFile
from tests.vision.stub import build_stub


@pytest.fixture(params=installed_engines())
def engine(request: pytest.FixtureRequest) -> EngineName:
    """Each engine that is installed, in turn."""
    name: EngineName = request.param
    return name


@pytest.fixture(scope="session")
def float_model() -> ModelFile:
    """The bundled float16 model."""
    return bundled_model("efficientnet-lite0")


@pytest.fixture(scope="session")
def int8_model() -> ModelFile:
    """The bundled int8 model, with uint8 in and out."""
    return bundled_model("efficientnet-lite0-int8")


@pytest.fixture(scope="session")
def stub_delegate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The external delegate of ``delegate/stub_delegate.c``, compiled."""
    return build_stub(tmp_path_factory.mktemp("delegate"))


@pytest.fixture(scope="session")
def float_model_file() -> Path:
    """The file of the bundled float16 model."""
    return Path(edged.vision.__file__).parent / "models" / "efficientnet-lite0.tflite"
