"""The enrolled references as a daemon uses them: loaded, embedded again where that is needed, and with their rules."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edged.enrolled import Enrolled, EnrolledStore
from edged.errors import EdgedError, ReferenceImageError
from edged.events import EventRule, Thresholds
from edged.references import ReferenceGroup
from edged.references.catalogue import Space
from edged.values import Box, PixelFormat
from edged.vision.decoding import decode
from edged.vision.pixels.reduction import crop_size, reduce_picture

if TYPE_CHECKING:
    from edged.vision.embedder import Embedder

__all__ = ["EnrolledReference", "EnrolledReferences", "references"]

log = logging.getLogger(__name__)

Vector = NDArray[np.float32] | NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class EnrolledReference:
    """An enrolled reference and its vector in the space of now, if it has one; *problem* says why it is not compared.

    One that gives way to a reference of the configuration has both: a reload may bring it back.
    """

    enrolled: Enrolled
    vector: Vector | None
    problem: str | None = None


class EnrolledReferences:
    """What is in *store*, in the space of a model. Any thread may use it; embedding is for the inference's alone.

    The vector that was published when a reference was enrolled is kept for good, and used wherever the space is the
    same. In another space its picture is embedded anew, at each start, and that is kept in memory only: so a model that
    is tried and given up again changes nothing.
    """

    def __init__(self, store: EnrolledStore | None) -> None:
        self.store = store
        """None: there is no folder to keep anything in."""
        self._embedded: Mapping[tuple[str, str], Vector | str] = {}

    def load(self) -> list[Enrolled]:
        """Every enrolled reference, by name."""
        return [] if self.store is None else self.store.load()

    def open(self, embedder: Embedder, configured: Collection[str], go_on: Callable[[], None]) -> list[ReferenceGroup]:
        """All that can be compared, in the space of *embedder*, save those whose names are *configured* too.

        Whatever cannot is told in the log. *go_on* is called before each that has to be embedded, and may raise.
        """
        entries = self.load()
        for enrolled in self.missing(entries, embedder):
            go_on()
            self.embed(enrolled, embedder)
        members = self.in_space(entries, embedder, configured)
        for member in members:
            if member.problem is not None:
                log.warning("enrolled reference %s is not compared: %s", member.enrolled.name, member.problem)
        return references(members)

    def missing(self, entries: Sequence[Enrolled], space: Space) -> list[Enrolled]:
        """Those of *entries* that have to be embedded before they can be compared in *space*."""
        others = (entry for entry in entries if not _is_of(entry, space))
        return [entry for entry in others if (_id(entry), space.space_id) not in self._embedded]

    def embed(self, enrolled: Enrolled, embedder: Embedder) -> None:
        """Embed the picture of *enrolled*, or remember why that cannot be done. In the thread of *embedder* only."""
        made: Vector | str
        try:
            made = self._embed(enrolled, embedder)
            log.info("enrolled reference %s was embedded again, for another model", enrolled.name)
        except EdgedError as exc:
            made = str(exc)
        self._embedded = {**self._embedded, (_id(enrolled), embedder.space_id): made}

    def in_space(
        self, entries: Sequence[Enrolled], space: Space, configured: Collection[str]
    ) -> list[EnrolledReference]:
        """*entries* in *space*; those in *configured* give way to the references of that name."""
        return [self._member(entry, space, configured) for entry in entries]

    def rules(self, configured: Collection[str]) -> list[EventRule]:
        """What makes events of the enrolled references, save those whose names are *configured* too."""
        rules = [_event_rule(entry) for entry in self.load() if entry.name not in configured]
        return [rule for rule in rules if rule is not None]

    def forget_all_but(self, entries: Sequence[Enrolled]) -> None:
        """Keep only what belongs to *entries* in memory."""
        ids = {_id(entry) for entry in entries}
        self._embedded = {key: made for key, made in self._embedded.items() if key[0] in ids}

    def _member(self, entry: Enrolled, space: Space, configured: Collection[str]) -> EnrolledReference:
        problem = "the configuration has a reference of that name" if entry.name in configured else None
        if _is_of(entry, space):
            return EnrolledReference(entry, entry.vector, problem)
        made = self._embedded.get((_id(entry), space.space_id), "its picture has not been embedded yet")
        return (
            EnrolledReference(entry, None, problem or made)
            if isinstance(made, str)
            else EnrolledReference(entry, made, problem)
        )

    def _embed(self, enrolled: Enrolled, embedder: Embedder) -> Vector:
        assert self.store is not None, "what is enrolled has a store"
        try:
            picture = decode(self.store.picture_of(enrolled), exif=True)
        except RuntimeError as exc:
            raise ReferenceImageError(f"{enrolled.picture}: {exc}") from exc
        spec = embedder.model.input
        if embedder.options.decode == "reduced" and enrolled.decode == "full":
            picture = reduce_picture(picture, crop_size((spec.width, spec.height), enrolled.rotation))
        height, width = picture.shape[:2]
        vector = np.zeros(embedder.dimension, embedder.dtype)
        embedder.embed(picture, PixelFormat.RGB, Box(0, 0, width, height), enrolled.rotation, vector)
        if not vector.any():
            raise ReferenceImageError(f"{enrolled.picture}: the model gives a vector of zeros, which is like nothing")
        return vector


def references(members: Sequence[EnrolledReference]) -> list[ReferenceGroup]:
    """Those of *members* that can be compared; `References` knows which of them are."""
    return [
        ReferenceGroup.single(
            member.enrolled.name,
            [member.vector],
            member.enrolled.places,
            makes_events=member.enrolled.enter is not None,
        )
        for member in members
        if member.vector is not None
    ]


def _event_rule(enrolled: Enrolled) -> EventRule | None:
    """What makes events of *enrolled*; None where nothing shall."""
    if enrolled.enter is None or enrolled.leave is None:
        return None
    thresholds = Thresholds(enrolled.enter, enrolled.leave, enrolled.min_seconds, enrolled.cooldown_seconds)
    return EventRule(enrolled.name, thresholds, enrolled.places)


def _is_of(enrolled: Enrolled, space: Space) -> bool:
    return (enrolled.space_id, enrolled.vector.size) == (space.space_id, space.dimension)


def _id(enrolled: Enrolled) -> str:
    """The name of its picture, which no other reference ever has."""
    return enrolled.picture.name
