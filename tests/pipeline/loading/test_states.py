"""Sets of states in use: defined by configuration and enrolment, and with the heads that their examples make."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edged.config import ConfigFileError, Loaded, load_text
from edged.enrolled import EnrolledExample, ExampleStore, example_store
from edged.pipeline.loading import example_vectors, set_definitions, states
from edged.pipeline.loading.example_vectors import made_by, vectors_of_picture
from edged.pipeline.loading.set_definitions import SetDefinition, set_problems
from edged.pipeline.loading.states import LearnedSet, StateSets
from edged.states import VARIANTS, Classifier, StateHead, leave_one_out, variants
from edged.values import Rotation
from edged.vision.embedder import Embedder, EmbedderOptions
from edged.vision.pictures.png import to_png
from edged.vision.pixels.reduction import Decode
from edged.vision.tflite.model_file import read_model
from edged.vision.whole_picture import embed_whole
from tests.enrolling_examples import example

Picture = NDArray[np.uint8]
Vector = NDArray[np.float32] | NDArray[np.int8]

CAMERA = "cameras: {dock: {source: 'file:a.mp4', regions: {bay: {}, gate: {}}}}\n"
BAY = f"{CAMERA}states: {{bay: {{of: [empty, truck], for: [dock/bay]}}}}"


def picture(state: str, number: int = 0) -> Picture:
    """A picture that shows *state*: stripes that lie or stand, with noise that differs."""
    rows, columns = np.mgrid[0:90, 0:120]
    along = {"empty": rows, "truck": columns, "blocked": rows + columns}[state]
    noise = np.random.default_rng(number).integers(0, 60, (90, 120, 3))
    drawn: Picture = np.clip((along % 24 * 8)[..., None] + noise, 0, 255).astype(np.uint8)
    return drawn


@pytest.fixture
def embedder(cases: Path) -> Iterator[Embedder]:
    with Embedder(read_model(cases / "small96_uint8_meta.tflite"), EmbedderOptions()) as embedder:
        yield embedder


@pytest.fixture
def other(cases: Path) -> Iterator[Embedder]:
    with Embedder(read_model(cases / "small96_float_meta.tflite"), EmbedderOptions()) as embedder:
        yield embedder


class Daemon:
    """What opens sets with a model, as a daemon does at its start, and counts what it embeds."""

    def __init__(self, folder: Path, embedder: Embedder) -> None:
        self.folder = folder
        self.embedder = embedder
        self.store = ExampleStore(folder / "examples")
        self.sets = StateSets(self.store)
        self.embedded = 0

    def read(self, text: str) -> Loaded:
        return load_text(text, self.folder / "edged.yaml")

    def embed(self, picture: Picture, rotation: Rotation, decode: Decode) -> Vector:
        self.embedded += 1
        return embed_whole(picture, rotation, decode, self.embedder)

    def open(self, text: str = CAMERA, references: Collection[str] = ()) -> dict[str, LearnedSet]:
        opened = self.sets.open(self.read(text), references, self.embedder, self.embed, lambda: None)
        return {learned.definition.name: learned for learned in opened}

    def learn(self, name: str, old: LearnedSet, text: str = CAMERA) -> LearnedSet:
        definition = self.define(text)[name]
        return self.sets.learn(self.read(text), definition, self.embedder, self.embed, head_of(old))

    def define(self, text: str = CAMERA, references: Collection[str] = ()) -> dict[str, SetDefinition]:
        return {each.name: each for each in self.sets.define(self.read(text), references)}

    def enrol(self, state: str, number: int = 0, set_name: str = "bay", shows: str = "") -> EnrolledExample:
        shown = picture(shows or state, number)
        vectors = vectors_of_picture(shown, 90, "full", partial(self.embed))
        return self.store.add(example(state, number, set_name), to_png(shown), vectors, made_by(self.embedder.space_id))

    def enrol_each(self, count: int, *names: str) -> list[EnrolledExample]:
        return [self.enrol(state, number) for number in range(count) for state in names]

    def restart(self, embedder: Embedder | None = None) -> Daemon:
        self.store.close()
        return Daemon(self.folder, embedder or self.embedder)

    def decides(self, learned: LearnedSet, shows: str, rotation: Rotation = 90) -> str:
        vector = self.embed(picture(shows, 99), rotation, "full")
        assert learned.state_set is not None
        (answer,) = Classifier([learned.state_set]).answers(vector)
        return max(answer.p, key=lambda each: each[1])[0]


@pytest.fixture
def daemon(tmp_path: Path, embedder: Embedder) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path, embedder)
    yield daemon
    daemon.store.close()


def head_of(learned: LearnedSet) -> StateHead | None:
    """The head that decides, if there is one."""
    return None if learned.state_set is None else learned.state_set.head


def keys_of(learned: LearnedSet) -> tuple[str, ...]:
    """The examples of the head that decides; none without one."""
    head = head_of(learned)
    return () if head is None else head.keys


def states_of(learned: LearnedSet) -> tuple[str, ...]:
    """The states that are decided; none if nothing is."""
    return () if learned.state_set is None else learned.state_set.states


def write(folder: Path, state: str, count: int) -> None:
    """A folder of pictures that show *state*, with its name."""
    (folder / state).mkdir()
    for number in range(count):
        (folder / state / f"{number}.png").write_bytes(to_png(picture(state, number)))


# -- definitions ------------------------------------------------------------------------------------------------------


def test_a_set_that_is_enrolled_only_has_its_states_and_places_of_there(daemon: Daemon) -> None:
    daemon.enrol("truck")
    daemon.enrol("empty", 1)
    (found,) = daemon.define().values()
    assert (found.states, found.places) == (("truck", "empty"), ("dock/bay",))
    assert found.counts == {"truck": 1, "empty": 1}
    assert not found.is_configured


def test_a_configured_set_has_its_settings_and_its_enrolled_examples(daemon: Daemon) -> None:
    daemon.enrol("truck")
    settings = "unknown_below: 0.8, min_seconds: 2, unknown_seconds: 9, events: [truck], review: true"
    text = f"{CAMERA}states: {{bay: {{of: [empty, truck], for: [dock/gate], {settings}}}, yard: {{of: [a, b]}}}}"
    found = daemon.define(text)
    bay = found["bay"]
    assert list(found) == ["bay", "yard"]
    assert (bay.states, bay.places) == (("empty", "truck"), ("dock/gate",))
    assert (bay.config.unknown_below, bay.config.min_seconds, bay.config.unknown_seconds) == (0.8, 2, 9)
    assert (bay.config.events, bay.config.review, bay.is_configured) == (("truck",), True, True)
    assert bay.counts == {"empty": 0, "truck": 1}
    without_places = daemon.define(f"{CAMERA}states: {{bay: {{of: [empty, truck]}}}}")["bay"]
    assert without_places.places == ("dock/bay",)


def test_enrolled_examples_of_other_states_are_left_out_and_named(
    daemon: Daemon, caplog: pytest.LogCaptureFixture
) -> None:
    daemon.enrol("blocked")
    daemon.enrol("truck", 1)
    assert daemon.define(BAY)["bay"].counts == {"empty": 0, "truck": 1}
    assert caplog.messages == ["states.bay: its enrolled examples of blocked are left out: no state of it"]


def test_an_enrolled_set_gives_way_to_a_reference_of_its_name(daemon: Daemon, caplog: pytest.LogCaptureFixture) -> None:
    daemon.enrol("truck")
    assert daemon.define(references={"bay"}) == {}
    assert caplog.messages == ["enrolled set bay decides nothing: there is a reference of that name"]


def test_grouped_references_decide_until_each_state_has_three_examples(
    daemon: Daemon, caplog: pytest.LogCaptureFixture
) -> None:
    text = f"{CAMERA}states: {{bay: {{of: {{empty: e, truck: t}}, for: [dock]}}}}"
    daemon.enrol_each(2, "empty", "truck")
    daemon.enrol("truck", 5)
    learned = daemon.open(text, {"e", "t"})["bay"]
    assert learned.state_set is not None
    assert learned.state_set.references == {"empty": "e", "truck": "t"}
    assert head_of(learned) is None
    assert caplog.messages == [], "that is no problem"
    last = daemon.enrol("empty", 6)
    learned = daemon.open(text, {"e", "t"})["bay"]
    assert head_of(learned) is not None
    daemon.store.remove([last.id])
    assert head_of(daemon.open(text, {"e", "t"})["bay"]) is None, "it goes back"


def test_a_group_keeps_its_references_while_one_does_not_exist(daemon: Daemon) -> None:
    text = f"{CAMERA}states: {{bay: {{of: {{empty: e, truck: t}}, for: [dock]}}}}"
    learned = daemon.open(text, {"e"})["bay"]
    assert learned.state_set is not None
    assert learned.state_set.references == {"empty": "e", "truck": "t"}, "it may be enrolled later"


# -- pictures of the configuration ------------------------------------------------------------------------------------

IMAGES = "states: {bay: {for: [dock], of: [empty, truck], images: {empty: [empty], truck: [truck/]}}}"


def test_folders_of_pictures_are_examples(daemon: Daemon) -> None:
    write(daemon.folder, "empty", 3)
    write(daemon.folder, "truck", 2)
    learned = daemon.open(CAMERA + IMAGES)["bay"]
    assert learned.definition.counts == {"empty": 3, "truck": 2}
    assert daemon.embedded == 5 * (1 + VARIANTS)
    assert [daemon.decides(learned, state, 0) for state in ("empty", "truck")] == ["empty", "truck"]


def test_what_pictures_taught_is_kept_until_one_of_them_changes(daemon: Daemon) -> None:
    write(daemon.folder, "empty", 2)
    write(daemon.folder, "truck", 2)
    daemon.open(CAMERA + IMAGES)
    again = daemon.restart()
    assert head_of(again.open(CAMERA + IMAGES)["bay"]) is not None
    assert again.embedded == 0
    (daemon.folder / "truck" / "0.png").write_bytes(to_png(picture("truck", 7)))
    again.open(CAMERA + IMAGES)
    assert again.embedded == 4 * (1 + VARIANTS)
    blue = again.restart()
    blue.open(CAMERA + IMAGES + "\nbackground: [0, 0, 255]")
    assert blue.embedded == 4 * (1 + VARIANTS), "another background makes other pictures"
    blue.store.close()


def test_pictures_are_embedded_once_in_a_run_whatever_is_enrolled_beside_them(
    daemon: Daemon, embedder: Embedder, other: Embedder
) -> None:
    write(daemon.folder, "empty", 2)
    write(daemon.folder, "truck", 2)
    learned = daemon.open(CAMERA + IMAGES)["bay"]
    daemon.enrol("truck", 9)
    daemon.embedded = 0
    again = daemon.learn("bay", learned, CAMERA + IMAGES)
    assert daemon.embedded == 0
    assert len(keys_of(again)) == 5
    assert [daemon.decides(again, state, 0) for state in ("empty", "truck")] == ["empty", "truck"]
    daemon.embedder, daemon.embedded = other, 0
    daemon.open(CAMERA + IMAGES)
    assert daemon.embedded == 5 * (1 + VARIANTS), "another model makes other vectors"


def test_a_picture_that_is_too_long_for_its_variants_is_refused_at_its_place(daemon: Daemon) -> None:
    write(daemon.folder, "empty", 1)
    (daemon.folder / "truck").mkdir()
    (daemon.folder / "truck" / "0.png").write_bytes(to_png(np.zeros((2, 40_000, 3), np.uint8)))
    with pytest.raises(ConfigFileError, match=r"images\.truck\[0\]: .*: must have sides of at most 32766 pixels"):
        daemon.open(CAMERA + IMAGES)


def test_a_set_of_more_states_than_a_head_can_have_learns_nothing(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(example_store, "MOST_STATES", 99)  # as if another program had written the folder
    for number in range(9):
        daemon.enrol(f"s{number}", number, shows="truck")
    learned = daemon.open()["bay"]
    assert learned.state_set is None
    assert learned.objection == "it has more than 8 states, or more than 400 examples"


def test_a_picture_counts_once_and_shows_one_state(daemon: Daemon) -> None:
    write(daemon.folder, "empty", 2)
    write(daemon.folder, "truck", 1)
    copy = daemon.folder / "empty" / "copy.png"
    copy.write_bytes((daemon.folder / "empty" / "0.png").read_bytes())
    assert daemon.define(CAMERA + IMAGES)["bay"].counts["empty"] == 2
    copy.write_bytes((daemon.folder / "truck" / "0.png").read_bytes())
    with pytest.raises(ConfigFileError, match=r"images\.truck\[0\]: .* are the same picture, of truck and empty"):
        daemon.define(CAMERA + IMAGES)


def test_every_picture_that_cannot_be_used_is_reported_at_its_place(daemon: Daemon) -> None:
    text = f"{CAMERA}states: {{bay: {{for: [dock], of: [empty, truck], images: {{empty: [e.png], truck: [t.png]}}}}}}"
    with pytest.raises(ConfigFileError) as caught:
        daemon.open(text)
    assert [problem.path for problem in caught.value.problems] == [
        "states.bay.images.empty[0]",
        "states.bay.images.truck[0]",
    ]
    for name in ("e.png", "t.png"):
        (daemon.folder / name).write_text(f"{name} is no picture")
    with pytest.raises(ConfigFileError) as caught:
        daemon.open(text)
    assert len(caught.value.problems) == 2
    assert caught.value.problems[0].line == 2


def test_a_check_finds_pictures_that_cannot_be_used_without_a_model(daemon: Daemon) -> None:
    write(daemon.folder, "empty", 1)
    (daemon.folder / "truck").mkdir()
    (daemon.folder / "truck" / "0.png").write_text("no picture")
    (problem,) = set_problems(daemon.read(CAMERA + IMAGES))
    assert problem.path == "states.bay.images.truck[0]"
    (daemon.folder / "truck" / "0.png").unlink()
    (problem,) = set_problems(daemon.read(CAMERA + IMAGES))
    assert problem.path == "states.bay.images.truck[0]"
    assert daemon.embedded == 0


def test_a_set_has_so_many_pictures_at_most(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set_definitions.MOST_IMAGES == 200
    monkeypatch.setattr(set_definitions, "MOST_IMAGES", 3)
    write(daemon.folder, "empty", 2)
    write(daemon.folder, "truck", 2)
    with pytest.raises(ConfigFileError, match=r"states\.bay\.images: must be at most 3 pictures \(got 4\)"):
        daemon.define(CAMERA + IMAGES)


def test_a_picture_is_embedded_whole_and_its_variants_after_it(daemon: Daemon) -> None:
    shown = picture("truck")
    vectors = vectors_of_picture(shown, 90, "full", daemon.embed)
    expected = [daemon.embed(each, 90, "full") for each in (shown, *variants(shown))]
    assert np.array_equal(vectors, expected)
    before = daemon.embedded
    own = np.ones(daemon.embedder.dimension, np.float32)
    assert np.array_equal(vectors_of_picture(shown, 90, "full", daemon.embed, own)[0], own)
    assert daemon.embedded == before + VARIANTS


# -- heads ------------------------------------------------------------------------------------------------------------


def test_enrolled_examples_make_a_head_and_a_start_learns_nothing_again(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.enrol_each(3, "empty", "truck")
    learned = daemon.open()["bay"]
    assert learned.objection is None
    assert learned.training is None, "it takes much memory"
    assert [daemon.decides(learned, state) for state in ("empty", "truck")] == ["empty", "truck"]
    monkeypatch.setattr(states, "read_examples", None)
    again = daemon.restart()
    head, before = head_of(again.open()["bay"]), head_of(learned)
    assert head is not None
    assert before is not None
    assert np.array_equal(head.rows, before.rows)
    assert head.keys == before.keys
    assert again.embedded == 0


def test_without_a_head_the_kept_vectors_are_enough(daemon: Daemon) -> None:
    daemon.enrol_each(2, "empty", "truck")
    again = daemon.restart()
    assert head_of(again.open()["bay"]) is not None
    assert again.embedded == 0
    again.store.close()


def test_another_recipe_makes_vectors_and_heads_anew(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon.enrol_each(2, "empty", "truck")
    daemon.open()
    daemon.embedded = 0
    monkeypatch.setattr(example_vectors, "RECIPE", 99)
    daemon.open()
    assert daemon.embedded == 4 * (1 + VARIANTS)


def test_after_a_change_of_model_each_picture_is_embedded_again_and_once(daemon: Daemon, other: Embedder) -> None:
    daemon.enrol_each(2, "empty", "truck")
    daemon.open()
    changed = daemon.restart(other)
    learned = changed.open()["bay"]
    assert changed.embedded == 4 * (1 + VARIANTS)
    head = head_of(learned)
    assert head is not None
    assert head.space_id == other.space_id
    assert [changed.decides(learned, state) for state in ("empty", "truck")] == ["empty", "truck"]
    kept = changed.store.load()[0]
    given = changed.store.vectors_of(kept, made_by(other.space_id))
    assert given is not None
    own = embed_whole(picture("empty"), 90, "full", other).astype(np.float64)
    cosine = own @ given[0] / np.linalg.norm(own) / np.linalg.norm(given[0].astype(np.float64))
    assert cosine > 0.99999, "it was rotated as the region is"
    (changed.store.folder / "bay.head").unlink()
    again = changed.restart()
    again.open()
    assert again.embedded == 0
    again.store.close()


def test_vectors_of_another_size_than_the_model_gives_are_made_again(daemon: Daemon) -> None:
    daemon.enrol_each(2, "empty", "truck")
    for kept in daemon.store.load():
        daemon.store.keep_vectors(kept, np.ones((5, 3)), made_by(daemon.embedder.space_id))
    daemon.embedded = 0
    assert head_of(daemon.open()["bay"]) is not None
    assert daemon.embedded == 4 * (1 + VARIANTS)


def test_an_example_that_cannot_be_embedded_is_left_out_and_named(
    daemon: Daemon, other: Embedder, caplog: pytest.LogCaptureFixture
) -> None:
    kept = daemon.enrol_each(2, "empty", "truck")
    kept[0].picture.write_bytes(bytes(kept[0].picture.stat().st_size))
    learned = daemon.restart(other).open()["bay"]
    assert len(keys_of(learned)) == 3
    assert f"example {kept[0].id} of bay is left out: " in caplog.text


def test_what_is_missing_is_one_line_of_the_log(daemon: Daemon, caplog: pytest.LogCaptureFixture) -> None:
    daemon.enrol("truck")
    assert daemon.open()["bay"].state_set is None
    assert caplog.messages == ["set bay decides nothing yet: a second state has no example yet"]
    caplog.clear()
    assert daemon.open(BAY)["bay"].state_set is None
    assert caplog.messages == ["set bay decides nothing yet: empty has no example yet"]


def test_a_new_head_takes_over_and_can_be_judged(daemon: Daemon) -> None:
    daemon.enrol_each(2, "empty", "truck")
    before = daemon.open()["bay"]
    daemon.enrol("truck", 8)
    learned = daemon.learn("bay", before)
    assert learned.objection is None
    assert len(keys_of(learned)) == 5
    assert learned.training is not None
    assert not any(each.is_wrong for each in leave_one_out(learned.training))
    kept = head_of(daemon.restart().open()["bay"])
    assert kept is not None
    assert kept.keys == keys_of(learned)


def test_a_relabelled_example_makes_another_head_of_the_same_examples(daemon: Daemon) -> None:
    daemon.enrol_each(2, "empty", "truck")
    wrong = daemon.enrol("truck", 9, shows="empty")
    before = daemon.open()["bay"]
    daemon.store.relabel(wrong.id, "empty")
    learned = daemon.learn("bay", before)
    assert learned.training is not None, "it was learned"
    assert learned.definition.counts == {"empty": 3, "truck": 2}


def test_a_head_that_is_worse_about_earlier_examples_does_not_take_over_not_even_after_a_restart(
    daemon: Daemon, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.enrol_each(1, "empty", "truck")
    before = daemon.open()["bay"]
    head = head_of(before)
    assert head is not None
    daemon.enrol("truck", 5, shows="empty")
    monkeypatch.setattr("edged.states.acceptance.errors", lambda judging, _: 0 if judging.keys == head.keys else 1)
    learned = daemon.learn("bay", before)
    assert learned.objection is not None
    assert "would be wrong about 1 of the 2 earlier examples" in learned.objection
    assert head_of(learned) is head
    assert learned.training is not None
    again = daemon.restart().open()["bay"]
    assert keys_of(again) == head.keys
    assert caplog.messages == [f"set bay decides with an earlier head: {learned.objection}"]


def test_a_set_whose_new_state_is_refused_has_the_states_of_its_head(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.enrol_each(2, "empty", "truck")
    before = daemon.open()["bay"]
    daemon.enrol("blocked", 5)
    monkeypatch.setattr("edged.states.acceptance.errors", lambda judging, _: len(judging.states))
    learned = daemon.learn("bay", before)
    assert learned.definition.states == ("empty", "truck", "blocked")
    assert states_of(learned) == ("empty", "truck")
    assert daemon.decides(learned, "truck") == "truck"


def test_a_state_without_examples_leaves_the_head_in_use_and_two_end_it(daemon: Daemon) -> None:
    text = f"{CAMERA}states: {{bay: {{of: [empty, truck, blocked]}}}}"
    kept = daemon.enrol_each(2, "empty", "truck", "blocked")
    before = daemon.open(text)["bay"]
    daemon.store.remove([each.id for each in kept if each.state == "blocked"])
    learned = daemon.learn("bay", before, text)
    assert head_of(learned) is head_of(before)
    assert learned.objection == "blocked has no example yet"
    daemon.store.remove([each.id for each in kept if each.state == "truck"])
    learned = daemon.learn("bay", before, text)
    assert learned.state_set is None
    assert not (daemon.store.folder / "bay.head").exists()


def test_a_head_of_another_model_is_not_in_use_whatever_is_missing(daemon: Daemon, other: Embedder) -> None:
    text = f"{CAMERA}states: {{bay: {{of: [empty, truck, blocked]}}}}"
    kept = daemon.enrol_each(2, "empty", "truck", "blocked")
    before = daemon.open(text)["bay"]
    daemon.store.remove([each.id for each in kept if each.state == "blocked"])
    changed = daemon.restart(other)
    assert changed.learn("bay", before, text).state_set is None
    daemon = changed.restart(daemon.embedder)
    daemon.enrol("blocked")
    daemon.open(text)
    daemon.store.remove([daemon.store.load()[-1].id])
    changed = daemon.restart(other)
    assert changed.open(text)["bay"].state_set is None


def test_a_state_that_was_enrolled_only_ends_with_its_examples(daemon: Daemon) -> None:
    kept = daemon.enrol_each(2, "empty", "truck", "blocked")
    before = daemon.open()["bay"]
    daemon.store.remove([each.id for each in kept if each.state == "blocked"])
    learned = daemon.learn("bay", before)
    assert learned.objection is None
    assert states_of(learned) == ("empty", "truck")


@pytest.mark.parametrize("spoilt", [b"", b"x" * 200, None])
def test_a_head_that_is_damaged_is_learned_again(
    daemon: Daemon, caplog: pytest.LogCaptureFixture, spoilt: bytes | None
) -> None:
    daemon.enrol_each(2, "empty", "truck")
    daemon.open()
    file = daemon.store.folder / "bay.head"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] if spoilt is None else spoilt)
    assert head_of(daemon.open()["bay"]) is not None
    assert "the head of bay is not a head, or is damaged" in caplog.text
    assert file.read_bytes() == whole


def test_a_head_of_other_labels_is_not_taken_for_the_one_of_these(daemon: Daemon) -> None:
    daemon.enrol_each(2, "empty", "truck")
    daemon.open()
    file = daemon.store.folder / "bay.head"
    content = file.read_bytes()
    file.write_bytes(b"0" * 64 + content[64:])
    daemon.open()
    assert file.read_bytes() == content


def test_a_folder_that_another_process_writes_to_costs_time_only(
    daemon: Daemon, other: Embedder, caplog: pytest.LogCaptureFixture
) -> None:
    daemon.enrol_each(2, "empty", "truck")
    second = Daemon(daemon.folder, other)
    assert head_of(second.open()["bay"]) is not None
    assert "the head of bay is not kept: " in caplog.text
    assert "is embedded again at the next start" in caplog.text


def test_without_a_state_folder_pictures_are_enough(daemon: Daemon) -> None:
    write(daemon.folder, "empty", 1)
    write(daemon.folder, "truck", 1)
    sets = StateSets(None)
    loaded = daemon.read(CAMERA + IMAGES)
    (learned,) = sets.open(loaded, (), daemon.embedder, daemon.embed, lambda: None)
    assert head_of(learned) is not None


def test_embedding_can_be_ended_before_each_picture(daemon: Daemon, other: Embedder) -> None:
    daemon.enrol_each(2, "empty", "truck")
    changed = daemon.restart(other)
    calls = iter(range(7))

    def go_on() -> None:
        if next(calls, None) is None:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        changed.sets.open(changed.read(CAMERA), (), other, changed.embed, go_on)
    assert changed.embedded == 6
    changed.embedded = 0
    changed.open()
    assert changed.embedded == 3 * (1 + VARIANTS), "what was done is kept"
