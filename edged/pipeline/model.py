"""The model and the references that a configuration asks for, opened, or everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from edged.config import ConfigFileError, Loaded, ModelConfig, Problem
from edged.errors import DelegateError, ModelError, ReferenceImageError
from edged.references import Reference, References, embed_picture, picture_files, read_reference
from edged.vision.bundled import bundled_model
from edged.vision.embedder import Embedder, EmbedderOptions, find_head
from edged.vision.model_file import read_model
from edged.vision.specs import ModelFile, Normalization

__all__ = ["open_model", "open_references", "reference_problems"]

T = TypeVar("T")


def open_model(loaded: Loaded) -> Embedder:
    """Read the model, load it, and see that it tells pictures apart.

    Raises:
        ConfigFileError: it cannot be used.
    """
    config = loaded.config.model
    file = "name" if config.path is None else "path"
    model = _blaming(loaded, file, lambda: _read(config))
    _blaming(loaded, "head", lambda: find_head(model, config.head))
    embedder = _blaming(loaded, file, lambda: Embedder(model, _options(config)))
    try:
        _blaming(loaded, file, embedder.self_test)
    except ConfigFileError:
        embedder.close()
        raise
    return embedder


def open_references(loaded: Loaded, embedder: Embedder) -> References:
    """Embed every picture of every reference.

    Raises:
        ConfigFileError: pictures cannot be used; all of them are told.
    """
    problems: list[Problem] = []
    references = []
    for name, config in loaded.config.references.items():
        vectors = _each_picture(loaded, name, lambda picture: embed_picture(picture, embedder), problems)
        references.append(Reference(name, vectors, config.places or ()))
    if problems:
        raise ConfigFileError(problems)
    return References(references)


def reference_problems(loaded: Loaded) -> list[Problem]:
    """What is wrong with the pictures of the references, as far as that can be told without a model."""
    problems: list[Problem] = []
    for name in loaded.config.references:
        _each_picture(loaded, name, read_reference, problems)
    return problems


def _blaming(loaded: Loaded, setting: str, work: Callable[[], T]) -> T:
    """Do *work*; what goes wrong is told of that *setting* of the model."""
    try:
        return work()
    except DelegateError as exc:
        setting = "delegate" if loaded.config.model.engine == "auto" else "engine"
        raise ConfigFileError([loaded.problem(("model", setting), str(exc))]) from exc
    except ModelError as exc:
        raise ConfigFileError([loaded.problem(("model", setting), str(exc))]) from exc


def _each_picture(loaded: Loaded, name: str, use: Callable[[Path], T], problems: list[Problem]) -> list[T]:
    """What *use* makes of each picture of the reference *name*; what goes wrong is added to *problems*."""
    made = []
    for index, path in enumerate(loaded.config.references[name].images):
        try:
            made += [use(picture) for picture in picture_files(path)]
        except ReferenceImageError as exc:
            problems.append(loaded.problem(("references", name, "images", index), str(exc)))
    return made


def _read(config: ModelConfig) -> ModelFile:
    if config.path is None:
        assert config.name is not None, "a configuration has one of the two"
        return bundled_model(config.name)
    normalization = None
    if config.mean is not None and config.std is not None:
        normalization = Normalization(config.mean, config.std)
    return read_model(config.path, normalization=normalization)


def _options(config: ModelConfig) -> EmbedderOptions:
    return EmbedderOptions(
        head=config.head,
        l2_normalize=config.l2_normalize,
        quantize=config.quantize,
        resize=config.resize,
        engine=config.engine,
        delegate=config.delegate,
        num_threads=config.num_threads,
    )
