"""The model that a configuration asks for, opened, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from edged.config import ConfigFileError, FallbackConfig, KeyPath, Loaded, ModelConfig
from edged.config.environment import state_folder
from edged.errors import DelegateError, FallbackError, ModelError
from edged.vision.bundled import bundled_model
from edged.vision.embedder import Embedder, EmbedderOptions, find_head
from edged.vision.fallback import open_embedder
from edged.vision.runtime.engine import installed_engines
from edged.vision.runtime.interpreter import AUTO
from edged.vision.specs import ModelFile, Normalization
from edged.vision.tflite.model_file import read_model

__all__ = ["open_model", "read_fallback_file", "read_model_file"]

T = TypeVar("T")


def read_model_file(loaded: Loaded) -> ModelFile:
    """Read and verify the model, which no runtime has seen yet.

    Raises:
        ConfigFileError: it cannot be used.
    """
    config = loaded.config.model
    model = _blaming(loaded, _file(config), lambda: _read(config, config))
    _blaming(loaded, ("head",), lambda: find_head(model, config.head))
    return model


def read_fallback_file(loaded: Loaded) -> ModelFile | None:
    """Read and verify the model that stands in where the delegate cannot be had; None where nothing shall.

    Raises:
        ConfigFileError: it cannot be used.
    """
    config, choice = loaded.config.model, loaded.config.model.fallback
    if choice is None:
        return None
    fallback = _blaming(loaded, ("fallback", *_file(choice)), lambda: _read(choice, config))
    _blaming(loaded, ("fallback",), lambda: find_head(fallback, config.head))
    return fallback


def open_model(loaded: Loaded, model: ModelFile, fallback: ModelFile | None = None) -> Embedder:
    """Load *model*, or *fallback* where its delegate cannot be had, and see that it tells pictures apart.

    Raises:
        ConfigFileError: it cannot be used.
    """
    config = loaded.config.model
    options, memory = _options(config), state_folder()
    return _blaming(loaded, _file(config), lambda: open_embedder(model, options, fallback=fallback, memory=memory))


def _blaming(loaded: Loaded, setting: KeyPath, work: Callable[[], T]) -> T:
    """Do *work*; what goes wrong is told of that *setting* of the model."""
    try:
        return work()
    except DelegateError as exc:
        setting = ("engine",) if _blames_engine(loaded.config.model) else ("delegate",)
        raise ConfigFileError([loaded.problem(("model", *setting), str(exc))]) from exc
    except FallbackError as exc:
        raise ConfigFileError([loaded.problem(("model", "fallback"), str(exc))]) from exc
    except ModelError as exc:
        raise ConfigFileError([loaded.problem(("model", *setting), str(exc))]) from exc


def _blames_engine(config: ModelConfig) -> bool:
    """Whether an engine was asked for, and is missing or the only thing that was."""
    return config.engine != "auto" and (config.delegate == AUTO or config.engine not in installed_engines())


def _file(choice: ModelConfig | FallbackConfig) -> KeyPath:
    return ("name",) if choice.path is None else ("path",)


def _read(choice: ModelConfig | FallbackConfig, config: ModelConfig) -> ModelFile:
    if choice.path is None:
        assert choice.name is not None, "a configuration has one of the two"
        return bundled_model(choice.name)
    normalization = None
    if config.mean is not None and config.std is not None:
        normalization = Normalization(config.mean, config.std)
    return read_model(choice.path, normalization=normalization)


def _options(config: ModelConfig) -> EmbedderOptions:
    return EmbedderOptions(
        head=config.head,
        l2_normalize=config.l2_normalize,
        quantize=config.quantize,
        resize=config.resize,
        decode=config.decode,
        engine=config.engine,
        delegate=config.delegate,
        num_threads=config.num_threads,
    )
