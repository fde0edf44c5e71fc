"""Definitions of sets of states, of the configuration and enrolled: states, places and examples, before any learning.

A set of the configuration has the examples of its ``images`` and those that were enrolled under its name. A set that
was only enrolled has all states that were, in that order, where they were.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from edged.config import ConfigFileError, Loaded, Problem, StateSetConfig
from edged.enrolled import EnrolledExample
from edged.errors import PictureError, ReferenceImageError, map_exceptions
from edged.label_text import shown_path
from edged.references import picture_files, read_reference
from edged.states import MOST_EXAMPLES, MOST_STATES, StateHead, StateSet
from edged.vision.pictures.decoding import read_limited

__all__ = [
    "MOST_IMAGES",
    "ExamplePicture",
    "SetDefinition",
    "define_sets",
    "example_pictures",
    "lack_of",
    "set_problems",
]

log = logging.getLogger(__name__)

MOST_IMAGES = 200
"""The most pictures in the ``images`` of one set."""

FOR_A_HEAD = 3
"""The examples of each state from which on a head is used instead of grouped references."""


@dataclass(frozen=True, slots=True)
class ExamplePicture:
    """A picture file that shows *state*. Its ``key`` is that of its content, and no other picture of a set has it.

    ``setting`` is where the file names it: ``("states", "bay", "images", "truck", 0)``.
    """

    path: Path
    state: str
    key: str
    setting: tuple[str | int, ...]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SetDefinition:
    """A set of states and its examples.

    Attributes:
        config: its settings; the defaults, if it was only enrolled.
        places: where it applies, as in ``states.NAME.for``.
        references: the reference of each state, where it groups references; not all of them need exist.
        least: the examples of each state from which on a head is learned.
    """

    name: str
    config: StateSetConfig
    is_configured: bool
    places: tuple[str, ...]
    pictures: tuple[ExamplePicture, ...] = ()
    enrolled: tuple[EnrolledExample, ...] = ()
    references: Mapping[str, str] = field(default_factory=dict)
    least: int = 1

    @property
    def states(self) -> tuple[str, ...]:
        """The names of its states; one that was only enrolled may have a single one."""
        return self.config.states

    def with_head(self, head: StateHead) -> StateSet:
        """Return the set as it decides with *head*: in the states of that."""
        return replace(self._state_set(head.states), head=head)

    def without_head(self) -> StateSet | None:
        """Return the set as its references decide; None without any."""
        return replace(self._state_set(self.states), references=self.references) if self.references else None

    def _state_set(self, states: tuple[str, ...]) -> StateSet:
        return StateSet(
            name=self.name,
            states=states,
            unknown_below=self.config.unknown_below,
            min_seconds=self.config.min_seconds,
            unknown_seconds=self.config.unknown_seconds,
        )

    @property
    def counts(self) -> Counter[str]:
        """The number of examples of each state."""
        found = Counter(dict.fromkeys(self.states, 0))
        found.update(state for _, state in self.labels)
        return found

    @property
    def lack(self) -> str | None:
        """The examples that are missing before a head can be learned; None if there are enough."""
        return lack_of(self.counts, self.least)

    @property
    def labels(self) -> tuple[tuple[str, str], ...]:
        """Key and state of each example, in their order."""
        pictures = ((picture.key, picture.state) for picture in self.pictures)
        return *pictures, *((example.id, example.state) for example in self.enrolled)


def lack_of(counts: Mapping[str, int], least: int) -> str | None:
    """Return why nothing can be learned of so many examples of each state, such as too few; None if it can."""
    if len(counts) > MOST_STATES or sum(counts.values()) > MOST_EXAMPLES:
        return f"it has more than {MOST_STATES} states, or more than {MOST_EXAMPLES} examples"
    if len(counts) < 2:
        return "a second state has no example yet"
    missing = [
        f"{state} has {count or 'no'} example{'s' * (count > 1)}" for state, count in counts.items() if count < least
    ]
    if not missing:
        return None
    return f"{', '.join(missing)} yet" + (f", and {least} of each are needed" if least > 1 else "")


def define_sets(
    loaded: Loaded, enrolled: Sequence[EnrolledExample], references: Collection[str]
) -> tuple[SetDefinition, ...]:
    """Return the sets of the configuration and then those that were only *enrolled*, by name.

    *references* are the names of all that frames are compared with. A set that was only enrolled, and has the name of
    one of them, is left out, and logged.

    Raises:
        ConfigFileError: pictures cannot be used; it has a problem for each.
    """
    problems: list[Problem] = []
    configs = loaded.config.states
    pictures = {name: example_pictures(loaded, name, problems) for name in configs}
    if problems:
        raise ConfigFileError(problems)
    found = [
        _of_config(name, config, pictures[name], [each for each in enrolled if each.set == name])
        for name, config in configs.items()
    ]
    for name in sorted({each.set for each in enrolled} - configs.keys()):
        if name in references:
            log.warning("enrolled set %s decides nothing: there is a reference of that name", name)
        else:
            found.append(_of_enrolled(name, tuple(each for each in enrolled if each.set == name)))
    return tuple(found)


def set_problems(loaded: Loaded) -> list[Problem]:
    """Return the problems of pictures of the configured sets that can be found without a model."""
    problems: list[Problem] = []
    for name in loaded.config.states:
        for picture in example_pictures(loaded, name, problems):
            try:
                read_reference(picture.path, loaded.config.max_pixels, loaded.config.background)
            except ReferenceImageError as exc:
                problems.append(loaded.problem(picture.setting, str(exc)))
    return problems


def example_pictures(loaded: Loaded, name: str, problems: list[Problem]) -> tuple[ExamplePicture, ...]:
    """Return the pictures of the configured set *name*, each content once; what is wrong is added to *problems*."""
    found: dict[str, ExamplePicture] = {}
    for state, paths in loaded.config.states[name].images.items():
        for index, path in enumerate(paths):
            setting = ("states", name, "images", state, index)
            try:
                for file in picture_files(path, log.warning):
                    _add(found, ExamplePicture(file, state, _key(loaded, file), setting))
            except ReferenceImageError as exc:
                problems.append(loaded.problem(setting, str(exc)))
    if len(found) > MOST_IMAGES:
        rule = f"must be at most {MOST_IMAGES} pictures (got {len(found)})"
        problems.append(loaded.problem(("states", name, "images"), rule))
    return tuple(found.values())


def _add(found: dict[str, ExamplePicture], picture: ExamplePicture) -> None:
    """Add *picture* if it is not there.

    Raises:
        ReferenceImageError: it is there as one of another state.
    """
    other = found.setdefault(picture.key, picture)
    if other.state != picture.state:
        same = f"{shown_path(picture.path)} and {shown_path(other.path)}"
        raise ReferenceImageError(f"{same} are the same picture, of {picture.state} and {other.state}; remove one")


def _key(loaded: Loaded, file: Path) -> str:
    """Return 32 hex digits that differ when the picture in *file* would be another one.

    Raises:
        ReferenceImageError: it cannot be read.
    """
    with map_exceptions({PictureError: ReferenceImageError, OSError: ReferenceImageError}, shown_path(file)):
        digest = hashlib.sha256(read_limited(file))
    digest.update(bytes(loaded.config.background))
    return digest.hexdigest()[:32]


def _of_config(
    name: str,
    config: StateSetConfig,
    pictures: tuple[ExamplePicture, ...],
    enrolled: Sequence[EnrolledExample],
) -> SetDefinition:
    own = tuple(example for example in enrolled if example.state in config.states)
    if others := sorted({example.state for example in enrolled} - set(config.states)):
        log.warning("states.%s: its enrolled examples of %s are left out: no state of it", name, ", ".join(others))
    return SetDefinition(
        name=name,
        config=config,
        is_configured=True,
        places=config.places or _places(own),
        pictures=pictures,
        enrolled=own,
        references=config.references,
        least=FOR_A_HEAD if config.references else 1,
    )


def _of_enrolled(name: str, enrolled: tuple[EnrolledExample, ...]) -> SetDefinition:
    states = tuple(dict.fromkeys(example.state for example in enrolled))
    config = StateSetConfig.model_construct(of=states)  # unchecked, because a first state makes no set yet
    return SetDefinition(name=name, config=config, is_configured=False, places=_places(enrolled), enrolled=enrolled)


def _places(enrolled: Sequence[EnrolledExample]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(place for example in enrolled for place in example.places))
