"""Sets of states as a daemon uses them: with the heads that their examples make, learned now or kept from before."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from edged.config import Loaded
from edged.enrolled import EnrolledExample, ExampleStore
from edged.errors import StateError
from edged.pipeline.loading.enrolled_looks import EnrolledLooksOfSets
from edged.pipeline.loading.example_vectors import Embed, made_by, read_examples
from edged.pipeline.loading.picture_vectors import PictureVectors
from edged.pipeline.loading.set_definitions import SetDefinition, define_sets, lack_of
from edged.pipeline.placed_set import PlacedSet
from edged.references.catalogue import Space
from edged.states import EnrolledLooks, Example, StateHead, StateSet, TrainingSet, dump, load, objection
from edged.states.head_file import LONGEST

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edged.values import Rotation
    from edged.vision.pixels.reduction import Decode
    from edged.wire import Vector

__all__ = ["LearnedSet", "StateSets", "placed_sets"]

log = logging.getLogger(__name__)

DIGITS = 64  # of a fingerprint


@dataclass(frozen=True, slots=True, eq=False)
class LearnedSet:
    """A set with the head to use, if it has one.

    Attributes:
        definition: its examples and where it comes from.
        state_set: what decides, if something does. With an earlier head it has the states of that one.
        objection: why it has no head, or an earlier one; None if its head is of all the examples.
        training: what the head of all the examples was learned from, for `leave_one_out`; None if nothing was learned.
            It takes much memory.
        looks: what its enrolled pictures looked like, by place.
    """

    definition: SetDefinition
    state_set: StateSet | None
    objection: str | None = None
    training: TrainingSet | None = None
    looks: Mapping[str, EnrolledLooks] = field(default_factory=dict)


class StateSets:
    """The sets of states of a configuration and of *store*. Any thread may use it.

    The head of each set is kept in *store* with a fingerprint of what it was learned from, so that a start learns
    nothing that was learned before; one that was refused is learned, and refused, again.
    """

    def __init__(self, store: ExampleStore | None) -> None:
        self.store = store
        """None without a state folder."""
        self._pictures = PictureVectors()
        self._looks = EnrolledLooksOfSets()

    @property
    def entries(self) -> tuple[EnrolledExample, ...]:
        """Every enrolled example, as they were read last."""
        return () if self.store is None else self.store.entries

    def load(self) -> list[EnrolledExample]:
        """Return every enrolled example, in the order of enrolment."""
        return [] if self.store is None else self.store.load()

    def define(self, loaded: Loaded, references: Collection[str]) -> tuple[SetDefinition, ...]:
        """Return the sets as they are defined now; see `define_sets`.

        Raises:
            ConfigFileError: pictures cannot be used; it has a problem for each.
        """
        found = define_sets(loaded, self.load(), references)
        self._looks.keep_only([definition.name for definition in found])
        return found

    def open(
        self, loaded: Loaded, references: Collection[str], space: Space, embed: Embed, go_on: Callable[[], None]
    ) -> tuple[LearnedSet, ...]:
        """Return all sets with their heads for vectors of the *space* in which *embed* embeds.

        *go_on* is called before each picture that has to be embedded, and before each set; it may raise to put an end
        to it. Sets that cannot decide yet are logged.

        Raises:
            ConfigFileError: pictures cannot be used.
            EdgedError: what *embed* raises but PictureError.
        """

        def embed_next(picture: NDArray[np.uint8], rotation: Rotation, decode: Decode) -> Vector:
            go_on()
            return embed(picture, rotation, decode)

        found = []
        for definition in self.define(loaded, references):
            go_on()
            learned = self.learn(loaded, definition, space, embed_next)
            if learned.objection is not None:
                _log_objection(learned)
            found.append(replace(learned, training=None))
        return tuple(found)

    def learn(
        self, loaded: Loaded, definition: SetDefinition, space: Space, embed: Embed, old: StateHead | None = None
    ) -> LearnedSet:
        """Return *definition* with the head that its examples make, or that is kept of them.

        A head that is wrong about more of the earlier examples than *old* does not take over; without *old* it is the
        kept one that counts. The head that is to be used is kept.

        Raises:
            ConfigFileError: a picture of the configuration cannot be used.
            EdgedError: what *embed* raises but PictureError.
        """
        learned = self._learn(loaded, definition, space, embed, old)
        looks = {} if self.store is None else self._looks.of(definition.name, definition.enrolled, self.store)
        return replace(learned, looks=looks)

    def _learn(
        self, loaded: Loaded, definition: SetDefinition, space: Space, embed: Embed, old: StateHead | None
    ) -> LearnedSet:
        fingerprint = _fingerprint(definition, space)
        kept, kept_fingerprint = self._kept(definition, space)
        old = kept if old is None or not _is_of(old, space) else old
        if definition.lack is not None:
            return self._without(definition, definition.lack, old)
        if kept is not None and kept_fingerprint == fingerprint:
            return LearnedSet(definition, definition.with_head(kept))
        examples = read_examples(loaded, definition, self.store, self._pictures, space, embed)
        if (lack := _lack(definition, examples)) is not None:
            return self._without(definition, lack, old)
        training = TrainingSet(examples, definition.states)
        head = training.head(space.space_id)
        if old is not None:
            earlier = [example for example in examples if example.key in old.keys]
            if (reason := objection(head, old, earlier)) is not None:
                return LearnedSet(definition, definition.with_head(old), reason, training)
        if len(examples) == len(definition.labels):
            self._keep(definition, fingerprint, head)
        return LearnedSet(definition, definition.with_head(head), None, training)

    def training(self, loaded: Loaded, definition: SetDefinition, space: Space, embed: Embed) -> TrainingSet | None:
        """Return what the examples of *definition* teach; None if some are missing for that.

        Raises:
            ConfigFileError: a picture of the configuration cannot be used.
            EdgedError: what *embed* raises but PictureError.
        """
        examples = read_examples(loaded, definition, self.store, self._pictures, space, embed)
        return None if _lack(definition, examples) is not None else TrainingSet(examples, definition.states)

    def _without(self, definition: SetDefinition, lack: str, old: StateHead | None) -> LearnedSet:
        """Return *definition* where a new head cannot be learned: with the *old* one, if the set can still use that."""
        if old is not None and _can_stay(definition, old):
            return LearnedSet(definition, definition.with_head(old), lack)
        self._keep(definition)
        return LearnedSet(definition, definition.without_head(), lack)

    def _kept(self, definition: SetDefinition, space: Space) -> tuple[StateHead | None, str]:
        """Return the head that is kept of that set, for vectors of *space*, and its fingerprint; None without one."""
        name = definition.name
        content = None if self.store is None else self.store.head_of(name, DIGITS + 1 + LONGEST)
        if content is None:
            return None, ""
        try:
            head = load(content[DIGITS + 1 :])
        except ValueError as exc:
            log.warning("the head of %s %s; it is learned again", name, exc)
            return None, ""
        return head if _is_of(head, space) else None, content[:DIGITS].decode("ascii", "replace")

    def _keep(self, definition: SetDefinition, fingerprint: str = "", head: StateHead | None = None) -> None:
        """Keep *head*, or remove what is kept; if that fails it is logged, because it only costs time."""
        if self.store is None:
            return
        name = definition.name
        content = None if head is None else fingerprint.encode() + b"\n" + dump(head)
        try:
            self.store.keep_head(name, content)
        except StateError as exc:
            log.warning("the head of %s is not kept: %s", name, exc)


def _is_of(head: StateHead, space: Space) -> bool:
    """Whether *head* is for vectors of *space*."""
    return (head.space_id, head.dimension) == (space.space_id, space.dimension)


def placed_sets(learned: Iterable[LearnedSet]) -> tuple[PlacedSet, ...]:
    """Return what the stages need of *learned*."""
    return tuple(
        PlacedSet(
            name=each.definition.name,
            states=each.definition.states,
            places=each.definition.places,
            state_set=each.state_set,
            events=each.definition.config.events,
            examples=each.definition.counts,
            looks=each.looks,
            is_reviewed=each.definition.config.review,
        )
        for each in learned
    )


def _fingerprint(definition: SetDefinition, space: Space) -> str:
    """Return 64 hex digits that differ when another head would be learned."""
    text = json.dumps([made_by(space.space_id), definition.states, sorted(definition.labels)])
    return hashlib.sha256(text.encode()).hexdigest()


def _lack(definition: SetDefinition, examples: Collection[Example]) -> str | None:
    """Return what is missing in *examples*, some of which may have been left out."""
    counts = dict.fromkeys(definition.states, 0)
    for example in examples:
        counts[example.state] += 1
    return lack_of(counts, definition.least)


def _can_stay(definition: SetDefinition, old: StateHead) -> bool:
    """Whether the head *old* can decide without a new one: it knows no other states, and two of these have examples.

    A set that groups references goes back to these.
    """
    counts = definition.counts
    is_known = set(old.states) <= counts.keys()
    return is_known and sum(count > 0 for count in counts.values()) > 1 and not definition.references


def _log_objection(learned: LearnedSet) -> None:
    """Log why a set decides nothing, or as it did before; nothing where references decide."""
    if learned.state_set is None:
        log.warning("set %s decides nothing yet: %s", learned.definition.name, learned.objection)
    elif learned.state_set.head is not None:
        log.warning("set %s decides with an earlier head: %s", learned.definition.name, learned.objection)
