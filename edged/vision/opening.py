"""From the options of the library to an embedder that is ready to run."""

from __future__ import annotations

import os
from operator import index
from typing import TYPE_CHECKING, SupportsIndex, get_args

import numpy as np

from edged.errors import ModelError
from edged.values import Delegate
from edged.vision.embedder import Embedder, EmbedderOptions
from edged.vision.fallback import open_embedder
from edged.vision.pixels.fit import Fit
from edged.vision.pixels.resize import Resize
from edged.vision.runtime.delegate import delegate_library
from edged.vision.runtime.disk_cache import cache_folder
from edged.vision.runtime.engine import EngineOption
from edged.vision.runtime.trial import ensure_survives
from edged.vision.specs import Normalization
from edged.vision.tflite.model_file import read_model

if TYPE_CHECKING:
    from edged.vision.options import BaseOptions, ImageEmbedderOptions
    from edged.vision.specs import ModelFile

__all__ = ["open_by_options"]


def open_by_options(options: ImageEmbedderOptions) -> Embedder:
    """Read the model that *options* name, try it in a child process unless it is trusted, and open it.

    Unless it is trusted, the vectors that it gives with a delegate library are checked, too: see `agreement`.

    Raises:
        InferenceError: the delegate library failed in that check.
        ModelError: it cannot be used; its subclass ``DelegateError``: the engine or the delegate cannot be had.
        TypeError: an option is of another type than it has to be.
        ValueError: options do not go together.
    """
    options.base_options.check()
    options.embedding_options.check()
    model = _read(options)
    asked = _embedder_options(options)
    if not options.base_options.trusted:
        if delegate_library(asked.delegate) is not None:
            return open_embedder(model, asked, memory=cache_folder())
        ensure_survives(model, engine=asked.engine, delegate=asked.delegate, memory=cache_folder())
    return Embedder(model, asked)


def _read(options: ImageEmbedderOptions) -> ModelFile:
    base = options.base_options
    normalization = None
    if (options.mean is None) != (options.std is None):
        raise ValueError(f"mean and std go together (got {options.mean!r} and {options.std!r})")
    if options.mean is not None and options.std is not None:
        normalization = Normalization(_numbers("mean", options.mean), _numbers("std", options.std))
    if base.file_content:
        return read_model(base.file_content, normalization=normalization)
    return read_model(os.fsdecode(base.file_name or ""), normalization=normalization)


def _numbers(name: str, values: object) -> tuple[float, ...]:
    try:
        return tuple(np.asarray(values, np.float64).reshape(-1).tolist())
    except (TypeError, ValueError) as exc:
        raise TypeError(f"{name} is a number, or three for R, G and B (got {values!r})") from exc


def _choice(name: str, value: str, choices: object) -> None:
    known = get_args(choices)
    if value not in known:
        raise ValueError(f"{name} must be {', '.join(known[:-1])} or {known[-1]} (got {value!r})")


def _embedder_options(options: ImageEmbedderOptions) -> EmbedderOptions:
    base, embedding = options.base_options, options.embedding_options
    _choice("engine", base.engine, EngineOption)
    _choice("resize", options.resize, Resize)
    _choice("fit", options.fit, Fit)
    return EmbedderOptions(
        l2_normalize=bool(embedding.l2_normalize),
        quantize=bool(embedding.quantize),
        resize=options.resize,
        fit=options.fit,
        engine=base.engine,
        delegate=_delegate(base),
        num_threads=_num_threads(base.num_threads),
    )


def _delegate(base: BaseOptions) -> Delegate:
    delegate = Delegate.parse(base.delegate) if isinstance(base.delegate, str) else base.delegate
    if not base.use_coral or delegate.kind == "coral":
        return delegate
    if delegate.kind != "auto":
        raise ValueError(f"use_coral and another delegate do not go together (got {delegate.kind})")
    return Delegate("coral")


def _num_threads(asked: SupportsIndex | None) -> int:
    number = -1 if asked is None else index(asked)
    if number < -1:
        raise ModelError(f"Failed setting number of CPU threads: it must be -1 or more (got {number})")
    return max(number, 1)
