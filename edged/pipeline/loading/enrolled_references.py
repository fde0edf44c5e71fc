"""Enrolled references as a daemon uses them: loaded, embedded again for another model, and with their rules."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edged.enrolled import Enrolled, EnrolledStore
from edged.errors import EdgedError, PictureError, ReferenceImageError, map_exceptions
from edged.events import EventRule, Thresholds
from edged.references import ReferenceGroup
from edged.references.catalogue import Space
from edged.values import MOST_PIXELS
from edged.vision.pictures.decoding import decode
from edged.vision.whole_picture import embed_whole

if TYPE_CHECKING:
    from edged.vision.embedder import Embedder
    from edged.wire import Vector

__all__ = ["EnrolledReference", "EnrolledReferences", "comparable"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class EnrolledReference:
    """An enrolled reference with its vector in the current space, or the *problem* that keeps it from being compared.

    One that gives way to a reference of the configuration has both: a reload may bring it back.
    """

    enrolled: Enrolled
    vector: Vector | None
    problem: str | None = None


class EnrolledReferences:
    """The references in *store*, in the space of a model. Any thread may use it; only the inference's may embed.

    The vector that was published when a reference was enrolled is kept for good, and used wherever the space is the
    same. In another space its picture is embedded anew, at each start, and that is kept in memory only: so a model that
    is tried and given up again changes nothing.
    """

    def __init__(self, store: EnrolledStore | None) -> None:
        self.store = store
        """None without a state folder."""
        self._embedded: Mapping[tuple[str, str], Vector | str] = {}

    def load(self) -> list[Enrolled]:
        """Return every enrolled reference, by name."""
        return [] if self.store is None else self.store.load()

    @property
    def state(self) -> tuple[object, object]:
        """Two objects that stay the same ones as long as nothing in `entries` or `in_space` changes."""
        return self.entries, self._embedded

    @property
    def entries(self) -> tuple[Enrolled, ...]:
        """The result of the last `load`; the folder is not read again."""
        return () if self.store is None else self.store.entries

    def open(self, embedder: Embedder, configured: Collection[str], go_on: Callable[[], None]) -> list[ReferenceGroup]:
        """Return all that can be compared in the space of *embedder*, except those whose names are *configured* too.

        Those that cannot are logged. *go_on* is called before each that has to be embedded, and may raise.
        """
        entries = self.load()
        for enrolled in self.missing(entries, embedder):
            go_on()
            self.embed(enrolled, embedder)
        found = self.in_space(entries, embedder, configured)
        for reference in found:
            if reference.problem is not None:
                log.warning("enrolled reference %s is not compared: %s", reference.enrolled.name, reference.problem)
        return comparable(found)

    def missing(self, entries: Sequence[Enrolled], space: Space) -> list[Enrolled]:
        """Return those of *entries* that have to be embedded before they can be compared in *space*."""
        others = (entry for entry in entries if not _is_of(entry, space))
        return [entry for entry in others if (_id(entry), space.space_id) not in self._embedded]

    def embed(self, enrolled: Enrolled, embedder: Embedder) -> None:
        """Embed the picture of *enrolled*, or remember why that fails. Only in the thread of *embedder*."""
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
        """Return *entries* in *space*; those in *configured* give way to the references of that name."""
        return [self._in_space(entry, space, configured) for entry in entries]

    def rules(self, configured: Collection[str]) -> list[EventRule]:
        """Return the event rules of the enrolled references, except those whose names are *configured* too."""
        rules = [_event_rule(entry) for entry in self.load() if entry.name not in configured]
        return [rule for rule in rules if rule is not None]

    def forget_all_but(self, entries: Sequence[Enrolled]) -> None:
        """Keep only the vectors of *entries* in memory."""
        ids = {_id(entry) for entry in entries}
        self._embedded = {key: made for key, made in self._embedded.items() if key[0] in ids}

    def _in_space(self, entry: Enrolled, space: Space, configured: Collection[str]) -> EnrolledReference:
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
        with map_exceptions({PictureError: ReferenceImageError}, str(enrolled.picture)):
            picture = decode(self.store.picture_of(enrolled), exif=True, max_pixels=MOST_PIXELS)  # its own
            return embed_whole(picture, enrolled.rotation, enrolled.decode, embedder)


def comparable(references: Sequence[EnrolledReference]) -> list[ReferenceGroup]:
    """Return those of *references* that can be compared; `References` drops names that are configured too."""
    return [
        ReferenceGroup.single(
            reference.enrolled.name,
            [reference.vector],
            reference.enrolled.places,
            makes_events=reference.enrolled.enter is not None,
        )
        for reference in references
        if reference.vector is not None
    ]


def _event_rule(enrolled: Enrolled) -> EventRule | None:
    """Return the event rule of *enrolled*; None without thresholds."""
    if enrolled.enter is None or enrolled.leave is None:
        return None
    thresholds = Thresholds(enrolled.enter, enrolled.leave, enrolled.min_seconds, enrolled.cooldown_seconds)
    return EventRule(enrolled.name, thresholds, enrolled.places)


def _is_of(enrolled: Enrolled, space: Space) -> bool:
    return (enrolled.space_id, enrolled.vector.size) == (space.space_id, space.dimension)


def _id(enrolled: Enrolled) -> str:
    """Return the name of its picture, which no other reference ever has."""
    return enrolled.picture.name
