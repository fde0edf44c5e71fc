"""Reads and opens the model of a configuration."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial

from edged.config import ConfigFileError, FallbackConfig, KeyPath, Loaded, ModelConfig
from edged.config.environment import default_model, state_folder
from edged.errors import DelegateError, FallbackError, ModelError, map_exceptions
from edged.vision.bundled import bundled_model
from edged.vision.embedder import Embedder, EmbedderOptions, find_head
from edged.vision.fallback import open_embedder
from edged.vision.runtime.engine import installed_engines
from edged.vision.runtime.interpreter import AUTO
from edged.vision.specs import ModelFile, Normalization
from edged.vision.tflite.model_file import read_model

__all__ = ["default_model_note", "open_again", "open_model", "read_fallback_file", "read_model_file"]


def default_model_note(loaded: Loaded) -> str | None:
    """Return a line about the older bundled model where *loaded* names no model; None if nobody need know."""
    config, newer = loaded.config.model, default_model(loaded.config.model.engine)
    if "name" in config.model_fields_set:
        return None
    if newer == config.name:
        runs_newer = "on this machine tflite-runtime is slow with efficientnet-lite0-int8: install ai-edge-litert"
        return f"model: {config.name}, because {runs_newer}" if loaded.config.version > 1 else None
    return (
        f"model: {config.name}, because none is named. Write 'version: 2' for {newer}, up to twice as fast: with it, "
        "catalogues have to be made and thresholds of events tuned again. To keep this one, write "
        f"'model: {{name: {config.name}}}'"
    )


def read_model_file(loaded: Loaded) -> ModelFile:
    """Read and verify the model, before any runtime loads it.

    Raises:
        ConfigFileError: it cannot be used.
    """
    config = loaded.config.model
    with _blame_setting(loaded, _file(config)):
        model = _read(config, config)
    with _blame_setting(loaded, ("head",)):
        find_head(model, config.head)
    return model


def read_fallback_file(loaded: Loaded) -> ModelFile | None:
    """Read and verify the fallback model; None without one in the configuration.

    Raises:
        ConfigFileError: it cannot be used.
    """
    config, choice = loaded.config.model, loaded.config.model.fallback
    if choice is None:
        return None
    with _blame_setting(loaded, ("fallback", *_file(choice))):
        fallback = _read(choice, config)
    with _blame_setting(loaded, ("fallback",)):
        find_head(fallback, config.head)
    return fallback


def open_model(
    loaded: Loaded, model: ModelFile, fallback: ModelFile | None = None, num_threads: int | None = None
) -> Embedder:
    """Load *model*, or *fallback* if its delegate is not available, and check that it distinguishes pictures.

    It runs with *num_threads*, or as many as are configured.

    Raises:
        ConfigFileError: it cannot be used.
    """
    config = loaded.config.model
    with _blame_setting(loaded, _file(config)):
        return open_embedder(
            model,
            _options(config, num_threads),
            fallback=fallback,
            agreement=config.delegate_agreement,
            memory=state_folder(),
        )


def _blame_setting(loaded: Loaded, setting: KeyPath) -> AbstractContextManager[None]:
    """Raise errors of the block as problems of that *setting* of the model, or of the one that they are about."""

    def problem_of(setting: KeyPath, text: str) -> ConfigFileError:
        return ConfigFileError([loaded.problem(("model", *setting), text)])

    def delegate_problem(text: str) -> ConfigFileError:
        return problem_of(("engine",) if _blames_engine(loaded.config.model) else ("delegate",), text)

    return map_exceptions(
        {
            DelegateError: delegate_problem,
            FallbackError: partial(problem_of, ("fallback",)),
            ModelError: partial(problem_of, setting),
        }
    )


def _blames_engine(config: ModelConfig) -> bool:
    """Whether an engine was asked for, and is missing or is all that was asked for."""
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


def open_again(embedder: Embedder) -> Embedder:
    """Load the model of *embedder* once more, for a worker beside it; that it can be used is known."""
    another = Embedder(embedder.model, embedder.options)
    another.space_id = embedder.space_id  # a fallback has that of the model that it stands in for
    return another


def _options(config: ModelConfig, num_threads: int | None) -> EmbedderOptions:
    return EmbedderOptions(
        head=config.head,
        l2_normalize=config.l2_normalize,
        quantize=config.quantize,
        resize=config.resize,
        fit=config.fit,
        decode=config.decode,
        engine=config.engine,
        delegate=config.delegate,
        num_threads=num_threads or config.num_threads,
    )
