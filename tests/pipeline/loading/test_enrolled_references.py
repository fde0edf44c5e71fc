"""The enrolled references in use: as they were published, or embedded again for another model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from edged.enrolled import Enrolled, EnrolledStore
from edged.pipeline.loading.enrolled_references import EnrolledReferences, comparable
from edged.references import ReferenceGroup, References
from edged.regions import Box
from edged.values import PixelFormat, Rotation
from edged.vision.embedder import Embedder, EmbedderOptions
from edged.vision.pictures.png import to_png
from edged.vision.tflite.model_file import read_model
from edged.vision.unit_vectors import UnitRows
from tests.enrolling import enrolled

PICTURE = np.random.default_rng(5).integers(0, 256, (90, 120, 3), np.uint8)

Open = Callable[..., Embedder]


def only(group: ReferenceGroup) -> NDArray[Any]:
    """The vector of the only reference in *group*, which has one."""
    (reference,) = group.references
    assert reference.count == 1
    (row,) = group.rows
    return row


def unit(vector: NDArray[Any]) -> NDArray[Any]:
    """*vector* brought to length 1."""
    (row,) = UnitRows.of([vector])
    return row


@pytest.fixture
def enrolled_references(tmp_path: Path) -> EnrolledReferences:
    return EnrolledReferences(EnrolledStore(tmp_path / "references"))


@pytest.fixture
def model(cases: Path) -> Open:
    def load(name: str = "small96_uint8_meta", **options: Any) -> Embedder:
        return Embedder(read_model(cases / f"{name}.tflite"), EmbedderOptions(**options))

    return load


def vector_of(picture: NDArray[np.uint8], embedder: Embedder, rotation: Rotation = 90) -> NDArray[np.float32]:
    vector = np.zeros(embedder.dimension, np.float32)
    box = Box(0, 0, picture.shape[1], picture.shape[0])
    embedder.embed(picture, PixelFormat.RGB, box, rotation, vector)
    return vector


def enrol(enrolled_references: EnrolledReferences, name: str, embedder: Embedder, **other: Any) -> Enrolled:
    """As a daemon with *embedder* would have done it."""
    assert enrolled_references.store is not None
    usual: dict[str, Any] = {"vector": vector_of(PICTURE, embedder), "space_id": embedder.space_id}
    added = enrolled_references.store.add(replace(enrolled(name), **usual | other), to_png(PICTURE))
    enrolled_references.store.close()
    return added


def go_on() -> None:
    """Nothing stops it."""


def test_in_the_same_space_the_very_vector_that_was_published_is_used(
    enrolled_references: EnrolledReferences, model: Open
) -> None:
    with model() as embedder:
        marked = vector_of(PICTURE, embedder)
        marked[0] += 1  # so that it is no vector of the picture
        enrol(enrolled_references, "gate", embedder, vector=marked)
        (group,) = enrolled_references.open(embedder, (), go_on)
    assert np.array_equal(only(group), unit(marked))
    assert group.places == ("street/path",)


def test_in_another_space_its_picture_is_embedded_again_in_just_the_same_way(
    enrolled_references: EnrolledReferences, model: Open
) -> None:
    with model() as before, model("small96_float_meta") as after:
        enrol(enrolled_references, "gate", before)
        (group,) = enrolled_references.open(after, (), go_on)
        assert np.array_equal(only(group), unit(vector_of(PICTURE, after)))
        (again,) = enrolled_references.open(before, (), go_on)  # a model that is given up again changes nothing
        assert np.array_equal(only(again), unit(vector_of(PICTURE, before)))


def test_a_picture_is_embedded_once_for_each_space(enrolled_references: EnrolledReferences, model: Open) -> None:
    with model() as before, model("small96_float_meta") as after:
        enrol(enrolled_references, "gate", before)
        parts: list[int] = []
        for _ in range(3):
            enrolled_references.open(after, (), lambda: parts.append(1))
        assert len(parts) == 1
        assert enrolled_references.missing(enrolled_references.load(), after) == []
        enrolled_references.forget_all_but([])
        assert len(enrolled_references.missing(enrolled_references.load(), after)) == 1


def test_vectors_are_kept_only_of_references_that_stay(enrolled_references: EnrolledReferences, model: Open) -> None:
    with model() as before, model("small96_float_meta") as after:
        gate, yard = (enrol(enrolled_references, name, before) for name in ("gate", "yard"))
        enrolled_references.open(after, (), go_on)
        assert enrolled_references.missing([gate, yard], after) == []
        enrolled_references.forget_all_but([gate])
        assert enrolled_references.missing([gate, yard], after) == [yard]


def test_the_state_stays_the_same_until_another_vector_is_there(
    enrolled_references: EnrolledReferences, model: Open
) -> None:
    with model() as before, model("small96_float_meta") as after:
        gate = enrol(enrolled_references, "gate", before)
        assert enrolled_references.entries == tuple(enrolled_references.load())
        state = enrolled_references.state
        assert all(now is then for now, then in zip(enrolled_references.state, state, strict=True))
        enrolled_references.embed(gate, after)
        assert [now is then for now, then in zip(enrolled_references.state, state, strict=True)] == [True, False]


def test_that_a_reference_gives_way_is_the_first_problem_with_it(
    enrolled_references: EnrolledReferences, model: Open
) -> None:
    with model() as before, model("small96_float_meta") as after:
        gate = enrol(enrolled_references, "gate", before)
        problems = [enrolled_references.in_space([gate], after, names)[0].problem for names in ((), {"gate"})]
    assert problems == ["its picture has not been embedded yet", "the configuration has a reference of that name"]


def test_what_cannot_be_embedded_again_is_named_and_never_compared(
    enrolled_references: EnrolledReferences, model: Open, caplog: pytest.LogCaptureFixture
) -> None:
    with model() as before, model("small96_float_meta") as after:
        enrol(enrolled_references, "gate", before)
        spoilt = enrol(enrolled_references, "yard", before)
        spoilt.picture.write_bytes(bytes(spoilt.picture.stat().st_size))
        found = enrolled_references.open(after, (), go_on)
        assert [reference.name for group in found for reference in group.references] == ["gate"]
        assert "enrolled reference yard is not compared" in caplog.text
        assert "is not the picture that was enrolled" in caplog.text
        yard = enrolled_references.in_space(enrolled_references.load(), after, ())[1]
        assert yard.vector is None
        assert yard.problem is not None


def test_a_vector_of_another_size_than_its_space_has_is_not_compared(
    enrolled_references: EnrolledReferences, model: Open
) -> None:
    with model() as embedder:
        enrol(enrolled_references, "gate", embedder, vector=np.ones(3, np.float32))
        (group,) = enrolled_references.open(embedder, (), go_on)
        assert np.array_equal(only(group), unit(vector_of(PICTURE, embedder)))


def test_a_reference_of_the_configuration_comes_first(
    enrolled_references: EnrolledReferences, model: Open, caplog: pytest.LogCaptureFixture
) -> None:
    with model() as embedder:
        enrol(enrolled_references, "gate", embedder, enter=0.9, leave=0.8)
        (hidden,) = enrolled_references.in_space(enrolled_references.load(), embedder, {"gate"})
        assert hidden.problem == "the configuration has a reference of that name"
        enrolled_references.open(embedder, {"gate"}, go_on)
    assert "enrolled reference gate is not compared: the configuration has a reference of that name" in caplog.text
    assert enrolled_references.rules({"gate"}) == []
    (rule,) = enrolled_references.rules(())
    assert (rule.thresholds.enter, rule.thresholds.leave, rule.places) == (0.9, 0.8, ("street/path",))
    (back,) = comparable([hidden])  # where a reload takes the other one out of the configuration
    assert list(References((), [back])) == [back]


@pytest.mark.parametrize(
    ("was", "now", "expected_size"),
    [("reduced", "reduced", (240, 320)), ("full", "reduced", (120, 160)), ("full", "full", (240, 320))],
)
def test_a_picture_is_reduced_once_where_frames_are(
    enrolled_references: EnrolledReferences,
    model: Open,
    was: Literal["full", "reduced"],
    now: Literal["full", "reduced"],
    expected_size: tuple[int, int],
) -> None:
    """Frames of a reduced decode have been reduced when they are enrolled; of a full one they have not."""
    large = np.random.default_rng(5).integers(0, 256, (240, 320, 3), np.uint8)
    sizes = []
    with model() as before, model(decode=now) as after:
        assert enrolled_references.store is not None
        entry = replace(enrolled("gate"), vector=vector_of(large, before), space_id=before.space_id, decode=was)
        kept = enrolled_references.store.add(entry, to_png(large))
        embed = after.embed

        def note(picture: NDArray[np.uint8], *rest: Any) -> None:
            sizes.append(picture.shape[:2])
            embed(picture, *rest)

        after.embed = note  # type: ignore[method-assign,assignment]  # to see what it is given
        enrolled_references.embed(kept, after)
        enrolled_references.store.close()
    assert sizes == [expected_size]


def test_a_picture_of_which_the_model_makes_nothing_is_not_compared(
    enrolled_references: EnrolledReferences, model: Open
) -> None:
    with model() as before, model("small96_float_meta") as after:
        gate = enrol(enrolled_references, "gate", before)
        after.embed = lambda *_: None  # type: ignore[method-assign]  # so that the vector stays zero
        enrolled_references.embed(gate, after)
        (found,) = enrolled_references.in_space([gate], after, ())
    assert found.vector is None
    assert found.problem == f"{gate.picture}: the model gives a vector of zeros, which is like nothing"


def test_only_a_reference_with_thresholds_makes_events(enrolled_references: EnrolledReferences, model: Open) -> None:
    with model() as embedder:
        enrol(enrolled_references, "gate", embedder)
        enrol(enrolled_references, "yard", embedder, enter=0.9, leave=0.8)
        enrol(enrolled_references, "door", embedder, leave=0.8)
        groups = enrolled_references.open(embedder, (), go_on)
    assert [ref.name for group in groups for ref in group.references if ref.makes_events] == ["yard"]
    assert [rule.reference for rule in enrolled_references.rules(())] == ["yard"]


def test_without_a_folder_there_is_nothing(model: Open) -> None:
    with model() as embedder:
        assert EnrolledReferences(None).open(embedder, (), go_on) == []
    assert EnrolledReferences(None).entries == ()
