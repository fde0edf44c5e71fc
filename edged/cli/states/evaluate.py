"""``edged states --evaluate``: how right a set of states is about labelled pictures in folders."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from edged.cli.progress import Bar
from edged.cli.states.evaluation_text import Evaluation
from edged.cli.text import printable
from edged.errors import EdgedError, PictureError, ReferenceImageError, StateError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edged.config import Loaded
    from edged.pipeline.loading.set_definitions import SetDefinition
    from edged.pipeline.loading.states import LearnedSet, StateSets
    from edged.states.evaluation import Judged, Light
    from edged.vision.embedder import Embedder

__all__ = ["evaluate"]


def evaluate(config: str, name: str | None, folder: Path) -> Evaluation:
    """Return what the set *name* of the daemon with the configuration *config* decides about labelled pictures.

    They are in *folder*, in a folder for each state. *name* may be None if there is only one set.

    Raises:
        EdgedError: there is no such set, it has learned nothing yet, or there are no such pictures.
    """
    from edged.config import load
    from edged.config.environment import state_folder
    from edged.enrolled import ReadOnlyExamples
    from edged.pipeline.loading.model import open_model, read_fallback_file, read_model_file
    from edged.pipeline.loading.states import StateSets

    loaded, state = load(config), state_folder()
    sets = StateSets(None if state is None else ReadOnlyExamples(state / "examples"))
    with _only_errors_logged():
        definition = _chosen(sets.define(loaded, loaded.config.references), name)
        pictures = _labelled(folder, definition.states)
        with open_model(loaded, read_model_file(loaded), read_fallback_file(loaded)) as embedder:
            learned = _learned(loaded, sets, definition, embedder)
            judged, failed = _judge(loaded, learned, pictures, embedder, folder)
        return Evaluation(definition.name, definition.states, judged, _taught(loaded, sets, definition), failed)


@contextmanager
def _only_errors_logged() -> Iterator[None]:
    """Leave out what is logged about the sets: the daemon has it in its log."""
    logger = logging.getLogger("edged")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _chosen(definitions: Sequence[SetDefinition], name: str | None) -> SetDefinition:
    known = [each.name for each in definitions]
    chosen = [each for each in definitions if name in (None, each.name)]
    if len(chosen) == 1:
        return chosen[0]
    if not known:
        raise EdgedError(
            "there are no sets of states here; enrolled ones are in the state folder of the daemon's user: run this "
            "as that user, such as with 'sudo -u edged', and with its STATE_DIRECTORY"
        )
    raise EdgedError(f"name one of the sets: {', '.join(known)}" + ("" if name is None else f" (got {name})"))


def _labelled(folder: Path, states: Sequence[str]) -> list[tuple[Path, str]]:
    """Return the pictures in the folders of *folder* that are named after *states*."""
    from edged.references import picture_files

    try:
        names = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as exc:
        raise EdgedError(f"{folder}: cannot be read: {exc.strerror}") from exc
    wrong = [printable(name) for name in names if name not in states]
    if wrong or not names:
        got = f"got {', '.join(wrong)}" if wrong else "there is none"
        raise EdgedError(f"{folder}: must have a folder of pictures for each state: {', '.join(states)} ({got})")
    return [(file, name) for name in names for file in picture_files(folder / name)]


def _learned(loaded: Loaded, sets: StateSets, definition: SetDefinition, embedder: Embedder) -> LearnedSet:
    from edged.vision.whole_picture import embed_whole

    learned = sets.learn(
        loaded,
        definition,
        embedder,
        lambda picture, rotation, decode: embed_whole(picture, rotation, decode, embedder),
    )
    if learned.state_set is None or learned.state_set.head is None:
        reason = learned.objection or "its references decide"
        raise EdgedError(f"{definition.name} has learned nothing from examples: {reason}")
    return learned


def _judge(
    loaded: Loaded, learned: LearnedSet, pictures: Sequence[tuple[Path, str]], embedder: Embedder, folder: Path
) -> tuple[list[Judged], list[str]]:
    """Return the judgements, and an error for each picture that cannot be used."""
    from edged.references import read_reference
    from edged.states import Classifier
    from edged.states.evaluation import Judged, light_of
    from edged.vision.whole_picture import embed_whole

    assert learned.state_set is not None
    classifier = Classifier([learned.state_set])
    judged, failed = [], []
    with Bar("evaluating") as bar:
        for number, (file, label) in enumerate(pictures):
            if bar.is_due:
                bar.show(number / len(pictures), f"{number} of {len(pictures)} pictures")
            try:
                picture = read_reference(file, loaded.config.max_pixels, loaded.config.background)
                vector = embed_whole(picture, 0, "full", embedder)
            except (ReferenceImageError, PictureError) as exc:
                failed.append(str(exc))
                continue
            (answer,) = classifier.answers(vector)
            judged.append(Judged.of(printable(str(file.relative_to(folder))), label, answer, light_of(picture)))
    return judged, failed


def _taught(loaded: Loaded, sets: StateSets, definition: SetDefinition) -> Counter[Light]:
    from edged.states.evaluation import light_of

    return Counter(light_of(picture) for picture in _example_pictures(loaded, sets, definition))


def _example_pictures(loaded: Loaded, sets: StateSets, definition: SetDefinition) -> Iterator[NDArray[np.uint8]]:
    from edged.references import read_reference
    from edged.values import MOST_PIXELS
    from edged.vision.pictures.decoding import decode

    for picture in definition.pictures:
        yield read_reference(picture.path, loaded.config.max_pixels, loaded.config.background)
    for example in definition.enrolled:
        assert sets.store is not None
        try:
            yield decode(sets.store.picture_of(example), exif=True, max_pixels=MOST_PIXELS)
        except (PictureError, StateError):
            continue  # it was left out of what was learned, too
