"""Examples of states, enrolled over the real control socket of a pipeline that runs, and what is decided by them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edged.client import Subscriber
from edged.client.control import ControlClient
from edged.config import load_text
from edged.enrolled import ExampleStore, example_store
from edged.errors import ControlError
from edged.pipeline.build import Pipeline, build
from edged.pipeline.loading.example_vectors import vectors_of_picture
from edged.service.control.server import Control
from edged.service.control.trainer import Lesson, Trainer
from edged.service.daemon import Daemon
from edged.service.running_stages import RunningStages
from edged.states import PictureHealth
from edged.wire import State, Status, Vec
from edged.wire.control_results import SetResult
from tests.fakes import eventually

Picture = NDArray[np.uint8]

MODEL = Path(__file__).parents[2] / "cases" / "small96_uint8_meta.tflite"
CONFIG = """\
node: porch
model: {{path: {model}}}
cameras:
  dock:
    source: "dir:{folder}/view"
    loop: true
    fps: 20
    rotation: 90
    regions: {{bay: {{}}, gate: {{right: 0.5}}}}
  yard: {{source: "usb:/dev/video99"}}
references:
  given: {{images: ["{folder}/given.png"]}}
states:
  door: {{of: [open, shut], for: [dock/gate]}}
  lamp: {{of: [lit, dark], for: [dock/gate], images: {{lit: ["{folder}/given.png"], dark: ["{folder}/dark.png"]}}}}
  path: {{of: {{empty: given, busy: path-busy}}, for: [dock/bay]}}
publish: {{endpoints: ["pub+bind:ipc://pub.sock"]}}
control: {{endpoint: "ipc://control.sock"}}
"""


class Dock:
    """A daemon in threads of this process, whose camera shows a picture that a test chooses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"ipc://{folder}/control.sock"
        self.events = f"ipc://{folder}/pub.sock"
        (folder / "view").mkdir()
        self._shown = 0
        self.show("empty")
        cv2.imwrite(str(folder / "given.png"), np.full((80, 100, 3), 90, np.uint8))
        cv2.imwrite(str(folder / "dark.png"), np.tile(np.arange(100, dtype=np.uint8)[:, None, None], (1, 100, 3)))
        self.pipeline: Pipeline

    def show(self, state: str, number: int = 0) -> None:
        """Show a picture of *state* from the next frame on: stripes that lie or stand, with noise that differs."""
        rows, columns = np.mgrid[0:90, 0:120]
        along = {"empty": rows, "truck": columns, "blocked": rows + columns}[state]
        noise = np.random.default_rng(number).integers(0, 60, (90, 120, 3))
        self._show(np.clip((along % 24 * 8)[..., None] + noise, 0, 255).astype(np.uint8))

    def cover(self) -> None:
        """Show nearly nothing from the next frame on."""
        self._show(np.full((90, 120, 3), 12, np.uint8))

    def _show(self, picture: Picture) -> None:
        self._shown += 1
        new = self.folder / f"{self._shown}.png"
        cv2.imwrite(str(new), picture)
        new.rename(self.folder / "view" / new.name)
        for file in (self.folder / "view").iterdir():
            if file.name != new.name:
                file.unlink()
        self.shown = picture

    @contextmanager
    def running(self) -> Iterator[None]:
        loaded = load_text(CONFIG.format(model=MODEL, folder=self.folder), self.folder / "edged.yaml")
        self.pipeline = build(loaded)
        running = RunningStages(self.pipeline)
        daemon = Daemon(running, beside=[Control(loaded.config.control, running)])
        thread = threading.Thread(target=daemon.run)
        thread.start()
        try:
            eventually(lambda: self.pipeline.inference.facts is not None, "the model is open")
            with Subscriber(self.events, camera="dock") as subscriber:
                assert subscriber.receive(20) is not None
            yield
        finally:
            daemon.stop("the test is over")
            thread.join(20)
            assert not thread.is_alive()

    def until(self, holds: Callable[[Vec], bool], what: str) -> None:
        """Wait for a message about the bay in which that *holds*."""
        with Subscriber(self.events, camera="dock", region="bay") as subscriber:
            eventually(lambda: isinstance(vec := subscriber.receive(5), Vec) and holds(vec), what)

    def answers(self, set_name: str, state: str) -> None:
        """Wait until that is the most probable state of the set in the bay."""

        def holds(vec: Vec) -> bool:
            probable = {each.set: max(each.p, key=lambda name: each.p[name]) for each in vec.states}
            return probable.get(set_name) == state

        self.until(holds, f"{set_name} is {state}")

    def teach(
        self, daemon: ControlClient, state: str, number: int = 0, set_name: str = "bay", frames: int = 1
    ) -> SetResult:
        """Show a picture of that state, and enroll it once frames are of it."""
        self.show(state, number)
        with Subscriber(self.events, camera="dock", region="bay") as subscriber:
            frame_seqs = (vec.frame_seq for vec in subscriber)
            first = next(frame_seqs)
            assert any(frame_seq > first + 2 for frame_seq in frame_seqs)
        return daemon.enroll_state(set_name, state, "dock", "bay", frames=frames)


@pytest.fixture(scope="module")
def dock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dock]:
    dock = Dock(tmp_path_factory.mktemp("dock"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STATE_DIRECTORY", str(dock.folder / "state"))
        with dock.running():
            yield dock


@pytest.fixture
def daemon(dock: Dock) -> Iterator[ControlClient]:
    with ControlClient(dock.address) as client:
        yield client
        for each in client.states():
            if each.examples:
                client.forget(each.name)


def refusal(work: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(ControlError) as refused:
        work()
    return refused.value.code, str(refused.value)


def test_two_states_are_enrolled_and_then_decided(daemon: ControlClient, dock: Dock) -> None:
    with Subscriber(dock.events, camera="dock", region="bay", kinds=("state",)) as subscriber:
        first = dock.teach(daemon, "empty", frames=2)
        assert first.set is not None
        assert (first.set.counts, first.set.learned) == ({"empty": 1}, False)
        assert first.set.objection == "a second state has no example yet"
        assert len(first.similarities) == 2

        second = dock.teach(daemon, "truck")
        assert second.set is not None
        assert (second.set.counts, second.set.learned, second.set.objection) == ({"empty": 1, "truck": 1}, True, None)
        assert second.set.places == ("dock/bay",)

        decided = [subscriber.receive(20) for _ in range(2)]
        dock.show("empty", 7)
        decided.append(subscriber.receive(20))
        changes = [(each.set, each.was, each.state) for each in decided if isinstance(each, State)]
        assert changes == [("bay", "unknown", "unknown"), ("bay", "unknown", "truck"), ("bay", "truck", "empty")]


def test_an_example_is_the_region_as_captured_without_loss(daemon: ControlClient, dock: Dock) -> None:
    (example,) = dock.teach(daemon, "truck").changed
    assert (example.state, example.camera, example.region) == ("truck", "dock", "bay")
    assert np.array_equal(cv2.imread(example.thumbnail), dock.shown)
    assert Path(example.thumbnail).parent == dock.folder / "state" / "examples"


def test_the_list_has_the_examples_and_what_they_prove(daemon: ControlClient, dock: Dock) -> None:
    for number in range(2):
        for state in ("empty", "truck"):
            last = dock.teach(daemon, state, number)
    listed = {each.name: each for each in daemon.states()}
    assert list(listed) == ["door", "lamp", "path", "bay"], "those of the configuration come first"
    assert listed["bay"] == last.set
    assert [example.state for example in listed["bay"].examples] == ["empty", "truck"] * 2
    assert listed["bay"].summary.startswith("2 empty, 2 truck; tested one by one, 0 of 4 wrong: ")
    assert "%" not in listed["bay"].summary.replace("(at 95 %)", "")
    assert listed["bay"].advice == "add 3 of empty: 3 of each state are needed, and 5 are better"
    door = listed["door"]
    assert (door.origin, door.counts, door.learned) == ("config", {"open": 0, "shut": 0}, False)
    assert door.objection == "open has no example, shut has no example yet"


def test_a_relabelled_example_teaches_its_new_state(daemon: ControlClient, dock: Dock) -> None:
    dock.teach(daemon, "empty")
    (wrong,) = dock.teach(daemon, "truck").changed
    dock.answers("bay", "truck")
    result = daemon.relabel(wrong.id, "blocked")
    assert (result.name, [(each.id, each.state) for each in result.changed]) == ("bay", [(wrong.id, "blocked")])
    assert result.set is not None
    assert (result.set.states, result.set.learned) == (("empty", "blocked"), True)
    dock.answers("bay", "blocked")


def test_an_example_that_all_others_contradict_is_named(daemon: ControlClient, dock: Dock) -> None:
    ids = [dock.teach(daemon, state, n).changed[0].id for n in range(3) for state in ("empty", "truck")]

    def looks() -> dict[str, str | None]:
        (bay,) = [each for each in daemon.states() if each.name == "bay"]
        return {example.id: example.looks_like for example in bay.examples}

    assert looks() == dict.fromkeys(ids)
    daemon.relabel(ids[1], "empty")
    assert looks()[ids[1]] == "truck"


def test_examples_are_forgotten_by_age_by_id_by_state_and_all(
    daemon: ControlClient, dock: Dock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "edged.service.control.state_enrollment")
    ids = [dock.teach(daemon, state, n).changed[0].id for n in range(3) for state in ("empty", "truck")]

    def forgotten(result: SetResult) -> list[str]:
        return [example.id for example in result.changed]

    assert forgotten(daemon.forget_examples("bay", "empty", last=True)) == [ids[4]]
    assert forgotten(daemon.forget_examples("bay", last=True)) == [ids[5]]
    assert forgotten(daemon.forget_examples("bay", example=ids[1])) == [ids[1]]
    result = daemon.forget_examples("bay", "empty")
    assert forgotten(result) == [ids[0], ids[2]]
    assert [line for line in caplog.messages if line.startswith("forgot")] == [
        *["forgot 1 example of bay"] * 3,
        "forgot 2 examples of bay",
    ]
    assert result.set is not None
    assert (result.set.counts, result.set.learned) == ({"truck": 1}, False)
    assert len(list((dock.folder / "state" / "examples").glob("bay.*.png"))) == 1
    daemon.forget("bay")
    assert [each.name for each in daemon.states()] == ["door", "lamp", "path"]
    dock.until(lambda vec: not vec.states, "nothing is decided")
    assert refusal(lambda: daemon.forget_examples("bay", last=True))[0] == "not-found"


def test_what_is_learned_is_refused_if_it_knows_earlier_examples_less_well(
    daemon: ControlClient, dock: Dock, monkeypatch: pytest.MonkeyPatch
) -> None:
    dock.teach(daemon, "empty")
    dock.teach(daemon, "truck")
    monkeypatch.setattr("edged.states.acceptance.errors", lambda head, _: len(head.states))
    result = dock.teach(daemon, "blocked").set
    assert result is not None
    assert (result.states, result.learned) == (("empty", "truck", "blocked"), True)
    assert result.objection is not None
    assert "would be wrong about 3 of the 2 earlier examples" in result.objection
    dock.until(lambda vec: [list(each.p) for each in vec.states] == [["empty", "truck"]], "the old head decides")


def test_a_set_of_the_configuration_refuses_other_states_and_places(daemon: ControlClient, dock: Dock) -> None:
    ajar = refusal(lambda: daemon.enroll_state("door", "ajar", "dock", "gate"))
    assert ajar == ("not-found", f"door has no state ajar; it has open, shut ({dock.folder}/edged.yaml:14:9)")
    elsewhere = refusal(lambda: daemon.enroll_state("door", "open", "dock", "bay"))
    assert elsewhere == ("invalid", f"door is not for dock/bay; it is for dock/gate ({dock.folder}/edged.yaml:14:9)")
    (example,) = daemon.enroll_state("door", "open", "dock", "gate", frames=1).changed
    assert refusal(lambda: daemon.relabel(example.id, "ajar"))[0] == "not-found"
    assert daemon.relabel(example.id, "shut").changed[0].state == "shut"


def test_a_name_is_that_of_a_set_or_of_a_reference(daemon: ControlClient, dock: Dock) -> None:
    given = refusal(lambda: daemon.enroll_state("given", "empty", "dock", "bay"))
    assert given[0] == "taken"
    assert "is a reference of the configuration" in given[1]
    daemon.enroll("gate-shut", "dock", "gate", frames=1)
    assert refusal(lambda: daemon.enroll_state("gate-shut", "empty", "dock", "bay"))[0] == "taken"
    daemon.forget("gate-shut")
    dock.teach(daemon, "empty")
    for name in ("bay", "door"):
        code, text = refusal(lambda name=name: daemon.enroll(name, "dock", "bay", replace=True))  # type: ignore[misc]  # a default
        assert (code, text.partition(";")[0]) == ("taken", f"{name} is a set of states")


def test_what_is_not_there_is_refused(daemon: ControlClient) -> None:
    assert refusal(lambda: daemon.relabel("0" * 16, "empty"))[0] == "not-found"
    nothing = refusal(lambda: daemon.forget_examples("bay", "empty"))
    assert nothing == ("not-found", "bay has no enrolled example of empty; 'edged states' lists them")
    assert refusal(lambda: daemon.enroll_state("bay", "empty", "roof"))[0] == "not-found"
    assert refusal(lambda: daemon.enroll_state("bay", "empty", "yard"))[0] == "no-frames"
    assert refusal(lambda: daemon.enroll_state("bay", "empty", "dock"))[0] == "invalid"


def test_examples_of_the_configuration_are_removed_there(daemon: ControlClient, dock: Dock) -> None:
    file = dock.folder / "edged.yaml"
    for work in (lambda: daemon.forget("lamp"), lambda: daemon.forget_examples("lamp", last=True)):
        code, text = refusal(work)
        assert code == "not-found"
        assert text == (
            f"lamp has no enrolled example: its examples are in {dock.folder}/given.png, {dock.folder}/dark.png "
            f"({file}:15:53); remove pictures there and reload"
        )
    assert f"are in {dock.folder}/dark.png (" in refusal(lambda: daemon.forget_examples("lamp", "dark"))[1]
    code, text = refusal(lambda: daemon.forget("door"))
    assert text == (
        f"door has no enrolled example; it is a set of the configuration ({file}:14:9), so take it out there and reload"
    )


@pytest.mark.parametrize("number", [np.nan, np.inf, 0.0])
def test_a_picture_from_which_nothing_can_be_learned_is_refused_and_the_daemon_runs_on(
    daemon: ControlClient, dock: Dock, monkeypatch: pytest.MonkeyPatch, number: float
) -> None:
    def spoil(picture: Picture, *rest: Any) -> NDArray[np.float32]:
        vectors = vectors_of_picture(picture, *rest).astype(np.float32)
        vectors[2] = number
        return vectors

    with monkeypatch.context() as patch:
        patch.setattr("edged.service.control.trainer.vectors_of_picture", spoil)
        code, text = refusal(lambda: dock.teach(daemon, "empty"))
    assert (code, text) == ("failed", "nothing can be learned from this picture: a vector is zero, or not finite")
    (kept,) = dock.teach(daemon, "empty").changed
    assert [each.id for each in daemon.states()[-1].examples] == [kept.id]


def test_a_group_decides_as_soon_as_its_references_are_enrolled_and_as_long(daemon: ControlClient, dock: Dock) -> None:
    dock.until(lambda vec: not vec.states, "the group waits")
    with Subscriber(dock.events, camera="dock", region="bay", kinds=("state",)) as subscriber:
        daemon.enroll("path-busy", "dock", "bay", frames=1)
        states = (each for each in subscriber if isinstance(each, State) and each.set == "path")
        assert any(each.state == "busy" for each in states)
        daemon.forget("path-busy")
        dock.until(lambda vec: not vec.states, "the group waits again")
        assert next(states).reason == "set-removed"
        daemon.enroll("path-busy", "dock", "bay", frames=1)
        dock.answers("path", "busy")
        daemon.forget("path-busy")


def test_a_group_is_listed_with_what_decides_instead_of_its_examples(daemon: ControlClient) -> None:
    def objection() -> str | None:
        return next(each.objection for each in daemon.states() if each.name == "path")

    lack = "empty has no example, busy has no example yet, and 3 of each are needed"
    assert objection() == f"{lack}; until then nothing decides, because there is no reference path-busy"
    daemon.enroll("path-busy", "dock", "bay", frames=1)
    assert objection() == f"{lack}; until then the references given, path-busy decide"
    daemon.forget("path-busy")


def test_a_camera_that_is_covered_is_reported_in_every_status_and_decides_nothing(
    daemon: ControlClient, dock: Dock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edged.states.picture_health.CHECK_SECONDS", 0.2)
    monkeypatch.setattr(
        "edged.pipeline.inference.picture_checks.PictureHealth", partial(PictureHealth, patience_seconds=1.0)
    )

    def picture() -> str | None:
        return {camera.name: camera.picture for camera in daemon.status().cameras}["dock"]

    assert picture() is None
    for number in range(2):
        for state in ("empty", "truck"):
            dock.teach(daemon, state, number)
    assert picture() == "ok"
    assert daemon.status().sets == ("door", "lamp", "path", "bay")
    with Subscriber(dock.events, camera="dock", kinds=("status",)) as subscriber:
        dock.cover()
        eventually(lambda: picture() == "covered", "it is covered")
        told = (each.picture for each in subscriber if isinstance(each, Status))
        assert "covered" in told
        dock.until(lambda vec: [each.state for each in vec.states] == ["unknown"], "nothing is decided")
        dock.show("truck")
        eventually(lambda: picture() == "ok", "it is uncovered")
        assert "ok" in told
    dock.until(lambda vec: [each.state for each in vec.states] != ["unknown"], "it decides again")


def test_a_set_has_so_many_examples_and_states_at_most(
    daemon: ControlClient, dock: Dock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(example_store, "MOST_STATES", 1)
    dock.teach(daemon, "empty")
    states = refusal(lambda: daemon.enroll_state("bay", "truck", "yard"))  # before it waits for frames
    assert states[1].startswith("bay has 1 states already (empty)")
    monkeypatch.setattr(example_store, "MOST_OF_A_SET", 1)
    examples = refusal(lambda: daemon.enroll_state("bay", "empty", "yard"))
    assert examples[1].startswith("bay has 1 enrolled examples already")


def test_what_a_reload_read_too_early_is_learned_again(daemon: ControlClient, dock: Dock) -> None:
    inference = dock.pipeline.inference
    early = inference.sets
    dock.teach(daemon, "empty")
    dock.teach(daemon, "truck")
    inference.use(sets=early).result(10)
    daemon.status()  # the stage looks after each request
    dock.answers("bay", "truck")


def test_a_set_is_learned_again_after_one_reload_and_not_after_each(
    daemon: ControlClient, dock: Dock, monkeypatch: pytest.MonkeyPatch
) -> None:
    dock.teach(daemon, "empty")
    dock.teach(daemon, "truck")
    rounds: list[list[str]] = []
    learn = Trainer.learn

    def count(trainer: Trainer, name: str) -> Lesson:
        rounds[-1].append(name)
        return learn(trainer, name)

    monkeypatch.setattr(Trainer, "learn", count)
    for _ in range(3):
        rounds.append([])
        dock.pipeline.inference.use(sets=list(dock.pipeline.inference.sets)).result(10)
        daemon.status()
        daemon.states()  # the thread that learns has done what came before
    assert "bay" in rounds[0]
    assert rounds[1:] == [[], []]


def test_a_change_is_on_the_disk_also_where_the_set_cannot_be_learned(
    daemon: ControlClient, dock: Dock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ControlError("busy", "no power")

    with monkeypatch.context() as patch:
        patch.setattr("edged.pipeline.loading.states.StateSets.define", fail)
        code, text = refusal(lambda: dock.teach(daemon, "empty"))
    assert (code, text) == ("not-learned", "the change is on the disk, but bay is not learned again: no power")
    assert {each.name: each.counts for each in daemon.states()}["bay"] == {"empty": 1}


def test_a_daemon_that_has_ended_lets_another_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    dock = Dock(tmp_path)
    with dock.running(), ControlClient(dock.address) as client:
        (example,) = dock.teach(client, "empty").changed
    store = ExampleStore(tmp_path / "state" / "examples")
    assert [each.id for each in store.load()] == [example.id]
    store.remove([example.id])
    store.close()
