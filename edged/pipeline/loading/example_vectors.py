"""The vectors of examples: of each picture and of its variants, read from the disk or embedded."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edged.config import ConfigFileError, Loaded
from edged.enrolled import EnrolledExample, ExampleStore
from edged.errors import PictureError, ReferenceImageError, StateError, map_exceptions
from edged.label_text import shown_path
from edged.pipeline.loading.picture_vectors import PictureVectors
from edged.pipeline.loading.set_definitions import ExamplePicture, SetDefinition
from edged.references import read_reference
from edged.references.catalogue import Space
from edged.states import RECIPE, VARIANTS, Example, variants
from edged.values import MOST_PIXELS, Rotation
from edged.vision.pictures.decoding import decode
from edged.vision.pixels.reduction import Decode

if TYPE_CHECKING:
    from edged.wire import Vector

__all__ = ["Embed", "made_by", "read_examples", "vectors_of_picture"]

log = logging.getLogger(__name__)

LONGEST_SIDE = 0x7FFF - 1  # pixels: OpenCV moves no larger pictures

Embed: TypeAlias = "Callable[[NDArray[np.uint8], Rotation, Decode], Vector]"
"""Embeds one picture: `edged.vision.whole_picture.embed_whole` in the thread of the embedder, which may be another."""


def made_by(space_id: str) -> str:
    """Return the name of all that the vectors of an example depend on besides its picture, for `ExampleStore`."""
    return f"{space_id}/{RECIPE}"


def vectors_of_picture(
    picture: NDArray[np.uint8], rotation: Rotation, decoded: Decode, embed: Embed, own: Vector | None = None
) -> NDArray[Any]:
    """Return the vectors of *picture* and of its variants, one each row. *own* is that of the picture, if it is known.

    Raises:
        PictureError: a side of it is too long for its variants.
        EdgedError: whatever *embed* raises.
    """
    height, width = picture.shape[:2]
    if max(height, width) > LONGEST_SIDE:
        raise PictureError(f"must have sides of at most {LONGEST_SIDE} pixels as an example (got {width}x{height})")
    first = embed(picture, rotation, decoded) if own is None else own
    return np.stack([first, *(embed(variant, rotation, decoded) for variant in variants(picture))])


def read_examples(
    loaded: Loaded,
    definition: SetDefinition,
    store: ExampleStore | None,
    pictures: PictureVectors,
    space: Space,
    embed: Embed,
) -> list[Example]:
    """Return all examples of *definition* with vectors of the *space* in which *embed* embeds.

    Each is embedded once for each space. The vectors of picture files are then kept in *pictures*, and those of
    enrolled examples in *store*; one of these that cannot be embedded is logged and left out.

    Raises:
        ConfigFileError: pictures of the configuration cannot be used; it has a problem for each.
        EdgedError: what *embed* raises but PictureError.
    """
    found, problems = [], []
    for picture in definition.pictures:
        try:
            found.append(_of_picture(loaded, picture, pictures, space, embed))
        except ReferenceImageError as exc:
            problems.append(loaded.problem(picture.setting, str(exc)))
    if problems:
        raise ConfigFileError(problems)
    for enrolled in definition.enrolled:
        assert store is not None, "what is enrolled has a store"
        try:
            found.append(_of_enrolled(enrolled, store, space, embed))
        except (PictureError, StateError) as exc:
            log.warning("example %s of %s is left out: %s", enrolled.id, enrolled.set, exc)
    return found


def _of_picture(loaded: Loaded, picture: ExamplePicture, known: PictureVectors, space: Space, embed: Embed) -> Example:
    maker = made_by(space.space_id)
    if (vectors := known.get(picture.key, maker)) is not None:
        return Example(picture.state, vectors, picture.key)
    pixels = read_reference(picture.path, loaded.config.max_pixels, loaded.config.background)
    with map_exceptions({PictureError: ReferenceImageError}, shown_path(picture.path)):
        example = _example(picture.state, vectors_of_picture(pixels, 0, "full", embed), picture.key)
    known.keep(picture.key, maker, example.vectors)
    return example


def _of_enrolled(enrolled: EnrolledExample, store: ExampleStore, space: Space, embed: Embed) -> Example:
    maker = made_by(space.space_id)
    vectors: NDArray[Any] | None = store.vectors_of(enrolled, maker)
    if vectors is not None and vectors.shape == (1 + VARIANTS, space.dimension):
        return _example(enrolled.state, vectors, enrolled.id)
    picture = decode(store.picture_of(enrolled), exif=True, max_pixels=MOST_PIXELS)  # its own
    vectors = vectors_of_picture(picture, enrolled.rotation, enrolled.decode, embed)
    example = _example(enrolled.state, vectors, enrolled.id)
    try:
        store.keep_vectors(enrolled, vectors, maker)
    except StateError as exc:
        log.warning("example %s of %s is embedded again at the next start: %s", enrolled.id, enrolled.set, exc)
    return example


def _example(state: str, vectors: NDArray[Any], key: str) -> Example:
    """Return an example; PictureError if nothing can be learned from it."""
    try:
        return Example(state, vectors, key)
    except ValueError as exc:
        raise PictureError(str(exc)) from exc
